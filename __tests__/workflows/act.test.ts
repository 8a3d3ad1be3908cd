import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { prepareAccess } from '../../simulator/access.ts';
import type { Access } from '../../simulator/authentication.ts';
import { GITHUB_API_PATH } from '../../simulator/github-api.ts';
import { GitHubWorld } from '../../simulator/github-world.ts';
import { type RunningSimulator, serve } from '../../simulator/server.ts';
import { DEFAULT_WORLD, World } from '../../simulator/world.ts';
import { runWorkflow, type WorkflowResult, type WorkflowRun } from '../support/act.ts';
import { repositoryName } from '../support/repository.ts';
import { workflowOf, type YamlBlock, yamlBlocks } from '../support/yaml-blocks.ts';

// Whole workflows, run by act: what one step or job hears of another is up to it, as it is up to GitHub elsewhere.

jest.setTimeout(90_000);

const USES = `uses: ${repositoryName()}@v1`;
const GITHUB_TOKEN = 'github_pat_of-nobody';
/** Reports come so often that a restart shows at once. */
const QUICK_WORLD = { ...DEFAULT_WORLD, heartbeatMs: 150, stopMs: 40, startMs: 40, pickUpMs: 20 };
/** Where minutes have to be waited, which no setting shortens, time itself is quicker. */
const TIME_FACTOR = 20;
const FAST_TIME = pathToFileURL(join('simulator', 'fast-time.ts')).href;
const IN_FAST_TIME = { NODE_OPTIONS: `--import ${FAST_TIME}`, TIME_FACTOR: String(TIME_FACTOR) };

/** The API key that the documents name. */
const KEY_ACCESS = {
  rootToken: undefined,
  apiKeyId: 'github-actions',
  sessionTtlMs: 300_000,
  tls: false,
  mtls: false,
};

let world: World;
let simulator: RunningSimulator;

beforeEach(async () => {
  world = new World({ ...QUICK_WORLD, startsAt: Date.now() });
  simulator = await serve({ world, port: 0, now: Date.now });
});
afterEach(() => simulator.close());

/** Runs a workflow that finds the controller's URL in `vars.ANKA_CONTROLLER_URL`. */
function run(given: WorkflowRun): Promise<WorkflowResult> {
  return runWorkflow({ ...given, variables: { ANKA_CONTROLLER_URL: simulator.url, ...given.variables } });
}

const instanceIds = () => world.records.map(({ instanceId }) => instanceId);

test('a restart that was proved: later steps and jobs read its outputs', async () => {
  const { exitCode, jobs, log } = await run({
    workflow: `
on: push
jobs:
  restart:
    runs-on: ubuntu-latest
    outputs:
      restarted: \${{ steps.restart.outputs.restarted }}
      start_date: \${{ steps.restart.outputs.start_date }}
    steps:
      - id: restart
        ${USES}
        with:
          controller_url: \${{ vars.ANKA_CONTROLLER_URL }}
          external_id: runner-1
      - if: steps.restart.outputs.restarted == 'true' && steps.restart.outputs.error_code == ''
        run: echo "port \${{ fromJSON(steps.restart.outputs.port_forwarding)[0].guest_port }}"
  next:
    needs: restart
    if: needs.restart.outputs.restarted == 'true'
    runs-on: ubuntu-latest
    steps:
      - run: echo "booted \${{ needs.restart.outputs.start_date }}"
`,
  });
  expect(jobs).toEqual({ restart: ['success'], next: ['success'] });
  expect(exitCode).toBe(0);
  expect(log).toContain('port 22\n');
  expect(log).toMatch(/^booted \d{4}-\d\d-\d\dT[\d:]+Z$/m);
  expect(world.restarts).toEqual([instanceIds()[0]]);
});

test('a step that fails: failure() and always() hold, and what comes after reads why', async () => {
  const { exitCode, jobs, steps, log } = await run({
    workflow: `
on: push
jobs:
  restart:
    runs-on: ubuntu-latest
    outputs:
      error_code: \${{ steps.restart.outputs.error_code }}
    steps:
      - id: restart
        ${USES}
        with:
          controller_url: \${{ vars.ANKA_CONTROLLER_URL }}
          instance_id: 00000000-0000-4000-8000-000000000000
      - name: After success
        run: echo never
      - name: On failure
        if: failure() && steps.restart.outcome == 'failure'
        run: echo "restarted \${{ steps.restart.outputs.restarted }}"
      - name: Always
        if: always() && steps.restart.outputs.restarted != 'unknown'
        run: 'true'
  after-success:
    needs: restart
    runs-on: ubuntu-latest
    steps:
      - run: echo never
  always:
    needs: restart
    if: always() && needs.restart.result == 'failure'
    runs-on: ubuntu-latest
    steps:
      - run: echo "because of \${{ needs.restart.outputs.error_code }}"
`,
  });
  expect(exitCode).toBe(1);
  expect(jobs['restart']).toEqual(['failure']);
  expect(jobs['always']).toEqual(['success']);
  expect(steps['restart: On failure']).toBe('success');
  expect(steps['restart: Always']).toBe('success');
  expect(log).toContain('restarted false\n');
  expect(log).toContain('because of instance_not_found\n');
  expect(log).not.toContain('never');
  expect(world.restarts).toEqual([]);
});

