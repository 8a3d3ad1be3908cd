import { expect, test } from '@jest/globals';
import type * as Scheduling from '../../src/fleet/scheduling.ts';
import type * as SharedReads from '../../src/fleet/shared-reads.ts';
import type * as Targets from '../../src/fleet/targets.ts';
import type * as Contact from '../../src/guest/contact.ts';
import type * as ReadInputs from '../../src/inputs/inputs.ts';
import type * as RunnerGates from '../../src/runner/gate.ts';
import { plant } from '../support/plant.ts';

// Does the simulation find bugs where several VMs are restarted? Each row plants a plausible one.

const MOST_RUNS = 2_000;

const FLEET = '../../src/fleet';

const BUGS: readonly (readonly [bug: string, plant: () => Promise<void>, broken: RegExp])[] = [
  [
    'there is a slot too many',
    () =>
      plant<typeof Scheduling>(`${FLEET}/scheduling.ts`, ({ advance }) => ({
        advance: (states, step, limits) => advance(states, step, { ...limits, slots: limits.slots + 1 }),
      })),
    /were under way at once/,
  ],
  [
    'one more is started after too many have failed',
    () =>
      plant<typeof Scheduling>(`${FLEET}/scheduling.ts`, ({ advance }) => ({
        advance: (states, step, limits) =>
          advance(states, step, { ...limits, mostFailures: limits.mostFailures + 1 }),
      })),
    /was begun after too many failures/,
  ],
  [
    'a VM is restarted twice that has two names',
    () =>
      plant<typeof Targets>(`${FLEET}/targets.ts`, ({ resolveTargets }) => ({
        async resolveTargets(targets, options) {
          const members = await resolveTargets(targets, options);
          const [first] = members;
          return targets.length > 1 && first ? [...members, { ...first, name: 'once more' }] : members;
        },
        createDuplicateCheck: () => () => {},
      })),
    /restarted twice|twice among the results/,
  ],
  [
    "one VM's looks are taken for another's",
    () =>
      plant<typeof SharedReads>(`${FLEET}/shared-reads.ts`, ({ shareController }) => ({
        shareController(controller, options) {
          const shared = shareController(controller, options);
          let last: string | undefined;
          return {
            ...shared,
            async getInstance(id, bounds) {
              const other = last ?? id;
              last = id;
              const seen = await shared.getInstance(other, bounds);
              return seen && { ...seen, instanceId: id };
            },
          };
        },
      })),
    /false success/,
  ],
  [
    'one that is to be skipped is restarted',
    () =>
      plant<typeof RunnerGates>('../../src/runner/gate.ts', ({ createGate }) => ({
        createGate: (options) =>
          createGate({ ...options, whenBusy: options.whenBusy === 'skip' ? 'ignore' : options.whenBusy }),
      })),
    /though a witness showed a job/,
  ],
  [
    'the first start before all were checked',
    () =>
      plant<typeof Scheduling>(`${FLEET}/scheduling.ts`, ({ advance }) => ({
        haveAllArrived: () => true,
        // Those that are preparing count as waiting, and keep doing so once they arrive.
        advance: (states, step, limits) =>
          advance(
            states.map((state) => (state === 'preparing' ? 'waiting' : state)),
            step,
            limits,
          ),
      })),
    /a restart was sent before/,
  ],
  [
    'one that waits for its job takes a slot',
    () =>
      plant<typeof Scheduling>(`${FLEET}/scheduling.ts`, ({ advance }) => ({
        advance(states, step, limits) {
          const waiting = states.filter((state, index) => state === 'waiting' && index !== step.index).length;
          return advance(states, step, { ...limits, slots: limits.slots - waiting });
        },
      })),
    /waited for a slot though one was free/,
  ],
  [
    "one VM's guest is taken for another's",
    () =>
      plant<typeof Contact>('../../src/guest/contact.ts', ({ contact }) => {
        let first: Parameters<typeof contact>[0]['address'] | undefined;
        return {
          contact(options, limit) {
            first ??= options.address;
            return contact({ ...options, address: first }, limit);
          },
        };
      }),
    /of a guest that never spoke|no server ever said a word/,
  ],
  [
    'a dry run restarts',
    () =>
      plant<typeof ReadInputs>('../../src/inputs/inputs.ts', ({ readInputs }) => ({
        readInputs: (environment, onSecret) => ({ ...readInputs(environment, onSecret), dryRun: false }),
      })),
    /a dry run sent a restart/,
  ],
];

test.each(BUGS)(
  'finds that %s',
  async (bug, plantBug, found) => {
    await plantBug();
    const { checkSeed } = await import('./replay.ts');
    const broken: string[] = [];
    let seed = 1;
    for (; seed <= MOST_RUNS && !broken.some((one) => found.test(one)); seed++)
      broken.push(...(await checkSeed(seed, { isFleet: true })).broken);
    if (process.env['SHOW_RUNS']) process.stderr.write(`FOUND ${seed - 1} | ${bug}\n`);
    expect(broken).toContainEqual(expect.stringMatching(found));
  },
  120_000,
);

test('finds nothing where no bug is planted', async () => {
  const { checkSeed } = await import('./replay.ts');
  for (let seed = 1; seed <= 300; seed++)
    expect([seed, (await checkSeed(seed, { isFleet: true })).broken]).toEqual([seed, []]);
}, 120_000);
