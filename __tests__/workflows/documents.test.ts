import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type PreparedAccess, prepareAccess } from '../../simulator/access.ts';
import { GITHUB_API_PATH } from '../../simulator/github-api.ts';
import { GitHubWorld } from '../../simulator/github-world.ts';
import { type RunningSimulator, serve } from '../../simulator/server.ts';
import { DEFAULT_WORLD, World } from '../../simulator/world.ts';
import { runWorkflow, type WorkflowResult, type WorkflowRun } from '../support/act.ts';
import { workflowOf, yamlBlocks } from '../support/yaml-blocks.ts';

// act runs the workflows in the documents as they are written, except for addresses, triggers and the names of organizations. Minutes take
// seconds, because time passes faster in the step and in the simulator. One workflow is missing here: the simulator has no SSH server that
// "Test, restart, register again" could log in to. __tests__/network/registering.test.ts runs its script with a real sshd.

jest.setTimeout(90_000);

const GITHUB_TOKEN = 'github_pat_of-tests';
const TIME_FACTOR = 20;
const FAST_TIME = pathToFileURL(join('simulator', 'fast-time.ts')).href;
const VMS = 3;

let world: World;
let github: GitHubWorld;
let access: PreparedAccess;
let simulator: RunningSimulator;

beforeEach(async () => {
  const startsAt = Date.now();
  const now = () => startsAt + (Date.now() - startsAt) * TIME_FACTOR;
  world = new World({ ...DEFAULT_WORLD, startsAt, vms: VMS });
  github = new GitHubWorld({ world, token: GITHUB_TOKEN });
  // The API key that the documents name.
  access = await prepareAccess({
    rootToken: undefined,
    apiKeyId: 'github-actions',
    sessionTtlMs: 300_000,
    tls: false,
    mtls: false,
  });
  simulator = await serve({ world, github, port: 0, now, access: access.access });
});
afterEach(async () => {
  await simulator.close();
  access.cleanUp();
});

const instanceIds = () => world.records.map(({ instanceId }) => instanceId);

const REPOSITORY = 'octo-org/app';
const ORGANIZATION = 'octo-org';

/** Gives the first VMs these external IDs, and runners of the same names in this scope. @returns their instance IDs. */
function nameVms(scope: string, ...names: readonly string[]): string[] {
  return names.map((name, index) => {
    const record = world.records[index];
    if (record === undefined) throw new Error('the world has too few VMs');
    record.externalId = name;
    github.employ({ record, name, scope });
    return record.instanceId;
  });
}

/** The ID of act's run. */
const RUN_ID = 1;

/** The VM's own ID, with which the runner's name begins. */
function uuidOf({ vm }: World['records'][number]): string {
  if (vm === undefined) throw new Error('the instance has no VM');
  return vm.uuid;
}

/** Gives every VM a runner that takes one job, and registers under a new name at each boot. */
function addOneJobRunners(): void {
  for (const record of world.records)
    github.employ({
      record,
      name: uuidOf(record),
      atBoot: 'random name',
      takesOneJob: true,
      labels: ['macos-pool'],
    });
}

/** Runs jobs of the simulated GitHub in the pool. @returns a function for after the run: the instances that they ran on. */
function runInPool(...names: readonly string[]): () => string[] {
  const labels = ['self-hosted', 'macos-pool'];
  const { jobs } = github.runs.add({ jobs: names.map((name) => ({ name, forMs: 5_000, labels })) }, RUN_ID);
  const instanceOf = (runner = '') =>
    world.records.find((record) => runner.startsWith(uuidOf(record)))?.instanceId;
  return () => jobs.map(({ execution }) => instanceOf(execution?.runnerName) ?? 'none');
}

