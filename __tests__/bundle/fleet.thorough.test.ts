import { expect, test } from '@jest/globals';
import { createRandom } from '../../simulator/random.ts';
import { play } from '../support/scenario.ts';

// The bundle as a process, against the simulated controller with short heartbeats.

const BAD_GATEWAY = { kind: 'answer', status: 502, body: '<html>' } as const;

test('200 VMs, a replica that lags behind, 5 % of answers lost, one VM stuck and one in Error', async () => {
  const random = createRandom(7);
  const { exitCode, outputs, summary, world, posts, log, simulator } = await play({
    world: { vms: 200, nodes: 40, stuckVms: ['runner-17'], brokenVms: ['runner-101'] },
    inputs: {
      external_id: 'runner-*',
      max_parallel: '20%',
      max_failures: '2',
      // Longer than an Error takes to count as a failure, even on a slow machine: the first failure gives the step its error code.
      timeout: '50s',
      poll_interval: 'auto',
    },
    way: { replicas: { count: 2, lagMs: 400 } },
    interventions: () => ({ after: () => (random.next() < 0.05 ? BAD_GATEWAY : undefined) }),
  });
  const ids = new Map(world.records.map(({ externalId, instanceId }) => [externalId, instanceId]));
  const [stuck = '', broken = ''] = ['runner-17', 'runner-101'].map((name) => ids.get(name));
  const results: Record<string, string>[] = JSON.parse(outputs['results'] ?? '');
  const restarted = results.filter(({ outcome }) => outcome === 'restarted');
  const others = results.filter(({ outcome }) => outcome !== 'restarted');
  expect([exitCode, posts, results.length, restarted.length]).toEqual([1, 200, 200, 198]);
  expect(others.map((one) => [one['external_id'], one['outcome'], one['error_code']])).toEqual([
    ['runner-17', 'unknown', 'timed_out'],
    ['runner-101', 'unknown', 'vm_failed'],
  ]);
  // What really happened: each VM was restarted once, and no other was.
  expect(world.restarts.toSorted()).toEqual(restarted.map((one) => one['instance_id'] ?? '').toSorted());
  for (const { previous_start_date: before = '', start_date: after = '' } of restarted)
    expect(Date.parse(after)).toBeGreaterThan(Date.parse(before));
  expect(outputs).toMatchObject({ restarted: 'unknown', matrix: '[]', instance_id: '' });
  expect(outputs['remaining']?.split('\n')).toEqual([stuck, broken]);
  expect(summary).toContain('<h3>2 of 200 VMs not verified: vm&#95;failed</h3>');
  expect(summary).toContain('<p>2 not verified, 198 restarted</p>');
  const rows = [...summary.matchAll(/<tr><td>(\d+)<\/td>/g)].map(([, number]) => Number(number));
  expect([rows.length, ...rows.slice(0, 3)]).toEqual([200, 17, 101, 1]);
  expect(log.split('\n').filter((line) => line.startsWith('::error'))).toHaveLength(1);
  const polls = simulator.requests.filter(({ method }) => method === 'GET');
  expect(polls.length).toBeLessThan(150);
}, 120_000);
