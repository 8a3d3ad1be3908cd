import { describe, expect, test } from '@jest/globals';
import { ActionError } from '../../src/errors.ts';
import { type Inputs, readInputs, wantsJobSummary } from '../../src/inputs/inputs.ts';
import { duration, HOUR, MINUTE, SECOND } from '../../src/inputs/parsers.ts';
import { ID } from '../support/instances.ts';

type Given = Readonly<Record<string, string>>;

const VALID: Given = { controller_url: 'http://controller.example:8090', instance_id: ID };

function variablesFor(given: Given): Record<string, string> {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]),
  );
}

function read(given: Given, onSecret: (...secrets: readonly string[]) => void = () => {}): Inputs {
  return readInputs(variablesFor(given), onSecret);
}

function problemsOf(given: Given): string {
  try {
    read(given);
  } catch (error) {
    if (error instanceof ActionError && error.code === 'invalid_input') return error.message;
    throw error;
  }
  return 'none';
}

test('what is not given has its default', () => {
  expect(read(VALID)).toEqual({
    controllerUrl: new URL('http://controller.example:8090'),
    targets: [{ by: 'instance_id', id: ID }],
    maxVms: 2_000,
    maxParallel: { count: 1 },
    maxFailures: { count: 0 },
    vncPassword: undefined,
    usbDevice: undefined,
    timeoutMs: 300_000,
    requestTimeoutMs: 10_000,
    pollInterval: 'auto',
    dryRun: false,
    headers: {},
    identity: { kind: 'none' },
    tls: { ca: undefined, cert: undefined, key: undefined, rejectUnauthorized: true },
    proxy: undefined,
    ownRunner: { runnerName: undefined, repository: '' },
    warnings: [],
  });
});

test('a blank input counts as not given', () => {
  const blank = {
    external_id: ' ',
    vnc_password: '\n',
    usb_device: '  ',
    timeout: '',
    poll_interval: ' ',
    dry_run: '',
  };
  expect(read({ ...VALID, ...blank })).toEqual(read(VALID));
});

test('the inputs cannot be changed afterwards', () => {
  expect(Object.isFrozen(read(VALID))).toBe(true);
});

/** Rows with a title: the value, cut to a readable length. */
function titled<T>(
  rows: readonly [name: string, value: string, expected: T][],
): [string, T, string, string][] {
  return rows.map(([name, value, expected]) => [
    `${name}: ${JSON.stringify(value).slice(0, 80)}`,
    expected,
    name,
    value,
  ]);
}

