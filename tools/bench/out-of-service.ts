import { type Outputs, playStep } from '../../__tests__/simulation/play-step.ts';
import { CONTROLLER_ORIGIN, createStage, GITHUB_TOKEN, WHOLE } from '../../__tests__/simulation/stage.ts';
import type { Employment } from '../../simulator/github-runners.ts';
import { createRandom } from '../../simulator/random.ts';
import { DEFAULT_WORLD } from '../../simulator/world.ts';
import { beginOf, passHistory } from './models.ts';
import { quantile } from './statistics.ts';

/*
 * How long a VM is out of service between two jobs. The step begins at the end of a job; everything before that depends on GitHub and the
 * workflow. All times are virtual.
 */

interface Setup {
  readonly name: string;
  readonly runner: Omit<Employment, 'record' | 'name'>;
  readonly inputs: Outputs;
  /** In one step, each on its own node. */
  readonly vms?: number;
}

const SETUPS: readonly Setup[] = [
  { name: 'persistent, defaults', runner: {}, inputs: {} },
  { name: 'persistent, `concurrency` and `idle_for: 0s`', runner: {}, inputs: { idle_for: '0s' } },
  { name: 'one-job', runner: { takesOneJob: true }, inputs: { runner_ephemeral: 'true' } },
  {
    name: 'one-job, three VMs in one step',
    runner: { takesOneJob: true },
    inputs: { runner_ephemeral: 'true', max_parallel: '100%' },
    vms: 3,
  },
];

/** The measurements of one VM's restart, in milliseconds from the end of its job. */
interface OutOfService {
  /** Stop, start, boot and registration, with nothing between them. */
  readonly limitMs: number;
  /** Until the next job can start on the VM. */
  readonly usableMs: number;
  /** Until the step knows it. */
  readonly knownMs: number;
}

export interface OutOfServiceRow {
  readonly setup: string;
  readonly runs: number;
  readonly limit: Span;
  readonly usable: Span;
  readonly known: Span;
  /** The time above the limit of the same world. */
  readonly usableAboveLimit: Span;
  readonly knownAboveLimit: Span;
}

interface Span {
  readonly medianMs: number;
  readonly p95Ms: number;
}

const JOB_MS = 600_000;
/** From the boot to the registration: macOS boots, a user logs in, the runner registers. */
const LOGIN_MS = { min: 15_000, max: 35_000 };
/** The network delay to the controller and to GitHub in one direction, plus or minus a fifth. */
const NETWORK_MS = 30;

export async function measureOutOfService(firstSeed: number, runs: number): Promise<OutOfServiceRow[]> {
  const rows: OutOfServiceRow[] = [];
  for (const setup of SETUPS) {
    const figures: OutOfService[] = [];
    for (let seed = firstSeed; seed < firstSeed + runs; seed++) figures.push(...(await playOne(seed, setup)));
    rows.push(rowOf(setup.name, figures));
  }
  return rows;
}

/** One real step after the VMs' jobs, which end together: the same world for each setup. */
async function playOne(seed: number, setup: Setup): Promise<OutOfService[]> {
  const random = createRandom(seed ^ 0x5e41);
  const { stopMs, startMs } = DEFAULT_WORLD;
  const loginMs = random.between(LOGIN_MS.min, LOGIN_MS.max);
  const preludeMs = JOB_MS + 1_000 * random.between(60, 70);
  const trip = () => NETWORK_MS * random.between(0.8, 1.2);
  const stage = createStage({
    ...{
      world: { seed, vms: setup.vms ?? 1, nodes: setup.vms ?? 2 },
      preludeMs,
      random,
      github: { token: GITHUB_TOKEN, habits: { loginMs } },
    },
    runnersIn: ({ externalId = '' }) => [{ name: externalId, ...setup.runner }],
    deliveryOf: () => ({ ...WHOLE, connectMs: 0, thereMs: trip(), backMs: trip() }),
  });
  const { world, github, time } = stage;
  const beginsAt = beginOf(random);
  time.at(beginsAt - JOB_MS, () => {
    world.advanceTo(time.now());
    for (const runner of github.runners) github.startJob(runner, JOB_MS);
  });
  await passHistory(stage, random);

  const { outputs, outcome, endedAt } = await playStep(stage, {
    ...{
      controller_url: CONTROLLER_ORIGIN,
      external_id: world.records.map(({ externalId }) => externalId).join('\n'),
    },
    ...{ runner_name: '{external_id}', runner_scope: 'octo-org', github_token: GITHUB_TOKEN },
    ...{ jobs_token: GITHUB_TOKEN, ...setup.inputs },
  });
  world.advanceTo(time.now());
  if (outputs['restarted'] !== 'true')
    throw new Error(`seed ${seed}, ${setup.name}: ${outcome.error?.message}`);
  return github.runners.map(({ begins, instanceId }) => {
    const [usableAt, vm] = [
      begins.at(-1),
      outcome.vms.find(({ before }) => before?.instanceId === instanceId),
    ];
    if (usableAt === undefined || vm === undefined) throw new Error(`seed ${seed}, ${setup.name}: not back`);
    const knownMs = (vm.endedAt ?? endedAt) - beginsAt;
    return { limitMs: stopMs + startMs + loginMs, usableMs: usableAt - beginsAt, knownMs };
  });
}

function rowOf(setup: string, figures: readonly OutOfService[]): OutOfServiceRow {
  const span = (figureOf: (one: OutOfService) => number): Span => {
    const sorted = figures.map(figureOf).sort((a, b) => a - b);
    return { medianMs: quantile(sorted, 0.5), p95Ms: quantile(sorted, 0.95) };
  };
  return {
    ...{ setup, runs: figures.length },
    limit: span(({ limitMs }) => limitMs),
    usable: span(({ usableMs }) => usableMs),
    known: span(({ knownMs }) => knownMs),
    usableAboveLimit: span(({ usableMs, limitMs }) => usableMs - limitMs),
    knownAboveLimit: span(({ knownMs, limitMs }) => knownMs - limitMs),
  };
}

/** A table in Markdown, in seconds: median / 95th percentile. */
export function tableOfOutOfService(rows: readonly OutOfServiceRow[]): string {
  const cell = ({ medianMs, p95Ms }: Span) => `${seconds(medianMs)} / ${seconds(p95Ms)}`;
  return [
    '| runner | minimum | the next job can start | the step knows it | overhead |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map(
      ({ setup, limit, usable, known, knownAboveLimit }) =>
        `| ${setup} | ${cell(limit)} | ${cell(usable)} | ${cell(known)} | ${cell(knownAboveLimit)} |`,
    ),
  ].join('\n');
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}
