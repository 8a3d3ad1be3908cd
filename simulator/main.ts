import { parseArgs } from 'node:util';
import { serve } from './server.ts';
import { DEFAULT_WORLD, World, type WorldOptions } from './world.ts';

const HELP = `A simulated Anka Build Cloud Controller with nodes and VMs, to develop and try workflows against.

Usage: npm run simulator -- [options]

  --port N                  port on 127.0.0.1; 0 takes a free one (default 8090)
  --vms N                   VMs that run from the start (default ${DEFAULT_WORLD.vms})
  --nodes N                 nodes that they run on (default ${DEFAULT_WORLD.nodes})
  --controller-version V    behave as that version does (default ${DEFAULT_WORLD.controllerVersion}):
                            before 1.44 no restart and no start_date,
                            before 1.47 passing Error and vanishing instances,
                            before 1.49 instances in Error with status "deleted"
  --heartbeat-ms N          mean time between two reports of a node's agent (default ${DEFAULT_WORLD.heartbeatMs})
  --heartbeat-jitter X      how far off each report may be, a share of that time (default ${DEFAULT_WORLD.heartbeatJitter})
  --stop-ms N, --start-ms N how long stopping and starting a VM take (default ${DEFAULT_WORLD.stopMs} each)
  --pick-up-ms N            the longest that an idle agent takes to notice a task (default ${DEFAULT_WORLD.pickUpMs})
  --seed N                  the same seed gives the same world (default ${DEFAULT_WORLD.seed})
  --help                    this text
`;

const OPTIONS = {
  port: { type: 'string' },
  vms: { type: 'string' },
  nodes: { type: 'string' },
  'controller-version': { type: 'string' },
  'heartbeat-ms': { type: 'string' },
  'heartbeat-jitter': { type: 'string' },
  'stop-ms': { type: 'string' },
  'start-ms': { type: 'string' },
  'pick-up-ms': { type: 'string' },
  seed: { type: 'string' },
  help: { type: 'boolean' },
} as const;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) return console.log(HELP);
  const world = new World(worldOptions(values));
  const port = number('port', values.port, { fallback: 8090, min: 0, max: 65_535 });
  const simulator = await serve({ world, port, now: Date.now });
  console.log(introduction(simulator.url, world));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void simulator.close());
}

type Values = Readonly<Record<string, string | boolean | undefined>>;

function worldOptions(values: Values): WorldOptions {
  const read = (name: string, fallback: number, range: { min: number; max: number }) => {
    return number(name, values[name], { fallback, ...range });
  };
  const day = 86_400_000;
  return {
    startsAt: Date.now(),
    seed: read('seed', DEFAULT_WORLD.seed, { min: 0, max: 2 ** 32 }),
    controllerVersion: String(values['controller-version'] ?? DEFAULT_WORLD.controllerVersion),
    vms: read('vms', DEFAULT_WORLD.vms, { min: 0, max: 1_000 }),
    nodes: read('nodes', DEFAULT_WORLD.nodes, { min: 1, max: 100 }),
    heartbeatMs: read('heartbeat-ms', DEFAULT_WORLD.heartbeatMs, { min: 10, max: day }),
    heartbeatJitter: read('heartbeat-jitter', DEFAULT_WORLD.heartbeatJitter, { min: 0, max: 0.9 }),
    stopMs: read('stop-ms', DEFAULT_WORLD.stopMs, { min: 0, max: day }),
    startMs: read('start-ms', DEFAULT_WORLD.startMs, { min: 0, max: day }),
    pickUpMs: read('pick-up-ms', DEFAULT_WORLD.pickUpMs, { min: 0, max: day }),
  };
}

interface Range {
  readonly fallback: number;
  readonly min: number;
  readonly max: number;
}

function number(name: string, value: string | boolean | undefined, { fallback, min, max }: Range): number {
  if (value === undefined) return fallback;
  const parsed = Number(value);
  if (value !== '' && parsed >= min && parsed <= max) return parsed;
  throw new Error(`--${name} takes a number from ${min} to ${max}, not ${JSON.stringify(value)}`);
}

function introduction(url: string, world: World): string {
  const instances = world.visibleRecords().map(({ instanceId, externalId, node }) => {
    return `  ${instanceId}  external_id ${externalId}  on ${node?.name}`;
  });
  const id = world.records[0]?.instanceId ?? 'ID';
  const json = `-H 'Content-Type: application/json'`;
  return `Controller ${world.options.controllerVersion} (simulated): ${url}   (Ctrl-C ends it)

Instances:
${instances.join('\n')}

Endpoints:
  curl ${url}/api/v1/vm
  curl '${url}/api/v1/vm?id=${id}'
  curl -X POST ${url}/api/v1/rpc/vm/restart ${json} -d '{"instance_id":"${id}"}'
  curl -X POST ${url}/api/v1/vm ${json} -d '{"vmid":"${world.records[0]?.template ?? 'TEMPLATE'}","external_id":"new"}'
  curl -X DELETE ${url}/api/v1/vm ${json} -d '{"id":"${id}"}'
  curl ${url}/api/v1/status
  curl ${url}/api/v1/node
  curl '${url}/api/v1/node?id=${world.nodes[0]?.id}'
  curl ${url}/livez
  curl ${url}/readyz`;
}

try {
  await main();
} catch (error) {
  console.error(`simulator: ${error instanceof Error ? error.message : String(error)} (see --help)`);
  process.exitCode = 2;
}
