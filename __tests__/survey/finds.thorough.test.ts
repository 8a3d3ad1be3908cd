import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { type EndedSurvey, playSurvey } from '../support/virtual-survey.ts';

// A survey must find the configured values, within the tolerances in survey/README.md.

const ROOT_TOKEN = 'root-hunter2-token';

function differencesIn({ report }: EndedSurvey): string[] {
  return JSON.parse(report.json).differences;
}

describe('the heartbeat', () => {
  test.each([1_000, 2_000, 5_000, 10_000, 20_000])(
    'of %i ms, within 2 %% where it is even',
    async (heartbeatMs) => {
      const { facts } = await playSurvey({ world: { heartbeatMs, heartbeatJitter: 0 } });
      for (const { heartbeat } of facts.nodes) {
        expect(heartbeat?.periodMs).toBeGreaterThan(heartbeatMs * 0.98);
        expect(heartbeat?.periodMs).toBeLessThan(heartbeatMs * 1.02);
        expect(heartbeat).toMatchObject({ missed: 0, extra: 0, by: 'timestamp' });
      }
    },
  );

  test.each([0, 0.05, 0.1, 0.2, 0.3])(
    'early or late by %d, within 0.05 in five minutes',
    async (heartbeatJitter) => {
      const { facts } = await playSurvey({ world: { heartbeatJitter }, args: ['--for', '5m'] });
      expect(facts.nodes).toHaveLength(2);
      for (const { heartbeat } of facts.nodes) {
        expect(heartbeat?.jitter).toBeGreaterThanOrEqual(Math.max(0, heartbeatJitter - 0.05));
        expect(heartbeat?.jitter).toBeLessThanOrEqual(heartbeatJitter + 0.05);
      }
    },
  );

  test('whose reports get lost', async () => {
    const { facts } = await playSurvey({ world: { lostReports: 0.2 }, args: ['--for', '10m'] });
    for (const { heartbeat } of facts.nodes) {
      const { missed = 0, reports = 0 } = heartbeat ?? {};
      expect(missed / (missed + reports)).toBeGreaterThan(0.1);
      expect(missed / (missed + reports)).toBeLessThan(0.3);
    }
  });

  test('that is another than the simulator takes for granted is marked', async () => {
    expect(differencesIn(await playSurvey({ world: { heartbeatMs: 8_000 } }))).toContain(
      'node A: a report every',
    );
    expect(differencesIn(await playSurvey())).toEqual([]);
  });
});

describe('replicas', () => {
  test.each([
    [1, 0],
    [2, 400],
    [2, 2_000],
    [2, 10_000],
    [3, 1_500],
    [4, 3_000],
    [5, 8_000],
  ])('%i, all but one of them %i ms behind', async (count, lagMs) => {
    const ended = await playSurvey({ replicas: { count, lagMs } });
    const { replicas } = ended.facts;
    expect(replicas.atLeast).toBe(count);
    expect(replicas.inTurn).toBe(count === 1 ? undefined : count);
    expect(replicas.stepsBack > 0).toBe(count > 1);
    if (count === 1) return;
    expect(replicas.lagMs).toBeLessThanOrEqual(lagMs + 50);
    expect(replicas.lagMs).toBeGreaterThan(lagMs - 250 * count - 500);
    expect(differencesIn(ended)).toContain('replicas seen');
  });

  test('that differ do not disturb what is found of the heartbeat', async () => {
    const { facts } = await playSurvey({
      replicas: { count: 3, lagMs: 7_000 },
      world: { heartbeatJitter: 0 },
    });
    for (const { heartbeat } of facts.nodes) expect(heartbeat?.periodMs).toBeCloseTo(5_000, -2);
  });
});

describe('clocks', () => {
  test.each([-90_000, -700, 0, 1_300, 3_600_000])(
    "the nodes' are %i ms ahead, within 10 ms",
    async (clockSkewMs) => {
      const { facts } = await playSurvey({ world: { clockSkewMs } });
      for (const { clock } of facts.nodes)
        expect(Math.abs((clock?.aheadMs ?? Number.NaN) - clockSkewMs)).toBeLessThan(10);
    },
  );

  test.each([-4_000, 0, 250, 86_400_000])(
    "this machine's is %i ms ahead, within what is stated",
    async (machineAheadMs) => {
      const { facts } = await playSurvey({ machineAheadMs, networkMs: 20 });
      const { aheadMs = Number.NaN, giveOrTakeMs = Number.NaN } = facts.controllerClock ?? {};
      expect(Math.abs(aheadMs + machineAheadMs)).toBeLessThanOrEqual(giveOrTakeMs + 1);
      expect(giveOrTakeMs).toBeLessThan(100);
    },
  );
});

describe('the version', () => {
  test.each(['1.43.0', '1.44.0', '1.46.0', '1.50.1'])('%s', async (controllerVersion) => {
    const { facts, report } = await playSurvey({ world: { controllerVersion } });
    expect(facts.version).toBe(controllerVersion);
    expect(facts.nodes.map(({ agentVersion }) => agentVersion)).toEqual([
      controllerVersion,
      controllerVersion,
    ]);
    expect(report.markdown.includes('restarts need 1.44.0 or later')).toBe(controllerVersion === '1.43.0');
    expect(report.markdown.includes('before 1.47, a restart shows Error')).toBe(
      ['1.44.0', '1.46.0'].includes(controllerVersion),
    );
  });

  test('an old one has no start_date to prove a restart by', async () => {
    const { facts, report } = await playSurvey({ world: { controllerVersion: '1.43.0' } });
    expect(facts.list).toMatchObject({ instances: 3, runningWithoutDate: 3 });
    expect(report.markdown).toContain('missing, although the action reads them: `[].vm.vminfo.start_date`');
  });
});

