import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { GuestFault, GuestHabits } from '../../simulator/guests.ts';
import { type GuestServers, takeGuestPorts } from '../../simulator/guests.ts';
import type { Interventions } from '../../simulator/server.ts';
import type { World } from '../../simulator/world.ts';
import { begin, commandsIn, type Ended, edited, end, isPoll, type Setting } from '../support/scenario.ts';

// The committed bundle as a process, against the simulated controller, with a server in each VM behind real sockets.

let guests: GuestServers;

beforeEach(async () => {
  guests = await takeGuestPorts(4);
});
afterEach(() => guests.close());

const UP_SOON: GuestHabits = { bootMs: 300, forwarder: 'accepts' };

async function play(habits: GuestHabits, setting: Setting = {}): Promise<Ended> {
  const world = { nodes: 1, nodeIp: '127.0.0.1', ports: guests.ports, ...setting.world };
  const inputs = { guest_check: 'ssh', guest_timeout: '10s', ...setting.inputs };
  const scenario = await begin({ ...setting, world, inputs });
  const { world: opened, now, timeFactor } = scenario;
  guests.open({ world: opened, now, timeFactor, habits });
  return end(scenario);
}

const reported = ({ exitCode, outputs, posts }: Ended) => ({
  exitCode,
  posts,
  restarted: outputs['restarted'],
  guest_status: outputs['guest_status'],
  error_code: outputs['error_code'],
});

const UP = { exitCode: 0, posts: 1, restarted: 'true', guest_status: 'up', error_code: '' };
const NOT_UP = {
  exitCode: 1,
  posts: 1,
  restarted: 'true',
  guest_status: 'not_up',
  error_code: 'guest_not_up',
};

describe('the guest is up', () => {
  test('once its SSH server answers', async () => {
    const ended = await play(UP_SOON);
    expect(reported(ended)).toEqual(UP);
    expect(ended.story).toEqual(['GET one', 'POST restart', 'GET one']);
    expect(ended.log).toMatch(
      /^The guest is up: "SSH-2\.0-OpenSSH_9\.9", \d+\.\d s after the VM was verified$/m,
    );
    expect(ended.summary).toContain('    VM verified → guest up :');
  });

  test('at a node that the controller knows by its name', async () => {
    const interventions = (): Interventions => ({
      after(request, reaction) {
        if (!isPoll(request)) return undefined;
        return edited(reaction, (_, vminfo) => Object.assign(vminfo, { host_ip: 'localhost' }));
      },
    });
    const ended = await play(UP_SOON, { interventions });
    expect(reported(ended)).toEqual(UP);
    expect(ended.outputs['host_ip']).toBe('localhost');
  });

  test('at the port that it has after the restart', async () => {
    const ended = await play(UP_SOON, { world: { reassignsPorts: true } });
    expect(reported(ended)).toEqual(UP);
    expect(Number(ended.outputs['ssh_port'])).toBe(ended.record.vm?.sshPort);
    expect(ended.outputs['ssh_port']).not.toBe(String(guests.ports[0]));
  });

  test("not by the banner of another VM's server", async () => {
    let before: string | undefined;
    let polls = 0;
    // The poll after the one that proves the restart shows the neighbor's port; the next one, after the banner, shows the VM's.
    const interventions = (world: World): Interventions => ({
      after(request, reaction) {
        const [, neighbour] = world.records;
        if (!isPoll(request)) return undefined;
        const [, startDate] = /"start_date":"([^"]+)"/.exec(reaction.body) ?? [];
        const { body } = JSON.parse(reaction.body);
        before ??= startDate;
        const isProof =
          startDate !== before && body.vminfo?.status === 'running' && body.instance_state === 'Started';
        if (!isProof || ++polls !== 2) return undefined;
        return edited(reaction, (_, vminfo) => {
          const host_port = neighbour?.vm?.sshPort;
          vminfo['port_forwarding'] = [{ guest_port: 22, host_port, protocol: 'tcp', name: '' }];
        });
      },
    });
    const ended = await play({ bootMs: 2_000, forwarder: 'accepts' }, { interventions });
    expect(reported(ended)).toEqual(UP);
    expect(ended.log).toContain("it may be another VM's: the VM has booted or moved since");
    expect(Number(ended.outputs['ssh_port'])).toBe(ended.record.vm?.sshPort);
  });
});

