import { describe, expect, test } from '@jest/globals';
import { runSurvey } from '../support/survey-process.ts';
import { prepared } from '../support/ways.ts';

// `npm run survey` as its users run it: a process, real connections, files. ways-in.thorough.test.ts tries every form of authentication.

const SHORT = ['--for', '15s'];

test('shows the report, then writes it, and finds what was set', async () => {
  const { exitCode, stdout, stderr, written, simulator } = await runSurvey({
    args: ['--for', '60s'],
    world: { heartbeatMs: 4_000, heartbeatJitter: 0 },
  });
  expect(exitCode).toBe(0);
  expect(written?.markdown).toBe(stdout);
  expect(stderr).toMatch(/Written to .*report.md and .*report.json, and not sent anywhere\n$/);
  expect(written?.facts).toMatchObject({ httpVersion: 'HTTP/1.1', version: '1.50.1', honoursId: true });
  // A busy machine misses reports: the measured period can be longer than the real one, never shorter.
  for (const { heartbeat } of written?.facts.nodes ?? []) expect(heartbeat?.periodMs).toBeGreaterThan(3_900);
  expect(new Set(simulator.requests.map(({ method }) => method))).toEqual(new Set(['GET']));
}, 60_000);

test('a certificate that is missing, if one is needed', async () => {
  const { inputs = {}, ...way } = await prepared({ mtls: true });
  const { ca_cert = '' } = inputs;
  const { exitCode, stderr, written } = await runSurvey({ way: { ...way, inputs: { ca_cert } } });
  expect(exitCode).toBe(1);
  expect(stderr).toContain('client_cert and client_key');
  expect(written?.facts.problem).toBe('authentication_failed');
}, 60_000);

test('restarts the one VM that is named', async () => {
  const { exitCode, written, world, simulator } = await runSurvey({
    args: [...SHORT, '--yes'],
    restarts: true,
  });
  expect(exitCode).toBe(0);
  expect(world.restarts).toEqual([world.records[0]?.instanceId]);
  expect(simulator.requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
  expect(written?.facts.restart).toMatchObject({ restarted: 'true' });
}, 60_000);

test('Ctrl-C ends it with a report of what is known so far', async () => {
  let hasEnded = false;
  const { exitCode, stdout, stderr, written } = await runSurvey({
    args: ['--for', '30m'],
    onLine(line, child) {
      // The second line of progress says that reports have come in.
      if (hasEnded || !line.includes(' of 1800.0 s')) return;
      hasEnded = true;
      child.kill('SIGINT');
    },
  });
  expect(exitCode).toBe(0);
  expect(stderr).toContain('Ending early (SIGINT)');
  expect(stdout).toContain('ended early (cancelled)');
  expect(written?.facts.nodes[0]?.heartbeat?.reports).toBeGreaterThan(1);
}, 60_000);

describe('misuse', () => {
  test('an unknown option', async () => {
    const { exitCode, stderr, written, simulator } = await runSurvey({ args: ['--frobnicate'] });
    expect(exitCode).toBe(2);
    expect(stderr).toContain("Unknown option '--frobnicate'");
    expect(stderr).toContain('--help');
    expect(written).toBeUndefined();
    expect(simulator.requests).toEqual([]);
  });

  test('a restart without --yes and without a terminal', async () => {
    const { exitCode, stderr, simulator } = await runSurvey({ restarts: true });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('add --yes');
    expect(simulator.requests).toEqual([]);
  });

  test('--help', async () => {
    const { exitCode, stdout } = await runSurvey({ args: ['--help'] });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('Usage: npm run survey');
  });
});