test('a step that may fail: the job goes on, and knows', async () => {
  const { jobs, log } = await run({
    workflow: `
on: push
jobs:
  restart:
    runs-on: ubuntu-latest
    steps:
      - id: restart
        continue-on-error: true
        ${USES}
        with:
          controller_url: \${{ vars.ANKA_CONTROLLER_URL }}
          external_id: nobody
      - run: echo "\${{ steps.restart.outcome }}, then \${{ steps.restart.conclusion }}"
`,
  });
  expect(jobs).toEqual({ restart: ['success'] });
  expect(log).toContain('failure, then success\n');
});

test('what is secret is hidden in later steps, too, though nobody but the action said so', async () => {
  const { jobs, log } = await run({
    // A variable, not a secret: act would hide that by itself.
    variables: { TOKEN: 'hunter2-hunter2' },
    workflow: `
on: push
jobs:
  restart:
    runs-on: ubuntu-latest
    steps:
      - run: echo "before \${{ vars.TOKEN }}"
      - ${USES}
        with:
          controller_url: \${{ vars.ANKA_CONTROLLER_URL }}
          external_id: runner-2
          root_token: \${{ vars.TOKEN }}
      - run: echo "after \${{ vars.TOKEN }}"
`,
  });
  expect(jobs).toEqual({ restart: ['success'] });
  expect(log).toContain('before hunter2-hunter2\n');
  expect(log).toContain('after ***\n');
  expect(log.split('hunter2')).toHaveLength(3);
});

test('a matrix over three VMs: each is restarted, once', async () => {
  const { jobs } = await run({
    workflow: `
on: push
jobs:
  restart:
    runs-on: ubuntu-latest
    strategy:
      fail-fast: false
      matrix:
        vm: [runner-1, runner-2, runner-3]
    steps:
      - id: restart
        ${USES}
        with:
          controller_url: \${{ vars.ANKA_CONTROLLER_URL }}
          external_id: \${{ matrix.vm }}
      - run: test "$EXTERNAL_ID" = '\${{ matrix.vm }}'
        env:
          EXTERNAL_ID: \${{ steps.restart.outputs.external_id }}
`,
  });
  expect(jobs).toEqual({ restart: ['success', 'success', 'success'] });
  expect([...world.restarts].sort()).toEqual(instanceIds().sort());
});

