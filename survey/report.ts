import { describeStep } from '../simulator/step.ts';
import { type Advice, adviceFor } from './advice.ts';
import type { AnswerFacts, FieldFacts } from './answers.ts';
import { DATES, dateFormsOf } from './answers.ts';
import type { Facts, NodeFacts } from './facts.ts';
import type { RestartFacts } from './restart-facts.ts';
import { SIMULATED, simulatedInstances } from './simulated.ts';
import { bytes, duration, offset, refusal, share, UNKNOWN, yesOrNo } from './wording.ts';

/** A report, in both of its forms. */
export interface Report {
  readonly markdown: string;
  readonly json: string;
}

/** The version of the report's fields: raise it when their meaning changes. */
const FORMAT = 2;
const ACTION = 'your-org/restart-anka-vm@main';

/** @param madeOn a day, such as `2026-11-24`. Pure. */
export function renderReport(facts: Facts, madeOn: string): Report {
  const rows = compare(facts);
  const advice = adviceFor(facts);
  const differences = rows.filter(({ differs }) => differs).map(({ fact }) => fact);
  const json = { format: FORMAT, madeOn, facts, differences, advice };
  return {
    markdown: `${renderMarkdown(facts, { rows, advice, madeOn }).join('\n')}\n`,
    json: `${JSON.stringify(json, rounded, 2)}\n`,
  };
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 1_000) / 1_000 : value;
}

interface Parts {
  readonly rows: readonly Row[];
  readonly advice: Advice;
  readonly madeOn: string;
}

function renderMarkdown(facts: Facts, { rows, advice, madeOn }: Parts): string[] {
  const early = facts.problem === undefined ? '' : `, ended early (${facts.problem})`;
  return [
    '# Survey of an Anka Build Cloud Controller',
    '',
    `Made on ${madeOn} by \`npm run survey\`, in ${duration(facts.watchedMs)}${early}. The report contains no names, addresses, IDs or`,
    'secrets; nodes have labels (A, B, ...). `≠` marks what contradicts the simulator.',
    '',
    '## What to do',
    '',
    ...advice.warnings.map((warning) => `- ${warning}`),
    ...(advice.warnings.length === 0 ? ['Nothing found here prevents the use of the action.'] : []),
    '',
    '```yaml',
    describeStep(ACTION, advice.inputs),
    ...(facts.setting.hasRunner ? SCOPE_HINT : RUNNER_HINT),
    '```',
    '',
    '## Observations',
    '',
    ...table(['', 'fact', 'here', 'in the simulator'], rows.map(cellsOf)),
    '',
    ...answerTable(facts.answers),
    ...sizes(facts),
    '',
    '## Fields',
    '',
    ...facts.fields.flatMap(fieldLines),
    ...(facts.restart === undefined
      ? []
      : ['', '## The restart, step by step', '', ...passingTable(facts.restart)]),
  ];
}

/** For a step with runner inputs: the report can name no organization or repository. */
const SCOPE_HINT = ['    # runner_scope: my-org # as you gave it to the survey'];

/** For a step without runner inputs: without them, it would kill a job that runs in the VM. */
const RUNNER_HINT = [
  '    # If a GitHub runner is in the VM, add these lines, or the restart can kill a job:',
  '    # runner_name: "{external_id}" # the name of the runner',
  '    # runner_scope: my-org # if it is registered with the organization, not with this repository',
  `    # github_token: \${{ secrets.RUNNER_READ_TOKEN }}`,
];

function cellsOf({ fact, seen, simulated, differs }: Row): string[] {
  return [differs ? '≠' : '', fact, seen, simulated];
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)];
}

function answerTable(answers: readonly AnswerFacts[]): string[] {
  const rows = answers.map(({ call, asked, medianMs, longestMs, largestBytes, statuses }) => {
    const came = Object.entries(statuses).map(([status, count]) => `${status}: ${count}`);
    return [
      call,
      String(asked),
      duration(medianMs),
      duration(longestMs),
      bytes(largestBytes),
      came.join(', '),
    ];
  });
  return table(['request', 'sent', 'median', 'longest', 'largest', 'answers'], rows);
}