describe('ways in', () => {
  test('the root token, with the answer without credentials', async () => {
    const ended = await playSurvey({
      access: { rootToken: ROOT_TOKEN },
      environment: { INPUT_ROOT_TOKEN: ROOT_TOKEN },
    });
    expect(ended.facts.withoutCredentials).toEqual({ status: 401, envelope: 'FAIL' });
    expect(ended.report.markdown).toContain('The root token can do everything');
    expect(ended.report.markdown).toContain(`root_token: \${{ secrets.ANKA_ROOT_TOKEN }}`);
    expect(ended.report.markdown).not.toContain('Anyone who can reach the controller');
  });

  test('an API key', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const { facts, report } = await playSurvey({
      access: { apiKey: { id: 'ci', publicKey } },
      environment: {
        INPUT_API_KEY_ID: 'ci',
        INPUT_API_KEY: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
      },
    });
    expect(facts.problem).toBeUndefined();
    expect(facts.answers.find(({ call }) => call === 'handshake')).toMatchObject({ asked: 2 });
    expect(report.markdown).toContain(`api_key: \${{ secrets.ANKA_API_KEY }}`);
  });

  test('without credentials that the controller requires: the survey ends and reports it', async () => {
    const { facts, report, lines } = await playSurvey({ access: { rootToken: ROOT_TOKEN } });
    expect(facts.problem).toBe('authentication_failed');
    expect(report.markdown).toContain('The survey ended early: authentication_failed.');
    expect(report.markdown).not.toContain('Anyone who can reach the controller');
    expect(lines.join('\n')).toContain('root_token');
  });

  test('credentials that protect nothing', async () => {
    const { report } = await playSurvey({ environment: { INPUT_ROOT_TOKEN: ROOT_TOKEN } });
    expect(report.markdown).toContain('so they protect nothing');
  });

  test('a list of nodes that is refused', async () => {
    const { facts, report } = await playSurvey({
      change: (reaction, { path }) =>
        path.startsWith('/api/v1/node')
          ? { ...reaction, status: 403, body: '{"status":"FAIL","message":"Permission denied"}' }
          : reaction,
    });
    expect(facts.nodeList).toEqual({ status: 403, envelope: 'FAIL' });
    expect(report.markdown).toContain('The controller refuses the list of nodes (HTTP 403, FAIL)');
    expect(facts.nodes).toHaveLength(2);
  });
});

describe('how the controller says no', () => {
  test.each([200, 400, 404, 500])('with HTTP %i', async (status) => {
    const ended = await playSurvey({
      args: ['--for', '5s'],
      change: (reaction) => (reaction.body.includes('"FAIL"') ? { ...reaction, status } : reaction),
    });
    expect(ended.facts.unknownInstance).toEqual({ status, envelope: 'FAIL' });
    expect(differencesIn(ended).includes('answer about an unknown instance')).toBe(status !== 200);
  });

  test('or not at all: ?id= is ignored', async () => {
    const ended = await playSurvey({
      change: (reaction, { path }) =>
        path.includes('?id=') ? { ...reaction, body: lastList } : keepList(reaction, path),
    });
    expect(ended.facts.honoursId).toBe(false);
    expect(ended.report.markdown).toContain('The controller ignores `?id=`');
  });

  let lastList = '';
  function keepList<T extends { readonly body: string }>(reaction: T, path: string): T {
    if (path === '/api/v1/vm') lastList = reaction.body;
    return reaction;
  }
});

test('what answers take, and how large the list is', async () => {
  const { facts } = await playSurvey({ networkMs: 150, world: { vms: 7, nodes: 3 } });
  const list = facts.answers.find(({ call }) => call === 'list');
  expect(list?.medianMs).toBeCloseTo(300, 0);
  expect(facts.list).toMatchObject({ instances: 7, nodes: 3, unreadable: 0, runningWithoutDate: 0 });
  expect(list?.largestBytes).toBeGreaterThanOrEqual(facts.list?.bytes ?? Number.NaN);
});

test('a controller that is slow to answer is not kept busy', async () => {
  const { facts, requests } = await playSurvey({ networkMs: 2_000 });
  expect(requests.length).toBeLessThan(60);
  expect(facts.answers.find(({ call }) => call === 'list')?.medianMs).toBeCloseTo(4_000, 0);
});

test('without --restart, the survey changes nothing', async () => {
  const { requests } = await playSurvey({ args: ['--for', '2m'] });
  expect(requests.filter((request) => !request.startsWith('GET '))).toEqual([]);
  expect(requests.length).toBeGreaterThan(100);
});

test('Ctrl-C ends it with what is known so far', async () => {
  const { facts, report, tookMs } = await playSurvey({ args: ['--for', '10m'], interruptAfterMs: 30_000 });
  expect(tookMs).toBeLessThan(31_000);
  expect(facts.problem).toBe('cancelled');
  expect(facts.nodes[0]?.heartbeat?.periodMs).toBeGreaterThan(4_000);
  expect(report.markdown).toContain('ended early (cancelled)');
});

test('a controller that is away for a while does not end it', async () => {
  let count = 0;
  const { facts } = await playSurvey({
    change: (reaction) =>
      count++ > 40 && count < 44 ? { ...reaction, status: 502, body: '<html>' } : reaction,
  });
  expect(facts.problem).toBeUndefined();
  const failed = facts.answers.map(({ statuses }) => statuses['HTTP 502'] ?? 0);
  expect(failed.reduce((sum, times) => sum + times)).toBe(2);
});
