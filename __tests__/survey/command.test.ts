import { describe, expect, test } from '@jest/globals';
import { readCommand, USAGE } from '../../survey/command.ts';

const ID = 'c2af6080-3ae3-4cd3-64e5-2193f31b9aa5';
const URL_OPTION = ['--controller-url', 'http://controller.example:8090'];

function read(args: readonly string[], environment: Record<string, string> = {}) {
  const secrets: string[] = [];
  const command = readCommand(
    [...URL_OPTION, ...args],
    environment,
    (...found) => void secrets.push(...found),
  );
  if (command === 'help') throw new Error('help');
  return { ...command, reported: secrets };
}

test('the defaults', () => {
  expect(read([])).toMatchObject({
    instanceId: undefined,
    restarts: false,
    isConfirmed: false,
    watchMs: 60_000,
    out: 'anka-survey',
    inputs: { identity: { kind: 'none' }, timeoutMs: 300_000, runner: undefined },
  });
});

test('the given options', () => {
  const command = read([
    '--instance-id',
    ID.toUpperCase(),
    '--restart',
    '--yes',
    '--for',
    '5m',
    '--out',
    '/tmp/x',
  ]);
  expect(command).toMatchObject({ restarts: true, isConfirmed: true, watchMs: 300_000, out: '/tmp/x' });
  expect(command.inputs.targets).toEqual([{ by: 'instance_id', id: ID }]);
});

test('secrets, and every other input, come from the environment', () => {
  const command = read([], { INPUT_ROOT_TOKEN: 'root-hunter2', INPUT_TIMEOUT: '7m', INPUT_INSTANCE_ID: ID });
  expect(command.inputs).toMatchObject({ identity: { kind: 'root_token' }, timeoutMs: 420_000 });
  expect(command.instanceId).toBe(ID);
  expect(command.reported).toContain('root-hunter2');
  expect(command.secrets).toEqual(command.reported);
});

test('the command line takes precedence over the environment', () => {
  const command = read(['--instance-id', ID], {
    INPUT_CONTROLLER_URL: 'http://other.example',
    INPUT_INSTANCE_ID: 'x',
  });
  expect(command.inputs.controllerUrl.host).toBe('controller.example:8090');
  expect(command.instanceId).toBe(ID);
});

test('a runner, and where it is', () => {
  const command = read(['--runner-name', 'mac-7', '--runner-scope', 'octo-org'], {
    INPUT_GITHUB_TOKEN: 'ghp_hunter2',
  });
  expect(command.inputs.runner).toMatchObject({
    nameTemplate: 'mac-7',
    scope: { kind: 'organization', org: 'octo-org' },
  });
});

test('a dry run would prove nothing about a restart', () => {
  expect(read([], { INPUT_DRY_RUN: 'true' }).inputs.dryRun).toBe(false);
});

describe('what makes no sense', () => {
  test.each<[readonly string[], string]>([
    [['--frobnicate'], "Unknown option '--frobnicate'"],
    [['surplus'], "Unexpected argument 'surplus'"],
    [['--for', 'ever'], '--for: "ever" is not a time'],
    [['--for', '2h'], '--for: "2h" is not between 1s and 1h'],
    [['--restart', '--yes'], '--restart needs --instance-id'],
    [['--instance-id', 'mac'], 'instance_id: "mac" is not a UUID'],
    [
      ['--instance-id', 'c2af6080-3ae3-4cd3-64e5-2193f31b9aa5\nc2af6080-3ae3-4cd3-64e5-2193f31b9aa6'],
      '--instance-id takes one VM only',
    ],
    [['--runner-name', 'mac', '--runner-scope', 'octo-org'], 'github_token: it is empty'],
    [['--controller-url', 'controller'], 'controller_url: "controller" is not of the form'],
  ])('%j', (args, message) => {
    expect(() => read(args)).toThrow(message);
  });
});

test('--help', () => {
  expect(readCommand(['--help'], {}, () => {})).toBe('help');
  expect(readCommand(['-h'], {}, () => {})).toBe('help');
  expect(USAGE).toContain('npm run survey');
});
