import { expect, test } from '@jest/globals';
import { ActionError } from '../../src/errors.ts';
import type { MemberOutcome } from '../../src/fleet/fleet-outcome.ts';
import { describeProgress } from '../../src/fleet/progress.ts';
import type { Phase } from '../../src/fleet/turns.ts';
import { NOTHING_DONE } from '../../src/restart/outcome.ts';

function ended(changes: Partial<MemberOutcome> = {}): MemberOutcome {
  return { ...NOTHING_DONE, name: 'a', endedAt: 30_000, ...changes };
}

const restarted = ended({ restarted: 'true', moments: { cleared: 0, sent: 1_000 } });
const failed = ended({ error: new ActionError('not_running', 'No.') });
const unknown = ended({ restarted: 'unknown', error: new ActionError('timed_out', 'No.') });
const skipped = ended({ leftAlone: 'skipped' });
const notStarted = ended({ leftAlone: 'not_started' });

const phases = (count: number, phase: Phase): Phase[] => Array(count).fill(phase);

test.each<[string, MemberOutcome[], Phase[], number]>([
  ['0 of 3 restarted, 0 under way, 3 to go', [], phases(3, 'preparing'), 1],
  ['0 of 3 restarted, 1 under way, 2 to go', [], [...phases(1, 'under way'), ...phases(2, 'ready')], 1],
  [
    '1 of 3 restarted, 1 under way, 1 to go, about 50 s left',
    [restarted],
    ['ended', 'under way', 'ready'],
    1,
  ],
  [
    '1 of 5 restarted, 1 under way, 2 failed, 1 skipped, 0 to go, about 20 s left',
    [restarted, failed, unknown, skipped],
    [...phases(4, 'ended'), 'under way'],
    2,
  ],
  [
    '2 of 40 restarted, 3 under way, 35 to go, about 6 min left',
    [restarted, restarted],
    [...phases(2, 'ended'), ...phases(3, 'under way'), ...phases(35, 'ready')],
    3,
  ],
  [
    '1 of 3 restarted, 0 under way, 2 not started, 0 to go',
    [restarted, notStarted, notStarted],
    phases(3, 'ended'),
    1,
  ],
  // How long a job runs nobody knows.
  ['1 of 3 restarted, 0 under way, 2 to go', [restarted], ['ended', 'ready', 'waiting'], 1],
  ['0 of 2 restarted, 0 under way, 1 failed, 1 to go', [failed], ['ended', 'ready'], 1],
])('%s', (line, vms, all, places) => {
  expect(describeProgress({ ended: vms, phases: all, places })).toBe(line);
});

test('who never asked the gate is reckoned from its sending', () => {
  const vm = ended({ restarted: 'true', moments: { sent: 10_000 } });
  expect(describeProgress({ ended: [vm], phases: ['ended', 'ready'], places: 1 })).toBe(
    '1 of 2 restarted, 0 under way, 1 to go, about 20 s left',
  );
});
