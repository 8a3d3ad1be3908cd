import { parseArgs } from 'node:util';
import { type AccessOptions, prepareAccess } from './access.ts';
import { SECRET_LENGTHS } from './api-keys.ts';
import { createNumberReader, type NumberReader } from './command-line.ts';
import { FAULT_KINDS, interventionsOf, readFault } from './faults-by-hand.ts';
import { GITHUB_HELP, GITHUB_OPTIONS, readGitHub } from './github-by-hand.ts';
import { GUEST_FAULTS, type GuestHabits, type GuestServers, takeGuestPorts } from './guests.ts';
import { introduction } from './introduction.ts';
import { createRandom } from './random.ts';
import { serve } from './server.ts';
import { DEFAULT_WORLD, World, type WorldOptions } from './world.ts';

/** The shortest that the controller and the action accept. */
const SHORTEST_ROOT_TOKEN = 10;
const GUEST_BOOT_SECONDS = 20;
/** Ports for VMs that start later, or get new ports with a restart. */
const SPARE_PORTS = 20;
const [, LONG_SECRET] = SECRET_LENGTHS;

const HELP = `Simulates an Anka Build Cloud Controller with nodes and VMs. Develop and try workflows against it.

Usage: npm run simulator -- [options]

The world
  --port N                  port on 127.0.0.1; 0 for any free one (default 8090)
  --vms N                   VMs that run at the start (default ${DEFAULT_WORLD.vms})
  --nodes N                 nodes that run them (default ${DEFAULT_WORLD.nodes})
  --controller-version V    behave like this version (default ${DEFAULT_WORLD.controllerVersion}):
                            before 1.44, no restart and no start_date;
                            before 1.47, short Errors, and instances that vanish briefly;
                            before 1.49, status "deleted" for instances in Error
  --heartbeat-ms N          mean time between two reports of a node's agent (default ${DEFAULT_WORLD.heartbeatMs})
  --heartbeat-jitter X      how early or late each report can be, as a share of that time (default ${DEFAULT_WORLD.heartbeatJitter})
  --stop-ms N               how long stopping a VM takes (default ${DEFAULT_WORLD.stopMs})
  --start-ms N              how long starting a VM takes (default ${DEFAULT_WORLD.startMs})
  --pick-up-ms N            how long an idle agent takes to notice a task, at most (default ${DEFAULT_WORLD.pickUpMs})
  --capacity N              how many VMs a node runs; more VMs wait in Scheduling
  --address-after SECONDS   how long vminfo.ip stays empty after a boot (default 0)
  --old-fields              write the VNC password into vminfo, and "Name" into port_forwarding, as old versions do
  --one-lacks FIELDS        omit these fields from ?id=, but not from the list: external_id,name
  --fail-status N           HTTP status of a FAIL: 200 or 400 (default 200)
  --deleted-share X         before 1.49: share of the reports about an instance in Error that say "deleted" (default 1)
  --new-ports               a restarted VM gets new forwarded ports, and another VM can get its old ones
  --replicas N              N controllers answer in turn, and all but one lag behind (default 1)
  --replica-lag MS          how far they lag behind (default 10000)
  --sticky                  each connection stays with one replica
  --guests                  run an SSH-like server for each VM, behind forwarded ports of this machine
  --guest-boot SECONDS      with --guests: how long after a boot it answers (default ${GUEST_BOOT_SECONDS})
  --seed N                  the same seed gives the same world (default ${DEFAULT_WORLD.seed})

What goes wrong
  --fault KIND[:SHARE]      a fault in every request to the controller, or in a share of them (0 to 1); repeatable:
                            ${FAULT_KINDS.join(', ')}
                            (503 and 429 come with Retry-After; lost-answer affects only restarts)
  --stuck                   the agents never carry out a restart
  --error                   restarted VMs end in Error
  --stuck-vm NAME           as --stuck, but only for the VM with this external ID; repeatable
  --error-vm NAME           as --error, but only for the VM with this external ID; repeatable
  --stopped-vm NAME         the VM with this external ID is stopped; repeatable
  --guest-fault KIND        with --guests: what the guest does after a restart: ${GUEST_FAULTS.join(', ')}
                            (never up; silent behind its forwarder; another server; an SSH server that refuses this client)

${GITHUB_HELP}

Authentication (the printed step has the matching inputs)
  --root-token TOKEN        require this root token (at least ${SHORTEST_ROOT_TOKEN} characters); POST /api/v1/apikey then creates API keys
  --api-key ID              require a user API key with this ID; creates the key pair
  --key-ttl SECONDS         how long the API key is valid (default: forever)
  --session-ttl MS          how long a session of the API key lasts (default 300000)
  --deny-restarts           the API key can list VMs, but not restart them: HTTP 403
  --long-secrets            the API key's handshake uses secrets of 54 characters, not 27
  --tls                     serve https, with HTTP/2 and HTTP/1.1; creates a CA
  --mtls                    as --tls, and require a client certificate, which it creates; without one: HTTP 401

  -h, --help                this text
`;