/** The example in the document that contains this text: a workflow, steps or inputs. */
function shownIn(document: string, text: RegExp): string {
  const blocks = yamlBlocks().filter(({ place }) => place.startsWith(`${document}:`));
  const [block, ...others] = blocks.filter((one) => text.test(one.text));
  if (block === undefined || others.length > 0) throw new Error(`not one block of ${document} has ${text}`);
  return workflowOf(block)
    .replace(/^on:\n {2}schedule:\n(?: .*\n)+/m, 'on: push\n')
    .replaceAll(/(controller_url:) https:\S+/g, `$1 ${simulator.url}`)
    .replaceAll(/(runner_scope:) [\w-]+/g, `$1 ${ORGANIZATION}`);
}

function run(given: WorkflowRun): Promise<WorkflowResult> {
  return runWorkflow({
    ...given,
    variables: { ANKA_CONTROLLER_URL: simulator.url, ...given.variables },
    secrets: {
      ANKA_API_KEY: readFileSync(access.inputs['api_key'] ?? '', 'utf8'),
      RUNNER_READ_TOKEN: GITHUB_TOKEN,
      GITHUB_TOKEN,
      ...given.secrets,
    },
    environment: {
      NODE_OPTIONS: `--import ${FAST_TIME}`,
      TIME_FACTOR: String(TIME_FACTOR),
      GITHUB_API_URL: `${simulator.url}${GITHUB_API_PATH}`,
    },
    files: { Makefile: 'test package:\n\techo this is $@\n', ...given.files },
  });
}

describe('README', () => {
  test('the first step waits for the runner, before and after', async () => {
    const [target] = nameVms(REPOSITORY, 'macos-vm-7');
    const { jobs } = await run({ workflow: shownIn('README.md', /external_id: macos-vm-7/) });
    expect(jobs).toEqual({ example: ['success'] });
    expect(world.restarts).toEqual([target]);
  });

  test('all that are free', async () => {
    const targets = nameVms(ORGANIZATION, 'macos-ci-1', 'macos-ci-2');
    const { jobs } = await run({ workflow: shownIn('README.md', /external_id: macos-ci-\*/) });
    expect(jobs).toEqual({ example: ['success'] });
    expect([...world.restarts].sort()).toEqual(targets.sort());
  });

  test('the VMs that a run used', async () => {
    addOneJobRunners();
    const used = runInPool('test (16)', 'build');
    const { jobs } = await run({ workflow: shownIn('README.md', /used_by_job/) });
    expect(jobs).toEqual({ example: ['success'] });
    expect(world.restarts).toEqual(used().slice(0, 1));
  });
});

