import { test } from '@jest/globals';
import type * as Controller from '../../src/controller/controller.ts';
import type { Job } from '../../src/github/job.ts';
import type * as Jobs from '../../src/github/jobs.ts';
import type * as Name from '../../src/github/runner-names.ts';
import type * as Contacts from '../../src/guest/contact.ts';
import type * as GuestVerdict from '../../src/guest/guest-verdict.ts';
import type * as WaitForGuest from '../../src/guest/wait-for-guest.ts';
import { isRecord, parseJson } from '../../src/http/json.ts';
import type * as Transport from '../../src/http/transport.ts';
import type * as Attempt from '../../src/restart/attempt.ts';
import type * as BackVerdict from '../../src/runner/back-verdict.ts';
import type * as Guards from '../../src/runner/guard.ts';
import type * as JobFinding from '../../src/runner/job-finding.ts';
import type * as Occupancy from '../../src/runner/occupancy.ts';
import { expectFound, plant } from '../support/plant.ts';

// Each row plants a plausible bug in the step's dealings with the runner or the guest in the VM. Does the simulation find it?

const MOST_RUNS = 5_000;

type Plant = () => Promise<void>;

const ATTEMPT = '../../src/restart/attempt.ts';
const GUARD = '../../src/runner/guard.ts';
const CONTACT = '../../src/guest/contact.ts';
const WAIT_FOR_GUEST = '../../src/guest/wait-for-guest.ts';
const GUEST_VERDICT = '../../src/guest/guest-verdict.ts';
const BACK_VERDICT = '../../src/runner/back-verdict.ts';
const JOBS = '../../src/github/jobs.ts';
const JOB_FINDING = '../../src/runner/job-finding.ts';
const NAME = '../../src/github/runner-names.ts';
const OCCUPANCY = '../../src/runner/occupancy.ts';
const TRANSPORT = '../../src/http/transport.ts';

type Event = Occupancy.OccupancyEvent;
type State = Occupancy.Occupancy;

/** Plants a bug in how GitHub's answers before the restart are read: they are replaced. */
function plantInReads(change: {
  shown?: (shown: Shown) => Shown;
  finding?: (finding: Finding) => Finding;
}): Plant {
  const { shown = (same: Shown) => same, finding = (same: Finding) => same } = change;
  const changed = (event: Event): Event =>
    event.kind === 'runners'
      ? { ...event, reading: { ...event.reading, runners: shown(event.reading.runners) } }
      : { ...event, finding: finding(event.finding) };
  return () =>
    plant<typeof Occupancy>(OCCUPANCY, ({ nextOccupancy }) => ({
      nextOccupancy: (state, event, rules) => nextOccupancy(state, changed(event), rules),
    }));
}

type Finding = Extract<Event, { kind: 'jobs' }>['finding'];
type Shown = Extract<Event, { kind: 'runners' }>['reading']['runners'];

/** Plants a bug in the jobs that are read. */
function plantInJobs(change: (jobs: readonly Job[]) => readonly Job[]): Plant {
  return () =>
    plant<typeof Jobs>(JOBS, ({ createJobsSource }) => ({
      createJobsSource(...given) {
        const source = createJobsSource(...given);
        return {
          async runningJobs(bounds) {
            const read = await source.runningJobs(bounds);
            return 'refused' in read ? read : change(read);
          },
        };
      },
    }));
}

/** Plants a bug in what GitHub answers, after it has arrived. */
function plantInAnswers(change: (path: string, text: string) => string): Plant {
  return () =>
    plant<typeof Transport>(TRANSPORT, ({ createTransport }) => ({
      createTransport(options) {
        const transport = createTransport(options);
        return {
          ...transport,
          async send(request, bounds) {
            const result = await transport.send(request, bounds);
            if (!('answer' in result)) return result;
            const text = change(request.path, result.answer.text);
            return text === result.answer.text ? result : { answer: { ...result.answer, status: 200, text } };
          },
        };
      },
    }));
}

