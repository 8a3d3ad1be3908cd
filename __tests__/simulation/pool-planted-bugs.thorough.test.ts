import { test } from '@jest/globals';
import type * as Drain from '../../src/drain/drain.ts';
import type * as DrainLabels from '../../src/drain/drain-labels.ts';
import type * as ExpiredDrains from '../../src/drain/expired-drains.ts';
import type * as JobSelection from '../../src/fleet/job-selection.ts';
import type * as UsedByJob from '../../src/fleet/used-by-job.ts';
import type * as Labels from '../../src/github/runner-labels.ts';
import type * as Name from '../../src/github/runner-names.ts';
import type * as BackVerdict from '../../src/runner/back-verdict.ts';
import type * as RunnerGates from '../../src/runner/gate.ts';
import type * as Live from '../../src/runner/live-runners.ts';
import type * as Occupancy from '../../src/runner/occupancy.ts';
import type { GateOptions } from '../../src/runner/vm-at-gate.ts';
import { expectFound, plant } from '../support/plant.ts';

// Each row plants a plausible bug in what happens between jobs. Does the simulation find it?
//
// "Absence counts after one read" has no row. The last check before each restart reads the runners, the jobs, and the runners again, also
// where the runner is absent: so two reads come before each restart even with that bug, only without the second between them.

const MOST_RUNS = 2_000;
/** Longer than any drain lasts. */
const DAY_MS = 86_400_000;

const FLEET = '../../src/fleet';
const RUNNER = '../../src/runner';
const DRAIN = '../../src/drain';
const GITHUB = '../../src/github';

/** Changes what the gate of each VM is given. */
function plantInGate(change: (options: GateOptions) => GateOptions) {
  return () =>
    plant<typeof RunnerGates>(`${RUNNER}/gate.ts`, ({ createGate }) => ({
      createGate: (options) => createGate(change(options)),
    }));
}

function plantInDrains(
  change: (real: Drain.Drains) => Partial<Drain.Drains>,
  options: Partial<Drain.DrainOptions> = {},
) {
  return () =>
    plant<typeof Drain>(`${DRAIN}/drain.ts`, ({ createDrains }) => ({
      createDrains(given) {
        const drains = createDrains({ ...given, ...options });
        return { ...drains, ...change(drains) };
      },
    }));
}

function plantInLabels(change: (real: Labels.RunnerLabels) => Partial<Labels.RunnerLabels>) {
  return () =>
    plant<typeof Labels>(`${GITHUB}/runner-labels.ts`, ({ createRunnerLabels }) => ({
      createRunnerLabels(...given) {
        const labels = createRunnerLabels(...given);
        return { ...labels, ...change(labels) };
      },
    }));
}

function plantInLiveRunners(change: Partial<Live.LiveRunners>) {
  return () =>
    plant<typeof Live>(`${RUNNER}/live-runners.ts`, ({ createLiveRunners }) => ({
      createLiveRunners: (options) => ({ ...createLiveRunners(options), ...change }),
    }));
}

/** Removes every label that was not there at first. */
function restoringAll(real: Labels.RunnerLabels): Partial<Labels.RunnerLabels> {
  const known = new Map<number, readonly string[]>();
  return {
    async read(id, bounds) {
      const seen = await real.read(id, bounds);
      if (seen !== undefined && !known.has(id))
        known.set(
          id,
          seen.labels.map(({ name }) => name),
        );
      return seen;
    },
    async remove(id, label, bounds) {
      await real.remove(id, label, bounds);
      const { labels = [] } = (await real.read(id, bounds)) ?? {};
      const isNew = (name: string) => !known.get(id)?.includes(name) && !name.includes('.drained-');
      for (const { name, type } of labels)
        if (type === 'custom' && isNew(name)) await real.remove(id, name, bounds);
    },
  };
}

