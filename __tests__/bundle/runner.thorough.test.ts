import { describe, expect, test } from '@jest/globals';
import { play } from '../support/scenario.ts';

// The committed bundle as a process: cases with a runner that take minutes, on a fast clock.

describe('the runner after the restart', () => {
  test('is not back: its service gave up', async () => {
    const habits = { sessionMs: 300_000, giveUpMs: 60_000, staleMs: 30_000 };
    const { exitCode, outputs, log } = await play({ runners: { habits }, inputs: { runner_timeout: '2m' } });
    expect([exitCode, outputs['restarted'], outputs['runner_status'], outputs['error_code']]).toEqual([
      1,
      'true',
      'not_back',
      'runner_not_back',
    ]);
    expect(log).toContain('most likely its new process found the old session still open');
  });

  test('is most likely back if GitHub never showed it offline', async () => {
    const habits = { sessionMs: 0, staleMs: 3_600_000 };
    const { exitCode, outputs } = await play({ runners: { habits } });
    expect([exitCode, outputs['runner_status']]).toEqual([0, 'probably_online']);
  });
});
