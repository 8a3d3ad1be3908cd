import { expect, test } from '@jest/globals';
import { play } from '../support/scenario.ts';

// The committed bundle as a process, against what old or unusual controllers write.

test('a VNC password in vminfo appears nowhere', async () => {
  const ended = await play({ world: { writesOldFields: true } });
  expect(ended.outputs).toMatchObject({ restarted: 'true', ssh_port: '10000' });
  expect(ended.outputs['port_forwarding']).toContain('"name":"ssh"');
  const password = ended.record.vm?.vncPassword ?? '';
  expect(password).toMatch(/^vnc-secret-\d+$/);
  const shown = ended.log.split('\n').filter((line) => !line.startsWith('::add-mask::'));
  for (const text of [...shown, ended.summary, ...Object.values(ended.outputs)])
    expect(text).not.toContain(password);
});

test('a guest whose own address is empty at first, and a FAIL with HTTP 400', async () => {
  const well = await play({ world: { addressAfterMs: 60_000 } });
  expect(well.outputs).toMatchObject({ restarted: 'true', ip: '' });
  const failed = await play({
    world: { failStatus: 400 },
    inputs: { instance_id: '00000000-0000-4000-8000-000000000000' },
  });
  expect([failed.exitCode, failed.outputs['error_code'], failed.world.restarts]).toEqual([
    1,
    'instance_not_found',
    [],
  ]);
});

test('a VM that is stopped is not restarted', async () => {
  const { outputs, posts } = await play({ world: { stoppedVms: ['runner-1'] } });
  expect([outputs['restarted'], outputs['error_code'], posts]).toEqual(['false', 'not_running', 0]);
});

test('an external ID that only the list knows is found', async () => {
  const { outputs, world } = await play({
    world: { oneLacks: ['external_id', 'name'] },
    inputs: { instance_id: '', external_id: 'runner-1' },
  });
  expect([outputs['restarted'], outputs['external_id'], world.restarts.length]).toEqual([
    'true',
    'runner-1',
    1,
  ]);
});

test('a step on a runner that only the list shows to be in the VM does not restart it', async () => {
  const { outputs, story, posts } = await play({
    world: { oneLacks: ['external_id', 'name'] },
    way: { environment: { RUNNER_NAME: 'runner-1', RUNNER_ENVIRONMENT: 'self-hosted' } },
  });
  expect([outputs['restarted'], outputs['error_code'], posts]).toEqual(['false', 'self_restart', 0]);
  expect(story).toEqual(['GET one', 'GET all']);
});

test('a runner whose name contains an external ID that only the list knows is watched', async () => {
  const { outputs, world, log } = await play({
    world: { oneLacks: ['external_id', 'name'] },
    runners: {},
  });
  expect([outputs['restarted'], outputs['runner_status'], world.restarts.length]).toEqual([
    'true',
    'online',
    1,
  ]);
  expect(log).toContain('runner "runner-1"');
});

test.each([
  ['RUNNER-1', 'Did you mean "runner-1"? Upper and lower case matter.'],
  ['28752562-8aeb-5225-db6a-c08775994ef3', 'did you mean instance_id?'],
])('the external ID %s is explained', async (external_id, hint) => {
  const { outputs, log } = await play({ inputs: { instance_id: '', external_id } });
  expect(outputs).toMatchObject({ restarted: 'false', error_code: 'instance_not_found' });
  expect(log).toContain(hint);
});
