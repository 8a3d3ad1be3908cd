import { DEFAULTS } from '../src/inputs/form.ts';
import { HOUR, duration as parseDuration, SECOND } from '../src/inputs/parsers.ts';
import type { Facts, NodeFacts } from './facts.ts';
import { offset, refusal } from './wording.ts';

/** What to do with the findings. */
export interface Advice {
  /** Inputs of the step; secrets appear as likely names of secrets. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

/** Pure. */
export function adviceFor(facts: Facts): Advice {
  return { inputs: inputsFor(facts), warnings: WARNINGS.flatMap((warn) => warn(facts)) };
}

// ---- the step ----

const MINUTE_MS = 60_000;
/** A restart or a guest can take this many times as long as the observed one. */
const FACTOR = 3;
/** In milliseconds: an agent may first be busy with the tasks of other VMs. */
const LEAST_TIMEOUT_MS = 2 * MINUTE_MS;
/** Even if this many reports in a row are lost, the action can still prove a restart. */
const REPORTS = 6;

function inputsFor(facts: Facts): Record<string, string> {
  const { setting } = facts;
  const inputs: Record<string, string> = {
    controller_url: asVariable('ANKA_CONTROLLER_URL'),
    instance_id: asVariable('ANKA_INSTANCE_ID'),
    ...AUTHENTICATION[setting.authentication],
  };
  if (setting.hasClientCertificate) {
    inputs['client_cert'] = asSecret('ANKA_CLIENT_CERT');
    inputs['client_key'] = asSecret('ANKA_CLIENT_KEY');
  }
  if (setting.hasOwnCa) inputs['ca_cert'] = asVariable('ANKA_CA_CERT');
  if (setting.hasHeaders) inputs['headers'] = asSecret('ANKA_HEADERS');
  if (setting.hasRunner) {
    inputs['runner_name'] = '{external_id}';
    inputs['github_token'] = asSecret('RUNNER_READ_TOKEN');
  }
  return { ...inputs, ...timesFor(facts) };
}

const AUTHENTICATION: Readonly<Record<Facts['setting']['authentication'], Readonly<Record<string, string>>>> =
  {
    none: {},
    root_token: { root_token: asSecret('ANKA_ROOT_TOKEN') },
    api_key: { api_key_id: asVariable('ANKA_API_KEY_ID'), api_key: asSecret('ANKA_API_KEY') },
  };

function asSecret(name: string): string {
  return `\${{ secrets.${name} }}`;
}

function asVariable(name: string): string {
  return `\${{ vars.${name} }}`;
}

/** Inputs whose defaults do not fit the observations. */
function timesFor(facts: Facts): Record<string, string> {
  const times: Record<string, string> = { timeout: inMinutes(timeoutFor(facts)) };
  const slowestMs = Math.max(0, ...facts.answers.map(({ longestMs = 0 }) => longestMs));
  const requestTimeoutMs = FACTOR * slowestMs;
  if (requestTimeoutMs > defaultOf('request_timeout')) times['request_timeout'] = inSeconds(requestTimeoutMs);
  const { guest, verifiedAfterMs = 0 } = facts.restart ?? {};
  if (guest?.bannerAfterMs !== undefined) {
    times['guest_check'] = 'ssh';
    times['guest_timeout'] = inMinutes(FACTOR * Math.max(0, guest.bannerAfterMs - verifiedAfterMs));
  }
  return times;
}

/** Long enough for the observed times, and for some lost reports. */
function timeoutFor({ restart, nodes, replicas }: Facts): number {
  const gaps = nodes.map(({ heartbeat }) => heartbeat?.longestMs ?? 0);
  const late = REPORTS * Math.max(0, ...gaps) + FACTOR * (replicas.lagMs ?? 0);
  const verifiedMs = restart?.restarted === 'true' ? restart.verifiedAfterMs : undefined;
  return verifiedMs === undefined
    ? Math.max(defaultOf('timeout'), MINUTE_MS + late)
    : Math.max(LEAST_TIMEOUT_MS, FACTOR * verifiedMs + late);
}

function defaultOf(input: 'timeout' | 'request_timeout'): number {
  const parsed = parseDuration({ min: SECOND, max: 24 * HOUR })(DEFAULTS[input]);
  return 'value' in parsed ? parsed.value : 0;
}

function inMinutes(ms: number): string {
  return `${Math.max(1, Math.ceil(ms / MINUTE_MS))}m`;
}

function inSeconds(ms: number): string {
  return `${Math.ceil(ms / SECOND)}s`;
}

// ---- warnings ----

type Warn = (facts: Facts) => string[];

const FIRST_WITH_RESTARTS = 44;
const FIRST_WITHOUT_FLAPPING = 47;
/** In milliseconds. A node's clock that is off by more has not been set for a long time; certificates and sessions depend on the other clocks. */
const NODE_CLOCK_MS = 10_000;
const CONTROLLER_CLOCK_MS = 60_000;
/** The action reads 32 MiB at most. */
const LARGE_LIST_BYTES = 8 * 1024 * 1024;
const SLOW_MS = 3_000;

const WARNINGS: readonly Warn[] = [
  ({ problem }) =>
    problem === undefined || problem === 'cancelled' ? [] : [`The survey ended early: ${problem}.`],
  ({ version }) => warnOfVersion('The controller', version),
  ({ nodes }) =>
    nodes.flatMap(({ label, agentVersion }) => warnOfVersion(`The agent of node ${label}`, agentVersion)),
  ({ setting }) =>
    setting.authentication === 'root_token'
      ? [
          'The root token can do everything on the controller: use an API key whose group can only list and restart instances.',
        ]
      : [],
  ({ setting, list }) =>
    list !== undefined && setting.authentication === 'none' && !setting.hasClientCertificate
      ? ['Anyone who can reach the controller can use it: turn on authentication, such as user API keys.']
      : [],
  ({ withoutCredentials, setting }) =>
    withoutCredentials?.envelope === 'OK' && !setting.hasClientCertificate
      ? ['The controller also answers without credentials, so they protect nothing.']
      : [],
  ({ setting }) =>
    setting.scheme === 'http'
      ? ['Without TLS, anyone on the network path can read the credentials and pretend to be the controller.']
      : [],
  ({ setting }) =>
    setting.skipsVerification ? ['skip_tls_verify accepts any server: pass the CA in ca_cert instead.'] : [],
  warnOfPermissions,
  warnOfClocks,
  ({ nodes }) => nodes.flatMap(warnOfReports),
  warnOfReach,
  ({ nodes }) =>
    nodes.flatMap(({ label, isActive }) => (isActive === false ? [`Node ${label} is not Active.`] : [])),
  warnOfAnswers,
  ({ restart }) =>
    restart === undefined || restart.restarted === 'true'
      ? []
      : [`The restart was not verified (${restart.errorCode ?? restart.restarted}): see the log above.`],
];

function warnOfVersion(component: string, version: string | undefined): string[] {
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number);
  if (version === undefined || major > 1) return [];
  if (minor < FIRST_WITH_RESTARTS)
    return [`${component} is ${version}: restarts need 1.44.0 or later. Update it first.`];
  if (minor < FIRST_WITHOUT_FLAPPING)
    return [
      `${component} is ${version}: before 1.47, a restart shows Error for a short time. The action waits until it ends.`,
    ];
  return [];
}