function sizes({ list }: Facts): string[] {
  if (list === undefined) return [];
  const unreadable = list.unreadable === 0 ? '' : `, ${list.unreadable} of them unreadable`;
  return [
    '',
    `The list has ${list.instances} instances${unreadable}, on ${list.nodes} nodes: ${bytes(list.bytes)}.`,
  ];
}

function fieldLines({ call, missing, unknown, unnamed, otherKinds }: FieldFacts): string[] {
  const named = (places: readonly string[]) =>
    places.map((place) => `\`${place || 'the whole'}\``).join(', ');
  const others = otherKinds.map(
    ({ place, seen, simulated }) =>
      `\`${place || 'the whole'}\` is ${seen.join(' or ')}, not ${simulated.join(' or ')}`,
  );
  const hidden = Object.entries(unnamed).map(([shape, count]) => `${count} of \`${shape}\``);
  const lines = [
    ...(missing.length > 0 ? [`≠ missing, although the action reads them: ${named(missing)}`] : []),
    ...(others.length > 0 ? [`≠ of another type: ${others.join('; ')}`] : []),
    ...(unknown.length > 0 ? [`≠ unknown to the simulator: ${named(unknown)}`] : []),
    ...(hidden.length > 0 ? [`≠ unknown, with names that are not shown: ${hidden.join(', ')}`] : []),
  ];
  return [
    `- \`${call}\`: ${lines.length === 0 ? 'all as expected' : ''}`,
    ...lines.map((line) => `  - ${line}`),
  ];
}

function passingTable({ passing }: RestartFacts): string[] {
  const rows = passing.map(({ afterMs, state, status, isNewBoot }) => [
    `+ ${duration(afterMs)}`,
    state,
    status,
    isNewBoot ? 'the new one' : 'the one before the restart',
  ]);
  return table(['since it was sent', 'instance_state', 'status', 'boot'], rows);
}

// ---- comparison with the simulator ----

/** One fact, and what the simulator would have shown. */
export interface Row {
  readonly fact: string;
  readonly seen: string;
  /** Empty if the simulator has no such value. */
  readonly simulated: string;
  /** Whether it contradicts the simulator: then the simulator is wrong, or this controller is special. */
  readonly differs: boolean;
}

/** How much two values can differ and still count as equal. */
const SAME_PERIOD = 0.1;
const SAME_JITTER = 0.05;
/** Dates are mostly truncated to whole seconds, and the travel time of reports is unknown. */
const HALF_SECOND_MS = 500;
const SLACK_MS = 100;
/** The survey polls the runner every 5 s, and the runner stops some seconds after the restart was sent. */
const SAME_STALE_MS = 15_000;

/** Every fact that fits in one line. Pure. */
export function compare(facts: Facts): Row[] {
  return [
    ...aboutController(facts),
    ...aboutAnswers(facts),
    ...facts.nodes.flatMap(aboutNode),
    ...aboutDates(facts),
    ...(facts.restart === undefined ? [] : aboutRestart(facts.restart, facts)),
    ...aboutRunner(facts),
  ];
}

function aboutController(facts: Facts): Row[] {
  const { version, httpVersion } = facts;
  return [
    row('version of the controller', version ?? UNKNOWN, {
      simulated: SIMULATED.controllerVersion,
      differs: false,
    }),
    row('authentication', authentication(facts)),
    row('HTTP version of the reads', httpVersion ?? UNKNOWN, { simulated: 'HTTP/1.1' }),
    row('answer without credentials', refusal(facts.withoutCredentials), {
      simulated: `HTTP ${SIMULATED.deniedStatus}, FAIL`,
    }),
    row('answer about an unknown instance', refusal(facts.unknownInstance), {
      simulated: `HTTP ${SIMULATED.failStatus}, FAIL`,
    }),
    row('answer to the list of nodes', refusal(facts.nodeList), { simulated: 'HTTP 200, OK' }),
    row('`?id=` returns only that instance', yesOrNo(facts.honoursId), { simulated: 'yes' }),
  ];
}

