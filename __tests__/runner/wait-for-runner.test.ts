import { describe, expect, test } from '@jest/globals';
import type { Runner } from '../../src/github/runner.ts';
import { exactly } from '../../src/github/runner-names.ts';
import { NOTHING_DONE, type Outcome } from '../../src/restart/outcome.ts';
import { createRegistrations } from '../../src/runner/registrations.ts';
import { createVmRunners } from '../../src/runner/vm-runners.ts';
import { waitForRunner } from '../../src/runner/wait-for-runner.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { keepLog } from '../support/log.ts';
import { idle, offline, runner } from '../support/runners.ts';
import { type Answer, createScriptedRunners, refusal, silence } from '../support/scripted-runners.ts';

const times = (count: number, answer: Answer): Answer[] => Array(count).fill(answer);

/** The VM was verified when the clock showed 1 s, which is now. */
async function wait(
  answers: readonly Answer[],
  runnerTimeoutMs = 600_000,
  before: readonly Runner[] = [idle],
  isEphemeral = false,
) {
  const clock = createFakeClock();
  const runners = createScriptedRunners(answers);
  const { log, lines } = keepLog();
  const { signal } = new AbortController();
  const scope = { kind: 'organization', org: 'octo-org' } as const;
  const vmRunners = createVmRunners({
    runners,
    jobs: { read: async () => ({ kind: 'none' as const }) },
    onNew() {},
    sought: { name: exactly('mac-7'), scope },
    clock,
    log,
    signal,
  });
  const registrations = createRegistrations(() => {});
  registrations.remember(before);
  const options = {
    ...{ isEphemeral, waitsForRunner: true, runnerTimeoutMs, clock, log, signal },
    runners: { ...vmRunners, registrations },
  };
  const outcome: Outcome = { ...NOTHING_DONE, restarted: 'true', moments: { verified: 1_000 } };
  const { runner: back, error } = await waitForRunner(outcome, options);
  const result = error ?? back.status;
  return { result, lines, calls: runners.calls, sleeps: clock.sleeps, tookMs: clock.now() - 1_000 };
}

test('back once it was offline', async () => {
  const { result, lines, tookMs } = await wait([...times(4, [idle]), ...times(3, [offline]), [idle]]);
  expect([result, tookMs]).toEqual(['online', 40_000]);
  expect(lines).toEqual([
    '+  0.0 s  waiting for the runner: it is still listed online, which may be stale; it must go offline and come back, register again, or start a job (probably_online in 6 min)',
    '+ 20.0 s  waiting for the runner: it is offline; it must come back online (9 min 40 s left)',
    '+ 35.0 s  waiting for the runner: it is online again; it must stay online for some seconds (9 min 25 s left)',
    'The runner is back, 40.0 s after the VM was verified (proof: it went offline, then came online)',
  ]);
});

test('the log says what is still needed, and how much time is left for it', async () => {
  const shown = async (...given: Parameters<typeof wait>) =>
    (await wait(...given)).lines.flatMap((line) => /(?:it|an answer) must .*/.exec(line) ?? []);
  expect(await shown([[idle]], 12_000)).toEqual([
    'it must go offline and come back, register again, or start a job (12 s left)',
  ]);
  expect(await shown([[]], 12_000)).toEqual(['it must register (12 s left)']);
  expect(await shown([silence], 12_000)).toEqual(['an answer must show that it is back (12 s left)']);
  expect(await shown([[idle], ...times(99, [idle])], 361_000)).toContain(
    'it must go offline and come back, register again, or start a job (probably_online in 5 min 30 s)',
  );
});

test('a one-job runner, which should register soon, is read more often for two minutes', async () => {
  const after = async (isEphemeral: boolean) => (await wait([[]], 180_000, [], isEphemeral)).sleeps;
  expect(await after(true)).toEqual([...Array(60).fill(2_000), ...Array(12).fill(5_000)]);
  expect(await after(false)).toEqual(Array(36).fill(5_000));
});

test('back under a new registration', async () => {
  const { result, calls } = await wait([[idle], [idle], [], [runner({ id: 24 })]]);
  expect(result).toBe('online');
  expect(calls).toEqual(
    ['list mac-7', 'get 23', 'get 23', 'list mac-7'].slice(0, 2).concat(['get 23', 'list mac-7']),
  );
});

test('most likely back after six minutes', async () => {
  const { result, lines, tookMs } = await wait([[idle]]);
  expect([result, tookMs]).toEqual(['probably_online', 360_000]);
  expect(lines.at(-1)).toMatch(
    /^The runner is most likely back, 360\.0 s after the VM was verified: it is still online/,
  );
});

test('back after GitHub was silent for a while', async () => {
  const { result, lines } = await wait([[idle], ...times(9, silence), [offline], [idle]]);
  expect(result).toBe('online');
  expect(lines.filter((line) => line.startsWith('GitHub'))).toEqual([
    'GitHub gave no usable answer about the runner: it answered HTTP 502',
    'GitHub gave no usable answer about the runner: it answered HTTP 502',
  ]);
});

test('back as a new registration, if none was there before', async () => {
  const { result, tookMs } = await wait([[], [idle]], 600_000, []);
  expect([result, tookMs]).toEqual(['online', 5_000]);
});

const HINT = 'See the log for why GitHub gave none, and check the runner before you rely on it.';

describe('not back', () => {
  test('in time, after a last read at the deadline', async () => {
    const { result, tookMs, calls } = await wait([[offline]], 12_000);
    expect(result).toMatchObject({
      code: 'runner_not_back',
      message: expect.stringMatching(
        /^The VM was restarted, but the runner was not proved to be back within 12\.0 s: it has been offline since the boot: .* Reads: 4 it is offline\.$/,
      ),
      hint: expect.stringContaining('svc.sh install'),
    });
    expect([tookMs, calls.length]).toEqual([12_000, 4]);
  });

  test.each([
    [11_000, 3],
    [11_499, 3],
    [11_500, 4],
  ])('with no read that would outlast the deadline: within %i ms there are %i', async (timeoutMs, reads) => {
    const { tookMs, calls } = await wait([[offline]], timeoutMs);
    // At 0, at 5 s, and at the deadline; one at 10 s only where it has 1.5 s.
    expect([tookMs, calls.length]).toEqual([timeoutMs, reads]);
  });

  test('an old registration that disappears and reappears is not a new one', async () => {
    expect((await wait([[], [idle]], 12_000)).result).toMatchObject({ code: 'runner_not_back' });
  });

  test('because GitHub gave no usable answer', async () => {
    const { result } = await wait([silence], 12_000);
    expect(result).toMatchObject({
      code: 'github_api_failed',
      message: expect.stringContaining(
        'GitHub gave no usable answer. Reads: 4 no usable answer from GitHub.',
      ),
      hint: HINT,
    });
  });

  test('for the reason seen before GitHub fell silent', async () => {
    const { result } = await wait([[idle], [idle], silence], 120_000);
    expect(result).toMatchObject({
      code: 'runner_not_back',
      message: expect.stringContaining(
        ': GitHub gave no usable answer for the last 1 min 55 s; before that it is still listed online, but that may be stale. Reads: ',
      ),
      hint: HINT,
    });
  });

  test('because it was offline before the restart', async () => {
    expect((await wait([[offline]], 12_000, [offline])).result).toMatchObject({
      message: expect.stringContaining('it was already offline before the restart'),
    });
  });

  test('because GitHub refuses', async () => {
    expect((await wait([[idle], refusal])).result).toBe(refusal);
  });
});