describe('several VMs', () => {
  const OTHER = ID.replace('c2', 'd2');
  const one = { controller_url: VALID['controller_url'] ?? '' };
  const byId = (id: string) => ({ by: 'instance_id', id });
  const external = (id: string) => ({ by: 'external_id', id });
  const defaults = { maxParallel: { count: 1 }, maxFailures: { count: 0 } };

  test.each<[Given, unknown[]]>([
    [{ instance_id: `${ID}\n${OTHER}` }, [byId(ID), byId(OTHER)]],
    [{ instance_id: `\r\n ${OTHER.toUpperCase()} \r\n\r\n${ID}\n${OTHER}\n` }, [byId(OTHER), byId(ID)]],
    [{ external_id: 'b\n a a \nb\rc' }, [external('b'), external('a a'), external('c')]],
    [{ external_id: 'mac-*' }, [external('mac-*')]],
  ])('%j', (given, targets) => {
    expect(read({ ...one, ...given })).toMatchObject({ targets, ...defaults });
  });

  test.each<[Given]>([[{ instance_id: `${ID}\n${ID.toUpperCase()}\n` }], [{ external_id: 'a\na' }]])(
    'named twice are one: %j',
    (given) => {
      expect(read({ ...one, ...given }).targets).toHaveLength(1);
    },
  );

  test.each([
    ['3', { count: 3 }],
    [' 25% ', { share: 0.25 }],
    ['100 %', { share: 1 }],
    ['99999', { count: 99_999 }],
  ])('max_parallel, max_failures: %s', (amount, expected) => {
    const inputs = read({ ...one, external_id: '*', max_parallel: amount, max_failures: amount });
    expect([inputs.maxParallel, inputs.maxFailures]).toEqual([expected, expected]);
  });

  test('are at most as many as max_vms says', () => {
    expect(['1', ' 300 ', '2000'].map((max_vms) => read({ ...VALID, max_vms }).maxVms)).toEqual([
      1, 300, 2_000,
    ]);
    for (const max_vms of ['0', '2001', '-1', '1.5', '10%', 'all'])
      expect(problemsOf({ ...VALID, max_vms })).toContain(
        `- max_vms: "${max_vms}" must be a whole number from 1 to 2000`,
      );
  });

  test('may fail, all or none', () => {
    const amounts = ['0', '0%'].map(
      (max_failures) => read({ ...one, external_id: '*', max_failures }).maxFailures,
    );
    expect(amounts).toEqual([{ count: 0 }, { share: 0 }]);
  });

  describe('used by jobs', () => {
    const used = {
      ...one,
      ...{ used_by_job: 'test (14)\n caller / job \ntest (14)', runner_name: '{external_id}' },
      ...{ github_token: 'hunter2', runner_scope: 'octo-org' },
    };

    test('are those of the run, but for the job of the step itself', () => {
      const own = { runId: 17, runnerName: 'GitHub Actions 7' };
      const environment = { GITHUB_RUN_ID: '17', RUNNER_NAME: 'GitHub Actions 7' };
      const read = (run_id: string) =>
        readInputs({ ...environment, ...variablesFor({ ...used, run_id }) }, () => {});
      const patterns = ['test (14)', 'caller / job'];
      expect(read('')).toMatchObject({ targets: [], usedByJob: { patterns, runId: 17, own } });
      expect(read(' 18 ').usedByJob).toEqual({ patterns, runId: 18, own });
    });

    test('may be as many and have names as long as GitHub allows', () => {
      const names = Array.from({ length: 200 }, (_, index) => `${index}`.padEnd(1_000, 'x'));
      const given = { ...used, run_id: '17', used_by_job: names.join('\n') };
      expect(read(given).usedByJob?.patterns).toEqual(names);
    });

    test.each<[string, Given]>([
      ['run_id: it is blank, and GITHUB_RUN_ID is not set', {}],
      ['run_id: "x" is not the ID of a workflow run', { run_id: 'x' }],
      ['run_id: "0" is not the ID of a workflow run', { run_id: '0' }],
      ['run_id: "1e3" is not the ID of a workflow run', { run_id: '1e3' }],
      ['run_id: "0x11" is not the ID of a workflow run', { run_id: '0x11' }],
      ['run_id: "-17" is not the ID of a workflow run', { run_id: '-17' }],
      ['run_id: "17.0" is not the ID of a workflow run', { run_id: '17.0' }],
      ['run_id: "99999999999999999" is not the ID', { run_id: '99999999999999999' }],
      ['used_by_job: a text of 1001 characters is longer than 1000', { used_by_job: 'x'.repeat(1_001) }],
      [
        'used_by_job: 201 lines; at most 200 are allowed',
        { used_by_job: Array.from({ length: 201 }, (_, index) => `job ${index}`).join('\n') },
      ],
      ['used_by_job, runner_name: give runner_name with a placeholder', { runner_name: '' }],
      ['runner_name: several VMs cannot have the same runner', { runner_name: 'mac-7' }],
    ])('%s', (problem, given) => {
      expect(problemsOf({ ...used, ...given })).toContain(`- ${problem}`);
    });
  });

  test('cannot have the same runner', () => {
    const guarded = { ...one, external_id: 'mac-*', github_token: 'hunter2', runner_scope: 'octo-org' };
    expect(problemsOf({ ...guarded, runner_name: 'mac-7' })).toContain(
      '- runner_name: several VMs cannot have the same runner',
    );
    expect(problemsOf({ ...guarded, runner_name: 'mac-{name}' })).toBe('none');
  });
});