describe('the workflows of the documents, as they stand but for names and addresses', () => {
  const blocks = yamlBlocks().filter(({ place }) => /^(README|docs.between-jobs|docs.fleets).md/.test(place));

  function theOneThat(pattern: RegExp): YamlBlock {
    const [block, ...others] = blocks.filter(({ text }) => pattern.test(text));
    if (block === undefined || others.length > 0) throw new Error(`not one block with ${pattern}`);
    return block;
  }

  test('the one step', async () => {
    const [target = ''] = instanceIds();
    const workflow = workflowOf(theOneThat(/^- uses(.|\n)*instance_id: c2af6080/))
      .replace(/(controller_url:) \S+/, `$1 ${simulator.url}`)
      .replace(/(instance_id:) \S+/, `$1 ${target}`);
    const { jobs } = await run({ workflow });
    expect(jobs).toEqual({ example: ['success'] });
    expect(world.restarts).toEqual([target]);
  });

  test('a runner that is reset between jobs', async () => {
    const { access, inputs, cleanUp } = await prepareAccess(KEY_ACCESS);
    await simulator.close();
    const [instanceId] = await startInFastTime(['macos-vm-7'], access);
    const { jobs, log } = await run({
      workflow: workflowOf(theOneThat(/^name: Test on a rebooted VM/)),
      secrets: {
        ANKA_API_KEY: readFileSync(inputs['api_key'] ?? '', 'utf8'),
        RUNNER_READ_TOKEN: GITHUB_TOKEN,
      },
      environment: { ...IN_FAST_TIME, GITHUB_API_URL: `${simulator.url}${GITHUB_API_PATH}` },
      files: { Makefile: 'test package:\n\techo this is $@\n' },
    });
    cleanUp();
    expect(jobs).toEqual({ test: ['success'], reset: ['success'], package: ['success'] });
    expect(log).toContain('this is test\n');
    expect(log).toContain('this is package\n');
    expect(world.restarts).toEqual([instanceId]);
  });

  describe('a fleet as a matrix', () => {
    /** Runs it in fast time, for what `external_id` names. */
    async function runMatrix(externalId: string): Promise<WorkflowResult> {
      const { access, inputs, cleanUp } = await prepareAccess(KEY_ACCESS);
      await simulator.close();
      await startInFastTime(['runner-1', 'runner-2', 'runner-3'], access);
      const result = await run({
        workflow: workflowOf(theOneThat(/^name: Restart the fleet/))
          .replace(/^on:\n(?: .*\n)+/m, 'on: push\n')
          .replace('external_id: macos-ci-*', `external_id: ${externalId}`),
        secrets: {
          ANKA_API_KEY: readFileSync(inputs['api_key'] ?? '', 'utf8'),
          RUNNER_READ_TOKEN: GITHUB_TOKEN,
        },
        environment: { ...IN_FAST_TIME, GITHUB_API_URL: `${simulator.url}${GITHUB_API_PATH}` },
      });
      cleanUp();
      return result;
    }

    test('a job finds the VMs, and one job restarts each', async () => {
      const { jobs } = await runMatrix('runner-*');
      expect(jobs).toEqual({ find: ['success'], restart: instanceIds().map(() => 'success') });
      expect([...world.restarts].sort()).toEqual(instanceIds().sort());
    });

    test('what cannot be restarted fails the run, and the others go on', async () => {
      const { exitCode, jobs } = await runMatrix(String.raw`"runner-*\nnobody"`);
      expect(exitCode).toBe(1);
      expect(jobs).toEqual({ find: ['failure'], restart: instanceIds().map(() => 'success') });
      expect([...world.restarts].sort()).toEqual(instanceIds().sort());
    });

    test('where no VM is found, that fails the run, and there is no other job to fail', async () => {
      const { exitCode, jobs } = await runMatrix('macos-ci-*');
      expect(exitCode).toBe(1);
      expect(jobs['find']).toEqual(['failure']);
      expect(world.restarts).toEqual([]);
    });
  });

  test('every night, those that are free: a VM without a runner fails alone, and stands in what remains', async () => {
    const { access, inputs, cleanUp } = await prepareAccess(KEY_ACCESS);
    await simulator.close();
    const [instanceId] = await startInFastTime(['runner-1'], access);
    const { jobs, log } = await run({
      workflow: workflowOf(theOneThat(/^name: Fresh VMs for the day/))
        .replace('runner_scope: your-org', 'runner_scope: octo-org')
        .replace(/^on:\n(?: .*\n)+/m, 'on: push\n'),
      secrets: {
        ANKA_API_KEY: readFileSync(inputs['api_key'] ?? '', 'utf8'),
        RUNNER_READ_TOKEN: GITHUB_TOKEN,
      },
      environment: { ...IN_FAST_TIME, GITHUB_API_URL: `${simulator.url}${GITHUB_API_PATH}` },
    });
    cleanUp();
    expect(jobs).toEqual({ restart: ['failure'] });
    expect(world.restarts).toEqual([instanceId]);
    const others = instanceIds().filter((id) => id !== instanceId);
    expect(log).toContain(`Not restarted, whatever the reason:\n${others.join('\n')}\n`);
  });

  /**
   * Starts a controller that wants to know who asks, and a GitHub.
   * @returns the IDs of the instances that have these names, as have their runners; the world's others have no runner.
   */
  async function startInFastTime(names: readonly string[], access: Access): Promise<string[]> {
    const startsAt = Date.now();
    const now = () => startsAt + (Date.now() - startsAt) * TIME_FACTOR;
    world = new World({ ...DEFAULT_WORLD, startsAt });
    const github = new GitHubWorld({ world, token: GITHUB_TOKEN });
    const named = world.records.slice(0, names.length);
    for (const [index, name] of names.entries()) {
      const record = named[index];
      if (record === undefined) throw new Error('the world has too few VMs');
      record.externalId = name;
      github.employ({ record, name });
    }
    simulator = await serve({ world, github, port: 0, now, access });
    return named.map(({ instanceId }) => instanceId);
  }
});
