import { expect, test } from '@jest/globals';
import type * as Gate from '../../src/fleet/fleet-gate.ts';
import type * as SharedLooks from '../../src/fleet/shared-looks.ts';
import type * as Targets from '../../src/fleet/targets.ts';
import type * as Turns from '../../src/fleet/turns.ts';
import type * as Contact from '../../src/guest/contact.ts';
import type * as ReadInputs from '../../src/inputs/inputs.ts';
import type * as RunnerGates from '../../src/runner/gate.ts';
import { plant } from '../support/plant.ts';

// Does the simulation find bugs where several VMs are restarted? Each row plants a plausible one.

const MOST_RUNS = 2_000;

const FLEET = '../../src/fleet';

const BUGS: readonly (readonly [bug: string, plant: () => Promise<void>, broken: RegExp])[] = [
  [
    'there is a place too many',
    () =>
      plant<typeof Turns>(`${FLEET}/turns.ts`, ({ whomToBegin }) => ({
        whomToBegin: (standings, limits) => whomToBegin(standings, { ...limits, places: limits.places + 1 }),
      })),
    /were under way at once/,
  ],
  [
    'one more is begun after too many have failed',
    () =>
      plant<typeof Turns>(`${FLEET}/turns.ts`, ({ whomToBegin, isOver }) => {
        const tolerant = (limits: Turns.TurnLimits) => ({ ...limits, mostFailures: limits.mostFailures + 1 });
        return {
          isOver: (standings, limits) => isOver(standings, tolerant(limits)),
          whomToBegin: (standings, limits) => whomToBegin(standings, tolerant(limits)),
        };
      }),
    /was begun after too many failures/,
  ],
  [
    'a VM is restarted twice that has two names',
    async () => {
      await plant<typeof Targets>(`${FLEET}/targets.ts`, ({ resolveTargets }) => ({
        async resolveTargets(targets, options) {
          const members = await resolveTargets(targets, options);
          const [first] = members;
          return targets.length > 1 && first ? [...members, { ...first, name: 'once more' }] : members;
        },
      }));
      await plant<typeof Gate>(`${FLEET}/fleet-gate.ts`, ({ createFleetGate }) => ({
        createFleetGate: (options) => createFleetGate({ ...options, claim() {} }),
      }));
    },
    /more than one restart|twice among the results/,
  ],
  [
    "one VM's looks are taken for another's",
    () =>
      plant<typeof SharedLooks>(`${FLEET}/shared-looks.ts`, ({ createSharedLooks }) => ({
        createSharedLooks(controller, options) {
          const shared = createSharedLooks(controller, options);
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
    'the first begin before all were looked at',
    () =>
      plant<typeof Turns>(`${FLEET}/turns.ts`, ({ whomToBegin }) => ({
        haveAllArrived: () => true,
        whomToBegin: (standings, limits) =>
          whomToBegin(
            standings.map((one) => (one.phase === 'preparing' ? { ...one, phase: 'waiting' as const } : one)),
            limits,
          ),
      })),
    /a restart was sent before/,
  ],
  [
    'one that waits for its job takes a place',
    () =>
      plant<typeof Turns>(`${FLEET}/turns.ts`, ({ whomToBegin }) => ({
        whomToBegin(standings, limits) {
          const waiting = standings.filter(({ phase }) => phase === 'waiting').length;
          return whomToBegin(standings, { ...limits, places: limits.places - waiting });
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