describe('what is taken', () => {
  test.each(
    titled<Partial<Inputs>>([
      ['instance_id', ` ${ID.toUpperCase()} `, { targets: [{ by: 'instance_id', id: ID }] }],
      [
        'controller_url',
        'https://gate.example/anka/',
        { controllerUrl: new URL('https://gate.example/anka/') },
      ],
      ['controller_url', 'HTTP://[::1]:8090', { controllerUrl: new URL('http://[::1]:8090') }],
      [
        'controller_url',
        ' http://controller.example ',
        { controllerUrl: new URL('http://controller.example') },
      ],
      [
        'controller_url',
        `http://host/${'x'.repeat(1_988)}`,
        { controllerUrl: new URL(`http://host/${'x'.repeat(1_988)}`) },
      ],
      ['vnc_password', ' two words \n', { vncPassword: ' two words ' }],
      ['vnc_password', 'abcd', { vncPassword: 'abcd' }],
      ['vnc_password', 'x'.repeat(1_000), { vncPassword: 'x'.repeat(1_000) }],
      ['vnc_password', `xx\nyy${'\r\n'.repeat(120_000)}`, { vncPassword: 'xx\nyy' }],
      ['usb_device', ' iPhone 15 ', { usbDevice: 'iPhone 15' }],
      ['timeout', '90', { timeoutMs: 90_000 }],
      ['timeout', '90s', { timeoutMs: 90_000 }],
      ['timeout', ' 1.5 m ', { timeoutMs: 90_000 }],
      ['timeout', '24h', { timeoutMs: 86_400_000 }],
      ['timeout', '10.25', { timeoutMs: 10_250 }],
      ['timeout', '10.125s', { timeoutMs: 10_125 }],
      ['timeout', '10s', { timeoutMs: 10_000 }],
      ['request_timeout', '0.1', { requestTimeoutMs: 100 }],
      ['request_timeout', '10m', { requestTimeoutMs: 600_000 }],
      ['poll_interval', ' auto ', { pollInterval: 'auto' }],
      ['poll_interval', '0.2s', { pollInterval: 200 }],
      ['dry_run', ' true ', { dryRun: true }],
      ['dry_run', 'True', { dryRun: true }],
      ['dry_run', 'TRUE', { dryRun: true }],
      ['dry_run', 'false', { dryRun: false }],
      ['dry_run', 'False', { dryRun: false }],
      ['dry_run', 'FALSE', { dryRun: false }],
    ]),
  )('%s', (_, expected, name, value) => {
    expect(read({ ...VALID, [name]: value })).toMatchObject(expected);
  });

  test('an external_id instead of an instance_id', () => {
    const given = { controller_url: VALID['controller_url'] ?? '', external_id: ' runner 7 ' };
    expect(read(given).targets).toEqual([{ by: 'external_id', id: 'runner 7' }]);
    const longest = 'x'.repeat(500);
    expect(read({ ...given, external_id: longest }).targets).toEqual([{ by: 'external_id', id: longest }]);
  });
});