const NO_JOB_IS_KILLED: readonly (readonly [string, Plant, string])[] = [
  [
    'a runner that shows no job once counts as idle',
    () =>
      plant<typeof Occupancy>(OCCUPANCY, ({ nextOccupancy }) => ({
        nextOccupancy: (state, event, rules) => nextOccupancy(state, event, { ...rules, idleForMs: 0 }),
      })),
    'for long enough',
  ],
  [
    'the step does not wait for a busy runner',
    plantInReads({ shown: (shown) => shown?.map((runner) => ({ ...runner, isBusy: false })) }),
    'though a source showed a job',
  ],
  [
    'no answer from GitHub counts as an idle runner',
    // Both sources at once, because one would hide the loss of the other.
    plantInReads({
      shown: (shown) => shown ?? [],
      finding: (finding) => (finding.kind === 'no answer' ? { kind: 'none' } : finding),
    }),
    'without reading the runner',
  ],
  [
    'a job in progress on the runner is overlooked',
    plantInReads({ finding: (finding) => (finding.kind === 'job' ? { kind: 'none' } : finding) }),
    'though a source showed a job',
  ],
  [
    'no answer about the jobs counts as no jobs',
    plantInReads({ finding: (finding) => (finding.kind === 'no answer' ? { kind: 'none' } : finding) }),
    'without reading the jobs again',
  ],
  [
    'the jobs are read once, and never again',
    () =>
      plant<typeof Jobs>(JOBS, ({ createJobsSource }) => ({
        createJobsSource(...given) {
          const source = createJobsSource(...given);
          let known: ReturnType<typeof source.runningJobs> | undefined;
          return {
            runningJobs(bounds) {
              known ??= source.runningJobs(bounds);
              return known;
            },
          };
        },
      })),
    'without reading the jobs again',
  ],
  [
    'a runner that has shown no job for a short time counts as busy',
    () =>
      plant<typeof Occupancy>(OCCUPANCY, ({ nextOccupancy }) => ({
        nextOccupancy(state, event, rules): State {
          const next = nextOccupancy(state, event, rules);
          return next.kind === 'settling' ? { kind: 'busy', job: 'unread' } : next;
        },
      })),
    'skipped without a reason',
  ],
  [
    'the runner is not read again before the next attempt',
    () =>
      plant<typeof Attempt>(ATTEMPT, ({ prepare }) => ({
        prepare: async (attempt) => attempt.baseline ?? prepare(attempt),
      })),
    'without reading the runner again',
  ],
  [
    'a run that GitHub calls queued is not read, though one of its jobs runs',
    plantInAnswers((path, text) =>
      /actions\/runs\?.*status=(queued|pending|waiting|requested)/.test(path)
        ? JSON.stringify({ total_count: 0, workflow_runs: [] })
        : text,
    ),
    'though a source showed a job',
  ],
  [
    'a full page whose total contradicts it is taken as the last one',
    // As if the total were right.
    plantInAnswers((path, text) => {
      const [key = ''] = /(?<=actions\/)(runners|runs)\?/.exec(path)?.slice(1) ?? [];
      const body = parseJson(text);
      const list = isRecord(body) ? body[key === 'runs' ? 'workflow_runs' : key] : undefined;
      if (!isRecord(body) || !Array.isArray(list) || list.length < 100) return text;
      return JSON.stringify({ ...body, total_count: Math.max(list.length, Number(body['total_count'])) });
    }),
    'was not read to its end',
  ],
  [
    'a source that was refused once is not asked again',
    () =>
      plant<typeof Jobs>(JOBS, ({ createJobsSource }) => ({
        createJobsSource(...given) {
          const source = createJobsSource(...given);
          let refusal: Jobs.Refusal | undefined;
          return {
            async runningJobs(bounds) {
              const read = refusal ?? (await source.runningJobs(bounds));
              if ('refused' in read) refusal = { ...read, isFinal: true };
              return refusal ?? read;
            },
          };
        },
      })),
    'though a source showed a job',
  ],
  [
    'a runner that is offline has no job, whatever GitHub says',
    plantInReads({
      shown: (shown) => shown?.map((runner) => ({ ...runner, isBusy: runner.isBusy && runner.isOnline })),
    }),
    'though a source showed a job',
  ],
  [
    'the ID of a runner decides, not its name',
    plantInJobs((jobs) => jobs.map((job) => ({ ...job, runnerName: undefined }))),
    'does not fit',
  ],
  [
    "a job with our runner's name and another number is ignored",
    () =>
      plant<typeof JobFinding>(JOB_FINDING, ({ createJobReader }) => ({
        createJobReader(source, context) {
          // Only the numbers of the first registration.
          let known: ReadonlySet<number> = new Set();
          const isOurs = ({ runnerId }: Job) => runnerId === undefined || known.has(runnerId);
          const numbered: Jobs.JobsSource = {
            async runningJobs(bounds) {
              const read = await source.runningJobs(bounds);
              return 'refused' in read || known.size === 0 ? read : read.filter(isOurs);
            },
          };
          const reader = createJobReader(numbered, context);
          return {
            read(owner, bounds) {
              if (known.size === 0) known = new Set(owner().ids);
              return reader.read(owner, bounds);
            },
          };
        },
      })),
    'though a source showed a job',
  ],
  [
    'a job without a runner is ignored',
    plantInJobs((jobs) => jobs.filter(({ runnerName }) => runnerName !== undefined)),
    'though a source showed a job',
  ],
  [
    'of several runners in a VM, only the first is watched',
    () =>
      plant<typeof Name>(NAME, ({ fillPattern }) => ({
        fillPattern(...given) {
          const { parts } = fillPattern(...given);
          return parts.length === 1 ? { parts } : { parts: [`${parts[0]}a`] };
        },
      })),
    'without reading the runner',
  ],
  [
    "the runner is looked up by its VM's masked name",
    () =>
      plant<typeof Name>(NAME, ({ fillPattern }) => ({
        fillPattern(template, instance) {
          const name = instance.name?.replaceAll('vnc-hunter2', '***');
          return fillPattern(template, { ...instance, name });
        },
      })),
    'does not fit',
  ],
];