const TEXT = { type: 'string' } as const;
const FLAG = { type: 'boolean' } as const;

const OPTIONS = {
  ...GITHUB_OPTIONS,
  port: TEXT,
  vms: TEXT,
  nodes: TEXT,
  seed: TEXT,
  'controller-version': TEXT,
  'heartbeat-ms': TEXT,
  'heartbeat-jitter': TEXT,
  'stop-ms': TEXT,
  'start-ms': TEXT,
  'pick-up-ms': TEXT,
  'root-token': TEXT,
  'api-key': TEXT,
  'session-ttl': TEXT,
  tls: FLAG,
  mtls: FLAG,
  guests: FLAG,
  'guest-boot': TEXT,
  'guest-fault': TEXT,
  'new-ports': FLAG,
  capacity: TEXT,
  'address-after': TEXT,
  'old-fields': FLAG,
  'one-lacks': TEXT,
  'fail-status': TEXT,
  'deleted-share': TEXT,
  'stopped-vm': { type: 'string', multiple: true } as const,
  'key-ttl': TEXT,
  'deny-restarts': FLAG,
  'long-secrets': FLAG,
  sticky: FLAG,
  fault: { type: 'string', multiple: true } as const,
  stuck: FLAG,
  error: FLAG,
  'stuck-vm': { type: 'string', multiple: true } as const,
  'error-vm': { type: 'string', multiple: true } as const,
  replicas: TEXT,
  'replica-lag': TEXT,
  help: { ...FLAG, short: 'h' },
};

const DAY_MS = 86_400_000;
const YEAR_S = 31_536_000;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const read = createNumberReader(values);
  const { world, guests } = await createWorld(read, values);
  const interventions = interventionsOf(
    (values.fault ?? []).map(readFault),
    createRandom(world.options.seed),
  );
  const github = readGitHub(world, read, values);
  const port = read('port', 8090, { min: 0, max: 65_535 });
  const replicas = {
    count: read('replicas', 1, { min: 1, max: 20 }),
    lagMs: read('replica-lag', 10_000, { min: 0, max: DAY_MS }),
    areSticky: values.sticky ?? false,
  };
  const prepared = await prepareAccess(readAccess(read, values));
  process.once('exit', prepared.cleanUp);
  const { access, secure } = prepared;
  const simulator = await serve({
    world,
    port,
    now: Date.now,
    access,
    replicas,
    interventions,
    ...(secure && { secure }),
    ...(github && { github }),
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void close(simulator, guests));
  console.log(introduction(simulator.url, { world, prepared, github, hasGuests: guests !== undefined }));
}

interface AccessValues {
  readonly 'root-token'?: string;
  readonly 'api-key'?: string;
  readonly 'key-ttl'?: string;
  readonly 'deny-restarts'?: boolean;
  readonly 'long-secrets'?: boolean;
  readonly tls?: boolean;
  readonly mtls?: boolean;
}

function readAccess(read: NumberReader, values: AccessValues): AccessOptions {
  const keyTtlMs = read('key-ttl', Number.POSITIVE_INFINITY, { min: 1, max: YEAR_S }) * 1_000;
  return {
    rootToken: readRootToken(values['root-token']),
    apiKeyId: values['api-key'],
    sessionTtlMs: read('session-ttl', 300_000, { min: 0, max: DAY_MS }),
    keyExpiresAt: Number.isFinite(keyTtlMs) ? Date.now() + keyTtlMs : undefined,
    deniesRestarts: values['deny-restarts'] ?? false,
    secretLength: values['long-secrets'] ? LONG_SECRET : undefined,
    tls: values.tls ?? false,
    mtls: values.mtls ?? false,
  };
}

interface WorldValues extends GuestValues {
  readonly 'controller-version'?: string;
  readonly 'new-ports'?: boolean;
  readonly stuck?: boolean;
  readonly error?: boolean;
  readonly 'stuck-vm'?: readonly string[];
  readonly 'error-vm'?: readonly string[];
  readonly 'stopped-vm'?: readonly string[];
  readonly 'old-fields'?: boolean;
  readonly 'one-lacks'?: string;
}