describe('what is refused', () => {
  test.each(
    titled<string>([
      [
        'controller_url',
        '',
        'it is required; give http(s)://host[:port][/prefix], such as https://controller.example.com:8090',
      ],
      [
        'controller_url',
        'controller.example:8090',
        '"controller.example:8090" is not of the form http(s)://host[:port][/prefix], such as https://',
      ],
      ['controller_url', 'xhttp://host', '"xhttp://host" is not of the form'],
      ['controller_url', 'http://host/a b', '"http://host/a b" is not of the form'],
      ['controller_url', 'http://:hunter2@host', '"http://***@host" carries credentials'],
      ['controller_url', `http://host/${'x'.repeat(1_989)}`, 'a text of 2001 characters is longer than 2000'],
      ['controller_url', 'ftp://controller.example', '"ftp://controller.example" is not of the form'],
      ['controller_url', 'http://', '"http://" is not of the form'],
      ['controller_url', 'http://a b', '"http://a b" is not of the form'],
      ['controller_url', 'http://host:99999', 'is not of the form'],
      ['controller_url', 'http://me:hunter2@host', '"http://***@host" carries credentials'],
      ['controller_url', 'http://me@host', '"http://***@host" carries credentials'],
      ['controller_url', 'me:hunt/er2@host', '"***@host" is not of the form'],
      ['controller_url', 'http://host/?token=hunter2', '"http://host/?..." has a query'],
      [
        'controller_url',
        'https://host/#/instances?group=hunter2',
        '"https://host/?..." has a query or a fragment, as in a browser; give only the base address',
      ],
      [
        'controller_url',
        `http://${'/'.repeat(120_000)}a`,
        'a text of 120008 characters is longer than 2000 characters',
      ],
      ['headers', 'x'.repeat(16_001), '16001 characters in 1 lines; at most 16000 in 100 are allowed'],
      ['vnc_password', 'hunter2'.repeat(150), '1050 characters; at most 1000 are allowed'],
      ['vnc_password', 'abc\n', '3 characters; a secret has at least 4, or it could not be masked'],
      ['client_key_passphrase', 'x', '1 characters; a secret has at least 4, or it could not be masked'],
      ['github_token', 'abc', '3 characters; a secret has at least 4, or it could not be masked'],
      ['instance_id', 'my-vm', '"my-vm" is not a UUID'],
      ['instance_id', `${ID}, ${ID}`, 'is not a UUID'],
      ['instance_id', `${ID}\nmy-vm`, '"my-vm" is not a UUID'],
      ['max_parallel', '0', '"0" must be a number from 1, or a share of all such as 25%'],
      ['max_parallel', '0%', 'must be a number from 1, or'],
      ['max_parallel', '101%', 'must be a number from 1, or'],
      ['max_parallel', '2.5', 'must be a number from 1, or'],
      ['max_parallel', '-1', 'must be a number from 1, or'],
      ['max_parallel', '123456', 'must be a number from 1, or'],
      ['max_failures', 'none', '"none" must be a number from 0, or a share of all such as 25%'],
      ['external_id', 'x'.repeat(501), 'a text of 501 characters is longer than 500'],
      ['vnc_password', 'x'.repeat(1_001), '1001 characters; at most 1000 are allowed'],
      ['timeout', ' soon ', '"soon" is not a time; write seconds, or a number with s, m or h, such as 90s'],
      ['timeout', 'x'.repeat(200), `"${'x'.repeat(200)}" is not a time`],
      ['timeout', 'x'.repeat(201), 'a text of 201 characters is not a time'],
      ['timeout', '0.9', '"0.9" is not between 10s and 24h'],
      ['timeout', '1.1234', '"1.1234" is not a time'],
      ['timeout', '5', '"5" is not between 10s and 24h; did you mean 5m?'],
      ['timeout', '9.9', '"9.9" is not between 10s and 24h'],
      ['guest_timeout', '5', '"5" is not between 10s and 24h; did you mean 5m?'],
      ['timeout', '25h', '"25h" is not between 10s and 24h'],
      ['timeout', '-5', '"-5" is not a time'],
      ['timeout', '1e3', '"1e3" is not a time'],
      ['timeout', '5 minutes', '"5 minutes" is not a time'],
      ['timeout', 'NaN', '"NaN" is not a time'],
      ['request_timeout', '0', '"0" is not between 0.1s and 10m'],
      ['poll_interval', '0.1', '"0.1" is not between 0.2s and 10m; or auto'],
      ['dry_run', 'yes', '"yes" is neither true nor false'],
      ['job_summary', 'constructor', '"constructor" is neither true nor false'],
    ]),
  )('%s', (_, problem, name, value) => {
    expect(problemsOf({ ...VALID, [name]: value })).toContain(`${name}: `);
    expect(problemsOf({ ...VALID, [name]: value })).toContain(problem);
    expect(problemsOf({ ...VALID, [name]: value })).not.toContain('hunter2');
  });

  test('both an instance_id and an external_id', () => {
    expect(problemsOf({ ...VALID, external_id: 'x' })).toContain(
      'instance_id, external_id, used_by_job: instance_id and external_id are given; give exactly one',
    );
    expect(problemsOf({ ...VALID, instance_id: 'y', external_id: 'x' })).toMatch(
      /"y" is not a UUID.*\n- .*instance_id and external_id are given; give exactly one/,
    );
  });

  test('neither an instance_id nor an external_id', () => {
    expect(problemsOf({ ...VALID, instance_id: '' })).toContain('none is given; give exactly one');
  });

  test('used_by_job beside another target', () => {
    const given = { ...VALID, used_by_job: 'test', external_id: 'x' };
    expect(problemsOf(given)).toContain(
      'instance_id and external_id and used_by_job are given; give exactly',
    );
  });

  test('with a hint at where to fix it', () => {
    expect(() => read({ ...VALID, timeout: 'soon' })).toThrow(
      expect.objectContaining({ hint: "Correct the inputs under the step's with:." }),
    );
  });

  test.each([
    ['instance_id', (index: number) => `${String(index).padStart(8, '0')}${ID.slice(8)}`],
    ['external_id', (index: number) => `mac-${index}`],
  ])('more than 2,000 of %s', (name, nameOf) => {
    const lines = (count: number) => Array.from({ length: count }, (_, index) => nameOf(index)).join('\n');
    const given = { ...VALID, instance_id: '' };
    expect(problemsOf({ ...given, [name]: lines(2_001) })).toContain(
      `${name}: 2001 lines; at most 2000 are allowed in one step`,
    );
    expect(() => read({ ...given, [name]: lines(2_000) })).not.toThrow();
  });

  test('with all problems at once', () => {
    expect(problemsOf({ instance_id: 'x', timeout: 'y', dry_run: 'z' })).toMatch(
      /^4 inputs are invalid:\n- controller_url: .*\n- instance_id: "x".*\n- timeout: "y".*\n- dry_run: "z".*$/,
    );
  });
});