function aboutAnswers(facts: Facts): Row[] {
  const { version, list, replicas } = facts;
  const { knowsRestarts } = SIMULATED.quirksOf(version ?? SIMULATED.controllerVersion);
  return [
    row('replicas seen', replicasSeen(facts), {
      simulated: `${SIMULATED.replicas}`,
      differs: replicas.atLeast !== SIMULATED.replicas,
    }),
    row(
      'replicas answer in turn',
      replicas.inTurn === undefined ? UNKNOWN : `every ${replicas.inTurn} answers`,
    ),
    row('a replica lags by at least', duration(replicas.lagMs)),
    row("controller's clock, against this machine's", offset(facts.controllerClock)),
    row('running VMs without a start_date', list === undefined ? UNKNOWN : String(list.runningWithoutDate), {
      simulated: knowsRestarts ? '0' : 'all',
      differs: knowsRestarts && (list?.runningWithoutDate ?? 0) > 0,
    }),
  ];
}

interface Beside {
  readonly simulated: string;
  /** Needed if a comparison of the words is not enough. */
  readonly differs?: boolean;
}

/** They differ if both are known and are not equal. */
function row(fact: string, seen: string, { simulated, differs }: Beside = { simulated: '' }): Row {
  const isComparable = seen !== UNKNOWN && simulated !== '';
  return { fact, seen, simulated, differs: differs ?? (isComparable && seen !== simulated) };
}

function authentication({ setting }: Facts): string {
  const { authentication: way, hasClientCertificate, hasHeaders } = setting;
  const names = { none: 'no token, no key', root_token: 'root token', api_key: 'user API key' };
  const more = [hasClientCertificate ? 'client certificate' : [], hasHeaders ? 'headers' : []].flat();
  return [names[way], ...more].join(', ');
}

function replicasSeen({ replicas: { atLeast, inTurn, stepsBack, answers } }: Facts): string {
  const times = `${stepsBack} of ${answers} answers were stale`;
  if (stepsBack === 0) return `1 (${times})`;
  return inTurn === undefined ? `at least ${atLeast} (${times})` : `${atLeast} (${times})`;
}

// ---- nodes ----

function aboutNode({ label, heartbeat, clock, reach, agentVersion }: NodeFacts): Row[] {
  const { periodMs, jitter } = heartbeat ?? {};
  const { heartbeatMs, heartbeatJitter } = SIMULATED;
  // After an early report, the next gap is long, and after a late one short. With few reports, the mean is off by part of that.
  const blur = (jitter ?? 0) / Math.sqrt(heartbeat?.reports ?? 1);
  const isOtherPeriod = periodMs !== undefined && Math.abs(periodMs / heartbeatMs - 1) > SAME_PERIOD + blur;
  const isOtherJitter = jitter !== undefined && Math.abs(jitter - heartbeatJitter) > SAME_JITTER;
  const missed =
    heartbeat === undefined ? UNKNOWN : `${heartbeat.missed} of ${heartbeat.reports + heartbeat.missed}`;
  return [
    row(`node ${label}: version of the agent`, agentVersion ?? UNKNOWN),
    row(`node ${label}: a report every`, duration(periodMs), {
      simulated: duration(heartbeatMs),
      differs: isOtherPeriod,
    }),
    row(`node ${label}: each report early or late by up to`, share(jitter), {
      simulated: share(heartbeatJitter),
      differs: isOtherJitter,
    }),
    row(`node ${label}: missing reports`, missed, {
      simulated: 'none',
      differs: (heartbeat?.missed ?? 0) > 0,
    }),
    row(`node ${label}: clock, against the controller's`, offset(clock)),
    row(`node ${label}: SSH of a VM from this machine`, reach ?? UNKNOWN),
  ];
}

const SIMULATED_DATES = dateFormsOf(simulatedInstances());

function aboutDates({ dates }: Facts): Row[] {
  return DATES.map((field) => {
    const [seen, simulated] = [dates[field], SIMULATED_DATES[field]];
    const isNew = seen.some((form) => !simulated.includes(form));
    return row(`\`${field}\` is written as`, seen.join('; ') || UNKNOWN, {
      simulated: simulated.join('; '),
      differs: isNew,
    });
  });
}

// ---- one restart ----