describe('between jobs', () => {
  test('a pool with one-job runners: the VMs that the jobs ran on are restarted', async () => {
    addOneJobRunners();
    const used = runInPool('test (16)', 'test (26)');
    const { jobs } = await run({ workflow: shownIn('docs/between-jobs.md', /^name: Test on the pool/) });
    expect(jobs).toEqual({ test: ['success', 'success'], reset: ['success'] });
    expect([...world.restarts].sort()).toEqual(used().sort());
    expect(world.restarts).toHaveLength(2);
  });

  test('one VM: reset between two jobs', async () => {
    const [target] = nameVms(REPOSITORY, 'macos-vm-7');
    const workflow = shownIn('docs/between-jobs.md', /^name: Test on a rebooted VM/);
    const { jobs, log } = await run({ workflow });
    expect(jobs).toEqual({ test: ['success'], reset: ['success'], package: ['success'] });
    expect(log).toContain('this is test\n');
    expect(log).toContain('this is package\n');
    expect(world.restarts).toEqual([target]);
  });

  test('a sweep: only the VM that has had its job is restarted', async () => {
    for (const [index, record] of world.records.entries()) record.externalId = `macos-pool-${index + 1}`;
    addOneJobRunners();
    const used = runInPool('test');
    const { jobs } = await run({ workflow: shownIn('docs/between-jobs.md', /^name: Reset used VMs/) });
    expect(jobs).toEqual({ sweep: ['success'] });
    expect(world.restarts).toEqual(used());
  });

  test('a busy pool: every VM is restarted, and its labels are back', async () => {
    const labels = ['macos-pool'];
    const runners = world.records.map((record, index) => {
      record.externalId = `macos-${index + 1}`;
      return github.employ({ record, name: record.externalId, scope: ORGANIZATION, labels });
    });
    const queue = Array.from({ length: 9 }, (_, index) => ({
      name: `build (${index})`,
      forMs: 20_000,
      labels,
    }));
    github.runs.add({ jobs: queue });
    const { jobs } = await run({
      workflow: shownIn('docs/between-jobs.md', /^name: Reset a busy pool/),
      secrets: { RUNNER_ADMIN_TOKEN: GITHUB_TOKEN },
    });
    expect(jobs).toEqual({ reset: ['success'] });
    expect([...world.restarts].sort()).toEqual(instanceIds().sort());
    expect(runners.map((runner) => github.labelsOf(runner))).toEqual(runners.map(() => labels));
  });

  test('every night: a VM without a runner fails alone, and is listed in what remains', async () => {
    for (const [index, record] of world.records.entries()) record.externalId = `macos-${index + 1}`;
    const [target] = nameVms(ORGANIZATION, 'macos-1');
    const workflow = shownIn('docs/between-jobs.md', /^name: Fresh VMs for the day/);
    const { jobs, log } = await run({ workflow });
    expect(jobs).toEqual({ restart: ['failure'] });
    expect(world.restarts).toEqual([target]);
    const others = instanceIds().filter((id) => id !== target);
    expect(log).toContain(`Not restarted:\n${others.join('\n')}\n`);
  });

  test.each([
    ['one VM is restarted', 'macos-vm-7', 1],
    ['a pattern that matches several restarts none', 'macos-*', 0],
  ])('by hand: %s', async (_, externalId, restarts) => {
    nameVms(REPOSITORY, 'macos-vm-7', 'macos-vm-8');
    const workflow = shownIn('docs/between-jobs.md', /^name: Restart one VM/);
    const { exitCode } = await run({
      workflow,
      event: 'workflow_dispatch',
      inputs: { external_id: externalId },
    });
    expect(world.restarts).toHaveLength(restarts);
    expect(exitCode).toBe(restarts === 1 ? 0 : 1);
  });

  test('one workflow for many repositories resets the VMs of the run that calls it', async () => {
    addOneJobRunners();
    const used = runInPool('test');
    const path = '.github/workflows/reset.yml';
    const workflow = shownIn('docs/between-jobs.md', /^name: Test\n/);
    const { jobs } = await run({
      workflow: workflow.replace(/uses: \S+\/reset\.yml@main/, `uses: ./${path}`),
      files: { [path]: shownIn('docs/between-jobs.md', /^name: Reset the VMs of a run/) },
    });
    expect(Object.values(jobs).flat()).toEqual(['success', 'success']);
    expect(world.restarts).toEqual(used());
  });
});

describe('a fleet as a matrix', () => {
  beforeEach(() => {
    nameVms(REPOSITORY, 'runner-1', 'runner-2', 'runner-3');
  });

  function runMatrix(externalId: string): Promise<WorkflowResult> {
    const workflow = shownIn('docs/fleets.md', /^name: Restart the fleet/);
    return run({ workflow: workflow.replace('external_id: macos-ci-*', `external_id: ${externalId}`) });
  }

  test('a job finds the VMs, and one job restarts each', async () => {
    const { jobs } = await runMatrix('runner-*');
    expect(jobs).toEqual({ find: ['success'], restart: instanceIds().map(() => 'success') });
    expect([...world.restarts].sort()).toEqual(instanceIds().sort());
  });

  test('what cannot be restarted fails the run, and the others go on', async () => {
    const { exitCode, jobs } = await runMatrix(String.raw`"runner-*\nmissing"`);
    expect(exitCode).toBe(1);
    expect(jobs).toEqual({ find: ['failure'], restart: instanceIds().map(() => 'success') });
    expect([...world.restarts].sort()).toEqual(instanceIds().sort());
  });

  test('if no VM is found, the run fails, and no other job runs', async () => {
    const { exitCode, jobs } = await runMatrix('macos-ci-*');
    expect(exitCode).toBe(1);
    expect(jobs['find']).toEqual(['failure']);
    expect(world.restarts).toEqual([]);
  });
});