const BUGS: readonly (readonly [bug: string, plant: () => Promise<void>, broken: RegExp])[] = [
  [
    'a runner counts as gone in a wrong scope',
    plantInLiveRunners({ isScopeProved: async () => true }),
    /though the scope was wrong/,
  ],
  [
    'a runner counts as gone while the VM boots',
    plantInGate((options) => (options.isSweep ? options : { ...options, registersWithinMs: 0 })),
    /about to register|not registered when the restart left/,
  ],
  [
    'a finished job of an earlier boot is evidence for this one',
    () =>
      plant<typeof UsedByJob>('../../src/fleet/used-by-job.ts', () => ({ refuseIfRestartedSince: () => {} })),
    /had booted since its job/,
  ],
  [
    'a used VM counts as restarted since its job',
    () =>
      plant<typeof UsedByJob>('../../src/fleet/used-by-job.ts', ({ refuseIfRestartedSince }) => ({
        refuseIfRestartedSince: (job, instance, clock) =>
          refuseIfRestartedSince(job, { ...instance, reportedAt: instance.startDate }, clock),
      })),
    /skipped that a job had used/,
  ],
  [
    'a job that shows no runner at first names no VM',
    () =>
      plant<typeof JobSelection>(`${FLEET}/job-selection.ts`, ({ selectJobs }) => ({
        selectJobs(...given) {
          const selection = selectJobs(...given);
          const others = selection.others.map((other) => ({ ...other, why: 'canceled' as const }));
          return { ...selection, others };
        },
      })),
    /which a job had used/,
  ],
  [
    "a job's runner is matched to another VM",
    () =>
      plant<typeof JobSelection>(`${FLEET}/job-selection.ts`, ({ selectJobs }) => ({
        selectJobs(...given) {
          const selection = selectJobs(...given);
          const onRunners = selection.onRunners.map((job) => ({
            ...job,
            runnerName: job.runnerName.replace(/-1/, '-2'),
          }));
          return { ...selection, onRunners };
        },
      })),
    /that no job had used/,
  ],
  [
    "a job's runner is matched to another VM by a pattern",
    () =>
      plant<typeof Name>(`${GITHUB}/runner-names.ts`, ({ mayBeIn }) => ({
        mayBeIn(instance, template, runnerName) {
          const seen = template.includes('*') ? runnerName.replace(/-1-/, '-2-') : runnerName;
          return mayBeIn(instance, template, seen);
        },
      })),
    /that no job had used/,
  ],
  [
    'names of runners are compared up to the length that GitHub allows',
    () =>
      plant<typeof Name>(`${GITHUB}/runner-names.ts`, ({ mayBeIn }) => ({
        mayBeIn(instance, template, runnerName) {
          const name = instance.name?.slice(0, 64);
          return mayBeIn({ ...instance, name }, template, runnerName.slice(0, 64));
        },
      })),
    /ambiguous_target does not fit/,
  ],
  [
    'a fresh VM is swept',
    plantInGate((options) => (options.isSweep ? { ...options, registersWithinMs: 0 } : options)),
    /a fresh VM was swept/,
  ],
  [
    'an outage that shows all runners offline is believed',
    plantInLiveRunners({ isAllOffline: async () => false }),
    /swept whose runner was online/,
  ],
  [
    'a registration from before the restart counts as new',
    () =>
      plant<typeof BackVerdict>(`${RUNNER}/back-verdict.ts`, ({ judgeBack }) => ({
        judgeBack: (before, reading) => judgeBack({ ...before, oldIds: new Set(), lastAt: 0 }, reading),
      })),
    /of a runner that takes no job/,
  ],
  [
    'a job on a one-job runner is overlooked',
    () =>
      plant<typeof Occupancy>(`${RUNNER}/occupancy.ts`, ({ nextOccupancy }) => ({
        nextOccupancy(state, event, rules) {
          if (event.kind !== 'runners')
            return nextOccupancy(state, { kind: 'jobs', finding: { kind: 'none' } }, rules);
          const runners = event.reading.runners?.map((one) =>
            one.ephemeral ? { ...one, isBusy: false } : one,
          );
          return nextOccupancy(state, { ...event, reading: { ...event.reading, runners } }, rules);
        },
      })),
    /though GitHub had shown it/,
  ],
  [
    'labels are not restored',
    plantInDrains(() => ({ restore: async () => {} }), { saveState: () => {} }),
    /stayed drained/,
  ],
  [
    'what a killed step has left to restore is not saved',
    plantInDrains(() => ({}), { saveState: () => {} }),
    /stayed drained by another step/,
  ],
  [
    'the post step restores nothing',
    () => plant<typeof Drain>(`${DRAIN}/drain.ts`, () => ({ restoreLeft: async () => {} })),
    /stayed drained by another step/,
  ],
  [
    'labels of expired drains are left',
    () =>
      plant<typeof ExpiredDrains>(`${DRAIN}/expired-drains.ts`, ({ createExpiredDrains }) => ({
        createExpiredDrains: (options) => ({ ...createExpiredDrains(options), lookThrough() {} }),
      })),
    /kept labels of an expired drain/,
  ],
  [
    'a drain outlives its installation token',
    plantInGate((options) => ({ ...options, busyUntil: undefined })),
    /until the installation token expired/,
  ],
  ["others' labels are removed", plantInLabels(restoringAll), /a label of others was removed/],
  [
    "a live step's drain is undone",
    plantInLabels(({ read }) => ({
      async read(id, bounds) {
        const seen = await read(id, bounds);
        return seen && { ...seen, date: seen.date + DAY_MS };
      },
    })),
    /another step's drain was undone/,
  ],
  [
    'labels are restored before the restart leaves',
    plantInDrains(({ drain, restore }) => ({
      async drain(runner, bounds) {
        const hasChanged = await drain(runner, bounds);
        await restore(runner.id);
        return hasChanged;
      },
    })),
    /while it was not drained/,
  ],
  [
    'restoring labels believes one read, which may be outdated',
    () => plant<typeof DrainLabels>(`${DRAIN}/drain-labels.ts`, () => ({ doubtfulMarks: () => [] })),
    /stayed drained/,
  ],
  [
    'labels that a registration has reset stay reset',
    plantInDrains(({ drain }) => {
      const known = new Set<number>();
      return {
        async drain(runner, bounds) {
          if (known.has(runner.id)) return false;
          known.add(runner.id);
          return drain(runner, bounds);
        },
      };
    }),
    /while it was not drained/,
  ],
  [
    'VMs without a slot are drained',
    () =>
      plant<typeof RunnerGates>(`${RUNNER}/gate.ts`, ({ createGate }) => ({
        createGate(options) {
          const gate = createGate(options);
          return {
            ...gate,
            async untilIdle(instance) {
              await gate.untilIdle(instance);
              const bounds = { deadline: options.clock.now() + 30_000, signal: options.signal };
              await options.drain?.(gate.runners()?.registrations.current ?? [], bounds);
            },
          };
        },
      })),
    /were drained at once/,
  ],
];

test.each(BUGS)(
  'finds that %s',
  (bug, plantBug, found) => expectFound({ bug, plantBug, most: MOST_RUNS, kind: { isPool: true }, found }),
  300_000,
);
