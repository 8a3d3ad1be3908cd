import { expect, test } from '@jest/globals';
import { createRandom, type Random } from '../../simulator/random.ts';
import { drawScenario } from './draw.ts';
import { REQUEST_FAULTS, type RequestFault } from './request-faults.ts';
import { runOnce } from './run.ts';
import { faultless, KINDS, type Kinds, type Scenario } from './scenario.ts';

// Every draw has its own random source, so that a new kind of fault or event changes no other draw of a seed.

const SEEDS = Array.from({ length: 100 }, (_, index) => index + 1);

function draw(seed: number, kinds: Kinds): Scenario {
  return drawScenario(createRandom(seed), seed, kinds);
}

/** What each seed draws with all kinds. */
const DRAWN = SEEDS.map((seed) => draw(seed, KINDS));

/** The scenario as if a kind of fault and a kind of event did not exist. */
function without(scenario: Scenario, kind: string): Scenario {
  const { [kind as RequestFault]: _, ...rates } = scenario.network.rates;
  return {
    ...scenario,
    network: { ...scenario.network, rates: rates as Scenario['network']['rates'] },
    events: scenario.events.filter((event) => event.kind !== kind),
  };
}

test('a fork depends on the seed and its names alone', () => {
  const [fresh, used] = [createRandom(5), createRandom(5)];
  used.next();
  used.fork('b').next();
  expect(used.fork('a').next()).toBe(fresh.fork('a').next());
  const names = [['a'], ['b'], ['a', 'a'], ['a', 'b'], ['b', 'a']];
  const firsts = names.map((path) => path.reduce((random, name) => random.fork(name), fresh).next());
  expect(new Set([...firsts, createRandom(5).next(), createRandom(6).fork('a').next()]).size).toBe(7);
});

test('a new kind of fault and a new kind of event leave everything else of a world as it is', () => {
  const more = {
    requestFaults: { 'a new kind': 0.5, ...KINDS.requestFaults },
    events: ['a new kind', ...KINDS.events],
  };
  const grown = SEEDS.map((seed) => draw(seed, more));
  expect(grown.map((scenario) => without(scenario, 'a new kind'))).toEqual(DRAWN);
  expect(grown.some(({ events }) => events.some(({ kind }) => String(kind) === 'a new kind'))).toBe(true);
});

test.each([...Object.keys(KINDS.requestFaults), ...KINDS.events])('so does a world without "%s"', (kind) => {
  const { [kind]: _, ...requestFaults } = KINDS.requestFaults;
  const fewer = { requestFaults, events: KINDS.events.filter((event) => event !== kind) };
  expect(SEEDS.map((seed) => draw(seed, fewer))).toEqual(DRAWN.map((scenario) => without(scenario, kind)));
});

/** Like the other source, except that one of its forks draws something else; and the name of each fork. */
function changeFork(random: Random, changed: string, known: Set<string>, path = ''): Random {
  return {
    ...random,
    fork(name) {
      const own = path === '' ? name : `${path} / ${name}`;
      known.add(own);
      const fork = own === changed ? createRandom(own.length) : random.fork(name);
      return changeFork(fork, changed, known, own);
    },
  };
}

/** Every field by its path; a list is one field. */
function fieldsOf(value: unknown, path = ''): [string, string][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [[path, String(JSON.stringify(value))]];
  return Object.entries(value).flatMap(([key, inner]) => fieldsOf(inner, `${path}.${key}`));
}

/** What is drawn there is meant for more than one field. */
const SHARED = [
  'step / timeout',
  'guest / timeout',
  'has a runner',
  'horizon',
  'has a guest',
  'horizon of the guest',
  'network / share',
  'network / connections',
  'slow loop',
  'runner / habits / stale',
  'runner / job after a try',
  'runner / jobs away',
  'mistake',
  'suspension',
  'hold-up',
  // All other sources are forks of these.
  'step',
  'runner',
  'runner / habits',
  'guest',
  'world',
  'replicas',
  'network',
];

test('no two fields of a scenario are drawn from one source', () => {
  const sources = new Set<string>();
  for (const seed of SEEDS) drawScenario(changeFork(createRandom(seed), '', sources), seed);
  // One draw decides which of the two records lacks a field.
  const drawn = [...sources].filter((source) => !SHARED.includes(source) && !source.startsWith('records'));
  expect(drawn.length).toBeGreaterThan(70);
  const known = DRAWN.slice(0, 10).map(
    (scenario, index) => [SEEDS[index] ?? 0, new Map(fieldsOf(scenario))] as const,
  );
  for (const source of drawn) {
    for (const [seed, before] of known) {
      const changed = drawScenario(changeFork(createRandom(seed), source, new Set()), seed);
      const fields = fieldsOf(changed).filter(([path, text]) => before.get(path) !== text);
      expect([source, fields.map(([path]) => path)]).toEqual([
        source,
        fields.slice(0, 1).map(([path]) => path),
      ]);
    }
  }
});

test.each(Object.keys(REQUEST_FAULTS) as RequestFault[])(
  'where "%s" may happen, but does not, the other faults of a run stay as they are',
  async (fault) => {
    const all = Object.fromEntries(Object.keys(REQUEST_FAULTS).map((kind) => [kind, 0.1]));
    const replay = async (share: number) => {
      const rates = { ...all, denied: 0, [fault]: share } as Scenario['network']['rates'];
      const scenario = {
        ...faultless(3),
        network: { rates, latencyMs: 20, connections: undefined },
        faultsEndAfterMs: 60_000,
      };
      const lines: string[] = [];
      await runOnce(3, { change: () => scenario, log: (line) => lines.push(line) });
      return lines;
    };
    expect(await replay(Number.MIN_VALUE)).toEqual(await replay(0));
  },
);