function warnOfPermissions({ nodeList, list }: Facts): string[] {
  const isRefused = nodeList !== undefined && nodeList.envelope !== 'OK';
  const without = list?.runningWithoutDate ?? 0;
  return [
    ...(isRefused
      ? [
          `The controller refuses the list of nodes (${refusal(nodeList)}). The action does not need it. Use --restart to see whether the credentials can restart a VM.`,
        ]
      : []),
    ...(without > 0
      ? [`${without} running VMs have no start_date: the action could not prove a restart of them.`]
      : []),
  ];
}

function warnOfClocks({ nodes, controllerClock }: Facts): string[] {
  const off = nodes.flatMap(({ label, clock }) =>
    clock !== undefined && Math.abs(clock.aheadMs) > NODE_CLOCK_MS
      ? [
          `The clock of node ${label} is ${offset(clock)} of the controller's. That is harmless, but a clock that is set during a restart makes it harder to prove: keep it synchronized.`,
        ]
      : [],
  );
  const isOff = controllerClock !== undefined && Math.abs(controllerClock.aheadMs) > CONTROLLER_CLOCK_MS;
  return isOff
    ? [
        ...off,
        `The controller's clock is ${offset(controllerClock)} of this machine's: certificates may seem to have expired.`,
      ]
    : off;
}

function warnOfReports({ label, heartbeat }: NodeFacts): string[] {
  if (heartbeat === undefined || heartbeat.missed === 0) return [];
  return [
    `Node ${label}: ${heartbeat.missed} of ${heartbeat.missed + heartbeat.reports} reports are missing. A restart there may take longer to prove.`,
  ];
}

function warnOfReach({ nodes }: Facts): string[] {
  return nodes.flatMap(({ label, reach }) => {
    if (reach === 'unreachable')
      return [
        `This machine cannot reach node ${label}: guest_check would fail there. Run the step on a machine that can, or allow the connection.`,
      ];
    return reach !== undefined && reach !== 'banner'
      ? [
          `Node ${label}: no SSH server answers at the forwarded port (${reach}): guest_check would fail for that VM.`,
        ]
      : [];
  });
}

function warnOfAnswers({ answers, list, honoursId }: Facts): string[] {
  const slow = answers.filter(({ longestMs = 0 }) => longestMs > SLOW_MS).map(({ call }) => call);
  const isLarge = (list?.bytes ?? 0) > LARGE_LIST_BYTES;
  return [
    ...(slow.length > 0 ? [`Some answers took more than 3 s: ${slow.join(', ')}.`] : []),
    ...(isLarge
      ? ['The list of instances is large: startup scripts with long outputs may have filled it.']
      : []),
    ...(honoursId === false ? ['The controller ignores `?id=`: each poll returns the whole list.'] : []),
  ];
}