test.each([
  [90 * MINUTE, '1.5h'],
  [HOUR, '1h'],
  [HOUR / 2, '30m'],
])('a limit of %i ms is shown as %s', (max, limit) => {
  const problem = `"1000h" is not between 1s and ${limit}`;
  expect(duration({ min: SECOND, max })('1000h')).toEqual({ problem });
});

test.each([
  ['1', '; did you mean 1m?'],
  ['2', ''],
  ['0.5', ''],
  ['1s', ''],
  ['0', ''],
  ['600', ''],
])('minutes are suggested where they would fit: %s%s', (text, guess) => {
  const problem = `"${text}" is not between 5s and 1m${guess}`;
  expect(duration({ min: 5 * SECOND, max: MINUTE })(text)).toEqual({ problem });
});

test.each([
  ['1', MINUTE, HOUR, '; did you mean 1m?'],
  ['60', 2 * MINUTE, HOUR, '; did you mean 60m?'],
  ['61', 2 * MINUTE, HOUR, ''],
])('%s may be meant in minutes up to the limits', (text, min, max, guess) => {
  expect(duration({ min, max })(text)).toEqual({
    problem: expect.stringMatching(new RegExp(`h${guess.replace('?', '\\?')}$`)),
  });
});

test.each([
  ['10s', ['timeout is 10.0 s: that is barely enough to prove a restart, because nodes report every 5 s.']],
  ['14.999s', ['timeout is 15.0 s: that is barely enough']],
  ['15s', []],
])('a timeout of %s is warned of if it is short', (timeout, warnings) => {
  expect(read({ ...VALID, timeout }).warnings).toEqual(
    warnings.map((warning) => expect.stringContaining(warning)),
  );
});

test('a text without a number is not a time, even if 0 is one', () => {
  expect(duration({ min: 0, max: HOUR })('0')).toEqual({ value: 0 });
  expect(duration({ min: 0, max: HOUR })('soon')).toHaveProperty('problem');
});

describe('guest_check', () => {
  test.each([
    ['', '', undefined],
    ['none', '90s', undefined],
    ['ssh', '', { timeoutMs: 300_000 }],
    ['ssh', '90s', { timeoutMs: 90_000 }],
    ['ssh', '24h', { timeoutMs: 86_400_000 }],
  ])('"%s" with guest_timeout "%s"', (guest_check, guest_timeout, guest) => {
    expect(read({ ...VALID, guest_check, guest_timeout }).guest).toEqual(guest);
  });

  test.each([
    ['vnc', '', /\n- guest_check: [^\n]*$/],
    ['sshd', '', /\n- guest_check: [^\n]*$/],
    ['ssh', '0.5s', /\n- guest_timeout: [^\n]*$/],
    ['ssh', '25h', /\n- guest_timeout: [^\n]*$/],
    ['none', 'soon', /\n- guest_timeout: [^\n]*$/],
  ])('"%s" with guest_timeout "%s" is refused', (guest_check, guest_timeout, problem) => {
    expect(problemsOf({ ...VALID, guest_check, guest_timeout })).toMatch(problem);
  });
});

test('the default is to write a job summary', () => {
  expect(wantsJobSummary({})).toBe(true);
});

test.each([
  ['', true],
  ['true', true],
  ['False', false],
  ['perhaps', true],
])('job_summary %j, whatever else is wrong: %p', (job_summary, expected) => {
  expect(wantsJobSummary({ INPUT_JOB_SUMMARY: job_summary })).toBe(expected);
});

test('secrets are reported even if other inputs are invalid', () => {
  const secrets: string[] = [];
  expect(() =>
    read({ timeout: 'soon', vnc_password: 'hunter2' }, (...all) => secrets.push(...all)),
  ).toThrow();
  expect(secrets).toEqual(['hunter2']);
});
