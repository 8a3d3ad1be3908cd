import { expect, test } from '@jest/globals';
import type * as SharedReads from '../../src/fleet/shared-reads.ts';
import type * as Slots from '../../src/fleet/slots.ts';
import type * as Targets from '../../src/fleet/targets.ts';
import type * as Contact from '../../src/guest/contact.ts';
import type * as ReadInputs from '../../src/inputs/inputs.ts';
import type * as RunnerGates from '../../src/runner/gate.ts';
import { expectFound, plant } from '../support/plant.ts';

// Each row plants a plausible bug in how several VMs are restarted. Does the simulation find it?

const MOST_RUNS = 2_000;

const FLEET = '../../src/fleet';

type CreateSlots = typeof Slots.createSlots;

function plantInSlots(change: (createSlots: CreateSlots) => CreateSlots): Promise<void> {
  return plant<typeof Slots>(`${FLEET}/slots.ts`, ({ createSlots }) => ({
    createSlots: change(createSlots),
  }));
}

/** The slots act on other limits than the step announces. */
function plantLimits(change: (limits: Slots.SlotsOptions['limits']) => object): Promise<void> {
  return plantInSlots(
    (createSlots) => (options) =>
      createSlots({ ...options, limits: { ...options.limits, ...change(options.limits) } }),
  );
}

const BUGS: readonly (readonly [bug: string, plant: () => Promise<void>, broken: RegExp])[] = [
  [
    'there is one slot too many',
    () => plantLimits(({ slots }) => ({ slots: slots + 1 })),
    /were in progress at once/,
  ],
  [
    'one more VM is started after too many have failed',
    () => plantLimits(({ mostFailures }) => ({ mostFailures: mostFailures + 1 })),
    /was started after too many failures/,
  ],
  [
    'a VM with two names is restarted twice',
    () =>
      plant<typeof Targets>(`${FLEET}/targets.ts`, ({ resolveTargets }) => ({
        async resolveTargets(targets, options) {
          const members = await resolveTargets(targets, options);
          const [first] = members;
          return targets.length > 1 && first ? [...members, { ...first, name: 'again' }] : members;
        },
        createDuplicateCheck: () => () => {},
      })),
    /in the results twice/,
  ],
  [
    "one VM gets another's polls",
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
    'a VM that should be skipped is restarted',
    () =>
      plant<typeof RunnerGates>('../../src/runner/gate.ts', ({ createGate }) => ({
        createGate: (options) =>
          createGate({ ...options, whenBusy: options.whenBusy === 'skip' ? 'ignore' : options.whenBusy }),
      })),
    /though a source showed a job/,
  ],
  [
    'the first VM starts before all are checked',
    () =>
      plantInSlots((createSlots) => (options) => {
        const slots = createSlots(options);
        // VMs that are still being checked count as waiting.
        for (let index = 0; index < options.vms; index++) slots.apply(index, 'arrive');
        return slots;
      }),
    /a restart was sent before/,
  ],
  [
    'a VM that waits for its job takes a slot',
    () =>
      plantInSlots((createSlots) => (options) => {
        let moving: number | undefined;
        const takesSlot = (state: string, index: number) => state === 'waiting' && index !== moving;
        const limits = {
          ...options.limits,
          get slots() {
            return options.limits.slots - slots.states.filter(takesSlot).length;
          },
        };
        const slots = createSlots({ ...options, limits });
        const { apply } = slots;
        return Object.assign(slots, {
          apply(index: number, event: Parameters<typeof apply>[1]) {
            moving = index;
            apply(index, event);
          },
        });
      }),
    /waited for a slot though one was free/,
  ],
  [
    "one VM gets another's guest",
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
    /of a guest that never sent a banner|no server ever sent a banner/,
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
  (bug, plantBug, found) => expectFound({ bug, plantBug, most: MOST_RUNS, kind: { isFleet: true }, found }),
  300_000,
);

test('finds nothing if no bug is planted', async () => {
  const { checkSeed } = await import('./replay.ts');
  for (let seed = 1; seed <= 300; seed++)
    expect([seed, (await checkSeed(seed, { isFleet: true })).broken]).toEqual([seed, []]);
}, 300_000);
