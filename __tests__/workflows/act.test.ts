import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { type RunningSimulator, serve } from '../../simulator/server.ts';
import { DEFAULT_WORLD, World } from '../../simulator/world.ts';
import { runWorkflow, type WorkflowResult, type WorkflowRun } from '../support/act.ts';
import { actionReference } from '../support/repository.ts';

// Whole workflows, run by act, which passes outputs from step to step and from job to job as GitHub does.

jest.setTimeout(90_000);

const USES = `uses: ${actionReference()}`;
/** Reports are so frequent that a restart shows at once. */
const QUICK_WORLD = { ...DEFAULT_WORLD, heartbeatMs: 150, stopMs: 40, startMs: 40, pickUpMs: 20 };
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

test('a verified restart: later steps and jobs read its outputs', async () => {
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

test('a step that fails: failure() and always() apply, and later steps and jobs read why', async () => {
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

test('a step with continue-on-error: the job continues, and knows that it failed', async () => {
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
          external_id: missing
      - run: echo "\${{ steps.restart.outcome }}, then \${{ steps.restart.conclusion }}"
`,
  });
  expect(jobs).toEqual({ restart: ['success'] });
  expect(log).toContain('failure, then success\n');
});

test('a secret is masked in later steps, too, because the action said so', async () => {
  const { jobs, log } = await run({
    // A variable, because act masks secrets by itself.
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