describe('the guest is not up', () => {
  /** The 10 s of guest_timeout pass fast. */
  const SHORT = { isShort: true, inputs: { timeout: '2m' } };

  test.each<[string, GuestFault, RegExp, RegExp]>([
    ['where it hangs', 'never', /no SSH banner came at 127\.0\.0\.1:\d+/, /macOS hangs, waits for its disk/],
    [
      "where macOS on the node asks about its forwarder's access to the local network",
      'silent',
      /no SSH banner came at .*but nothing was sent/,
      /macOS on the node asks whether the forwarder may use the local network\. .*screen of .*the node/,
    ],
    [
      'where something else answers',
      'foreign',
      /it is not an SSH server .*"HTTP\/1\.1 400 Bad Request"/,
      /Something other than an SSH server answers there/,
    ],
    [
      'where OpenSSH has a penalty for this machine',
      'penalized',
      /refuses this machine for a while at .*\(it began with "Not allowed at this time"\)/,
      /after connections without a login.*PerSourcePenalties.*PerSourcePenaltyExemptList in sshd_config/,
    ],
  ])('%s', async (_, fault, message, hint) => {
    const ended = await play({ ...UP_SOON, fault }, SHORT);
    expect(reported(ended)).toEqual(NOT_UP);
    const [error = ''] = commandsIn(ended.log).filter((line) => line.startsWith('::error'));
    expect(error).toMatch(/^::error title=VM restarted%2C but not its guest%3A guest_not_up::/);
    expect(error).toMatch(message);
    expect(error).toMatch(hint);
    expect(ended.outputs['start_date']).not.toBe('');
  });

  test.each([
    ['0.0.0.0', 'unspecified'],
    ['::1%lo', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
  ])('where the only server would be that of this machine: %s', async (ip, kind) => {
    const interventions = (): Interventions => ({
      after(request, reaction) {
        if (!isPoll(request)) return undefined;
        return edited(reaction, (_, vminfo) => Object.assign(vminfo, { ip, port_forwarding: [] }));
      },
    });
    const ended = await play(UP_SOON, { ...SHORT, interventions });
    expect(reported(ended)).toEqual(NOT_UP);
    expect(ended.log).toContain(`the VM has the address ${ip}, which is ${kind}`);
  });

  test.each(['0.0.0.0', '::', '::ffff:0.0.0.0'])(
    'where the node would be this machine: %s',
    async (host_ip) => {
      const interventions = (): Interventions => ({
        after(request, reaction) {
          if (!isPoll(request)) return undefined;
          return edited(reaction, (_, vminfo) => Object.assign(vminfo, { host_ip }));
        },
      });
      const ended = await play(UP_SOON, { ...SHORT, interventions });
      expect(reported(ended)).toEqual(NOT_UP);
      expect(ended.log).toContain(`the node has the address ${host_ip}, which is unspecified`);
    },
  );

  test('if this machine cannot reach the node', async () => {
    const ended = await play(UP_SOON, { ...SHORT, world: { nodeIp: '127.0.0.1', ports: [1] } });
    expect(reported(ended)).toEqual(NOT_UP);
    expect(ended.log).toMatch(/the connection was refused at 127\.0\.0\.1:1 .*reach the nodes themselves/);
  });
});

test('a guest whose disk FileVault has locked greets, but its runner does not come back: the hint says why', async () => {
  const ended = await play(
    { bootMs: 10_000, forwarder: 'accepts' },
    {
      runners: { employment: { startsAfterBoot: false } },
      inputs: { guest_timeout: '5m', runner_timeout: '3m' },
    },
  );
  expect(reported(ended)).toEqual({ ...UP, exitCode: 1, error_code: 'runner_not_back' });
  const [error] = commandsIn(ended.log).filter((line) => line.startsWith('::error'));
  expect(error).toMatch(
    /no user is logged in.*FileVault off \(with it, SSH answers before the disk is unlocked\)/,
  );
});

test('without guest_check the step does not connect to the guest', async () => {
  const ended = await play({ ...UP_SOON, fault: 'never' }, { inputs: { guest_check: 'none' } });
  expect(reported(ended)).toEqual({ ...UP, guest_status: '' });
});

test('a dry run does not connect to the guest', async () => {
  const ended = await play(UP_SOON, { inputs: { dry_run: 'true' } });
  expect(reported(ended)).toEqual({ ...UP, posts: 0, restarted: 'false', guest_status: '' });
});

test('a step that is cancelled during the check reports what it leaves', async () => {
  const world = { nodes: 1, nodeIp: '127.0.0.1', ports: guests.ports };
  const scenario = await begin({ world, inputs: { guest_check: 'ssh' } });
  guests.open({ world: scenario.world, now: Date.now, habits: { ...UP_SOON, fault: 'never' } });
  await new Promise<void>((resolve) => {
    let log = '';
    scenario.step.process.stdout?.on('data', (text) => {
      log += text;
      if (log.includes('Restarted and verified')) resolve();
    });
  });
  scenario.step.process.kill('SIGINT');
  const ended = await end(scenario);
  expect(reported(ended)).toEqual({ ...NOT_UP, guest_status: '', error_code: 'cancelled' });
  expect(ended.log).toContain('The VM was restarted and verified; whether its guest is up is not known.');
  expect(commandsIn(ended.log).filter((line) => line.startsWith('::error'))).toHaveLength(1);
});