function aboutRestart(restart: RestartFacts, facts: Facts): Row[] {
  const { ports } = restart;
  return [
    row('the restart', restart.errorCode ?? `restarted: ${restart.restarted}`, {
      simulated: 'restarted: true',
    }),
    row('answer to the restart', refusal(restart.answer), { simulated: 'HTTP 200, OK' }),
    ...aboutTimes(restart, facts),
    ...aboutPassing(restart, facts),
    row('an early report of the boot', yesOrNo(restart.isReportedOutOfTurn), {
      simulated: yesOrNo(Boolean(SIMULATED.earlyReports)),
    }),
    row(
      'forwarded ports that changed',
      ports === undefined ? UNKNOWN : `${ports.changed} of ${ports.forwarded}`,
      { simulated: 'none', differs: (ports?.changed ?? 0) > 0 },
    ),
    ...aboutGuest(restart),
  ];
}

/** What some versions show while a restart goes well. */
function aboutPassing({ passing, errorMs, vanished }: RestartFacts, { version }: Facts): Row[] {
  const quirks = SIMULATED.quirksOf(version ?? SIMULATED.controllerVersion);
  const isDeleted = passing.some(({ status }) => status === 'deleted');
  const hasError = passing.some(({ state }) => state === 'Error');
  return [
    row('`Error` for a short time', hasError ? `for ${duration(errorMs)}` : 'no', {
      simulated: yesOrNo(quirks.flaps),
      differs: hasError && !quirks.flaps,
    }),
    row('answers without the instance', String(vanished), {
      simulated: quirks.flaps ? 'some' : '0',
      differs: vanished > 0 && !quirks.flaps,
    }),
    row('status `deleted` for a short time', yesOrNo(isDeleted), {
      simulated: yesOrNo(quirks.errorMeansDeleted),
      differs: isDeleted && !quirks.errorMeansDeleted,
    }),
  ];
}

function aboutTimes(restart: RestartFacts, facts: Facts): Row[] {
  const { stopMs, startMs, pickUpMs } = SIMULATED;
  const [leastMs, mostMs] = [stopMs + startMs, stopMs + startMs + pickUpMs];
  const blurMs = HALF_SECOND_MS + (facts.controllerClock?.giveOrTakeMs ?? 0) + SLACK_MS;
  const { bootedAfterMs } = restart;
  const isOther =
    bootedAfterMs !== undefined && (bootedAfterMs < leastMs - blurMs || bootedAfterMs > mostMs + blurMs);
  return [
    row('stopped after', duration(restart.stoppedAfterMs)),
    row('booted after', duration(bootedAfterMs), {
      simulated: `${duration(leastMs)} to ${duration(mostMs)}`,
      differs: isOther,
    }),
    row('first shown after', duration(restart.shownAfterMs)),
    row('verified after', duration(restart.verifiedAfterMs)),
  ];
}

function aboutGuest({ guest }: RestartFacts): Row[] {
  if (guest === undefined) return [];
  const { before, goneAfterMs, acceptedAfterMs, bannerAfterMs, silent } = guest;
  return [
    row('SSH before the restart', before ?? UNKNOWN),
    row('SSH gone after', duration(goneAfterMs)),
    row('the forwarder accepted connections after', duration(acceptedAfterMs)),
    row('SSH answered after', duration(bannerAfterMs)),
    row('connections that stayed silent', String(silent)),
    row('another VM answered at the former port', yesOrNo(guest.answersAtFormerPort)),
  ];
}

function aboutRunner({ runner, restart }: Facts): Row[] {
  if (runner === undefined) return [];
  const rows = [
    row('runners with this name', String(runner.matches), { simulated: '1' }),
    row('runner before', `${runner.wasOnline ? 'online' : 'offline'}, ${runner.wasBusy ? 'busy' : 'idle'}`),
  ];
  if (restart === undefined) return rows;
  const { offlineAfterMs } = runner;
  const isOther =
    offlineAfterMs !== undefined && Math.abs(offlineAfterMs - SIMULATED.runnerStaleMs) > SAME_STALE_MS;
  return [
    ...rows,
    row('GitHub showed the cut-off runner online for', duration(offlineAfterMs), {
      simulated: duration(SIMULATED.runnerStaleMs),
      differs: isOther,
    }),
    row('GitHub showed it online again after', duration(runner.onlineAfterMs)),
    row('the runner has a new registration', yesOrNo(runner.isNewRegistration)),
    row('runner_status', runner.status ?? 'none'),
  ];
}