type NameHistory = ReturnType<BackVerdict.BackHistory['byName']['get']>;

/** Changes what is known about each runner. */
function withEach(
  history: BackVerdict.BackHistory,
  planted: Partial<NonNullable<NameHistory>>,
): BackVerdict.BackHistory {
  const changed = [...history.byName].map(([name, known]) => [name, { ...known, ...planted }] as const);
  return { ...history, byName: new Map(changed) };
}

const ONLINE_IS_TRUE: typeof NO_JOB_IS_KILLED = [
  [
    'the first read that shows the runner online proves it',
    () =>
      plant<typeof BackVerdict>(BACK_VERDICT, ({ judgeBack }) => ({
        judgeBack(history, reading) {
          const judged = judgeBack(history, reading);
          const isOnline = reading.runners?.some((runner) => runner.isOnline);
          return isOnline ? { ...judged, verdict: { kind: 'online', proof: 'planted' } } : judged;
        },
      })),
    'takes no job',
  ],
  [
    'any job proves the runner, even if it may be an old one',
    () =>
      plant<typeof BackVerdict>(BACK_VERDICT, ({ judgeBack }) => ({
        judgeBack: (history, reading) => judgeBack(withEach(history, { wasIdle: true }), reading),
      })),
    'takes no job',
  ],
  [
    'a runner that was offline before the restart only has to be online',
    () =>
      plant<typeof BackVerdict>(BACK_VERDICT, ({ startBackHistory }) => ({
        startBackHistory: (...known) => withEach(startBackHistory(...known), { wasOffline: true }),
      })),
    'takes no job',
  ],
  [
    'of several runners in a VM, one that is back is enough',
    () =>
      plant<typeof BackVerdict>(BACK_VERDICT, ({ startBackHistory }) => ({
        startBackHistory: (...known) => ({ ...startBackHistory(...known), wanted: [], wantedOthers: 1 }),
      })),
    'takes no job',
  ],
  [
    'the step waits for the runner although wait_for_runner is false',
    () =>
      plant<typeof Guards>(GUARD, ({ createGuards }) => ({
        createGuards: ({ runner, ...options }) =>
          createGuards({ ...options, runner: { ...runner, waitsForRunner: true } }),
      })),
    'the step did not wait',
  ],
];

const THE_GUEST_IS_UP: typeof NO_JOB_IS_KILLED = [
  [
    'a connection alone counts as a guest that is up',
    () =>
      plant<typeof Contacts>(CONTACT, ({ contact }) => ({
        async contact(...given) {
          const heard = await contact(...given);
          return heard.kind === 'silent' ? { kind: 'banner', banner: 'planted' } : heard;
        },
      })),
    '"up"',
  ],
  [
    "the VM is not read after the banner to rule out another VM's",
    () => plant<typeof GuestVerdict>(GUEST_VERDICT, () => ({ isSameEndpoint: () => true })),
    '"up" of a guest that was not',
  ],
  [
    'the port is the one from before the restart',
    () =>
      plant<typeof WaitForGuest>(WAIT_FOR_GUEST, ({ waitForGuest }) => ({
        waitForGuest(outcome, check, context) {
          const { portForwarding = [] } = outcome.before ?? {};
          const getInstance: Controller.Controller['getInstance'] = async (...given) => {
            const instance = await context.controller.getInstance(...given);
            return instance && { ...instance, portForwarding };
          };
          return waitForGuest(outcome, check, {
            ...context,
            controller: { ...context.controller, getInstance },
          });
        },
      })),
    'gave up on a guest that was up',
  ],
];

const BUGS = [...NO_JOB_IS_KILLED, ...ONLINE_IS_TRUE, ...THE_GUEST_IS_UP];

test.each(BUGS)(
  'finds that %s',
  (bug, plantBug, found) => expectFound({ bug, plantBug, most: MOST_RUNS, found }),
  300_000,
);