function readFieldOptions(read: NumberReader, values: WorldValues): Partial<WorldOptions> {
  const failStatus = read('fail-status', 200, { min: 200, max: 400 });
  if (failStatus !== 200 && failStatus !== 400) throw new Error('--fail-status must be 200 or 400');
  const capacity = read('capacity', Number.POSITIVE_INFINITY, { min: 0, max: 1_000 });
  return {
    failStatus,
    capacity,
    addressAfterMs: read('address-after', 0, { min: 0, max: DAY_MS / 1_000 }) * 1_000,
    deletedShare: read('deleted-share', 1, { min: 0, max: 1, isShare: true }),
    oneLacks: (values['one-lacks'] ?? '').split(',').filter((field) => field !== ''),
    ...(values['old-fields'] && { writesOldFields: true }),
  };
}

/** With guests, the nodes' ports are ports of this machine. */
async function createWorld(
  read: NumberReader,
  values: WorldValues,
): Promise<{ world: World; guests: GuestServers | undefined }> {
  const habits = readGuestHabits(read, values);
  const options = worldOptions(read, values['controller-version']);
  const guests = values.guests ? await takeGuestPorts(options.vms + SPARE_PORTS) : undefined;
  const world = new World({
    ...options,
    ...(guests && { nodeIp: '127.0.0.1', ports: guests.ports }),
    reassignsPorts: values['new-ports'] ?? false,
    agentsAreStuck: values.stuck ?? false,
    bootsFail: values.error ?? false,
    stuckVms: values['stuck-vm'] ?? [],
    brokenVms: values['error-vm'] ?? [],
    stoppedVms: values['stopped-vm'] ?? [],
    ...readFieldOptions(read, values),
  });
  guests?.open({ world, now: Date.now, habits });
  return { world, guests };
}

async function close(...servers: readonly ({ close(): Promise<void> } | undefined)[]): Promise<void> {
  await Promise.all(servers.map((server) => server?.close()));
}

interface GuestValues {
  readonly guests?: boolean;
  readonly 'guest-boot'?: string;
  readonly 'guest-fault'?: string;
}

function readGuestHabits(read: NumberReader, values: GuestValues): GuestHabits {
  const { 'guest-fault': kind } = values;
  const isGiven = (values['guest-boot'] ?? kind) !== undefined;
  if (isGiven && !values.guests) throw new Error('--guest-boot and --guest-fault need --guests');
  const fault = GUEST_FAULTS.find((one) => one === kind);
  if (kind !== undefined && fault === undefined)
    throw new Error(`--guest-fault must be one of ${GUEST_FAULTS.join(', ')}, not ${JSON.stringify(kind)}`);
  const seconds = read('guest-boot', GUEST_BOOT_SECONDS, { min: 0, max: DAY_MS / 1_000 });
  return { bootMs: seconds * 1_000, fault, forwarder: 'accepts' };
}

function readRootToken(token: string | undefined): string | undefined {
  if (token === undefined || token.length >= SHORTEST_ROOT_TOKEN) return token;
  throw new Error(`--root-token needs at least ${SHORTEST_ROOT_TOKEN} characters`);
}

function worldOptions(read: NumberReader, controllerVersion = DEFAULT_WORLD.controllerVersion): WorldOptions {
  const time = { min: 0, max: DAY_MS };
  return {
    startsAt: Date.now(),
    controllerVersion,
    seed: read('seed', DEFAULT_WORLD.seed, { min: 0, max: 2 ** 32 }),
    vms: read('vms', DEFAULT_WORLD.vms, { min: 0, max: 1_000 }),
    nodes: read('nodes', DEFAULT_WORLD.nodes, { min: 1, max: 100 }),
    heartbeatMs: read('heartbeat-ms', DEFAULT_WORLD.heartbeatMs, { min: 10, max: DAY_MS }),
    heartbeatJitter: read('heartbeat-jitter', DEFAULT_WORLD.heartbeatJitter, {
      min: 0,
      max: 0.9,
      isShare: true,
    }),
    stopMs: read('stop-ms', DEFAULT_WORLD.stopMs, time),
    startMs: read('start-ms', DEFAULT_WORLD.startMs, time),
    pickUpMs: read('pick-up-ms', DEFAULT_WORLD.pickUpMs, time),
  };
}

function adviceOn(error: unknown): string {
  const isPortTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
  return isPortTaken ? '--port 0 takes any free port' : 'see --help';
}

try {
  await main();
} catch (error) {
  console.error(`simulator: ${error instanceof Error ? error.message : String(error)} (${adviceOn(error)})`);
  process.exitCode = 2;
}
