import { randomInt } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Reaction } from '../../simulator/controller-api.ts';
import { leakedInto } from '../fuzz/check.ts';
import { nastyText } from '../fuzz/nasty.ts';
import { CONTROLLER_ORIGIN as CONTROLLER } from '../simulation/stage.ts';
import { type EndedSurvey, playSurvey } from '../support/virtual-survey.ts';

// Users attach the report to an issue, so it must not contain any name.

const SECRETS = {
  INPUT_ROOT_TOKEN: 'root-hunter2/<&>"?-token',
  INPUT_VNC_PASSWORD: "vnc+hunter2='::##[",
  INPUT_HEADERS: 'X-Gateway-Key: gateway-hunter2~key',
} as const;
const HIDDEN = [SECRETS.INPUT_ROOT_TOKEN, SECRETS.INPUT_VNC_PASSWORD, 'gateway-hunter2~key'];
const ACCESS = { rootToken: SECRETS.INPUT_ROOT_TOKEN };

function textsOf({ report, lines }: EndedSurvey): { report: string[]; progress: string[] } {
  return { report: [report.markdown, report.json], progress: [...lines] };
}

/** All names, IDs and addresses of a world. */
function identifiersOf({ world }: EndedSurvey): string[] {
  const ofNodes = world.nodes.flatMap(({ id, name, ip }) => [id, name, ip]);
  const ofInstances = world.records.flatMap(({ instanceId, externalId, name, requestId, vm, template }) =>
    [
      instanceId,
      externalId,
      name,
      requestId,
      vm?.uuid,
      vm?.name,
      vm?.ip,
      vm?.vncPassword,
      template.id,
      template.name,
    ].flatMap((text) => text ?? []),
  );
  return [...ofNodes, ...ofInstances, new URL(CONTROLLER).hostname, String(world.records[0]?.vm?.sshPort)];
}

test('no secret, name, ID, address, host or port', async () => {
  const ended = await playSurvey({
    restarts: true,
    runners: true,
    guestBootMs: 5_000,
    access: ACCESS,
    environment: SECRETS,
    world: { nameStem: 'payroll', reassignsPorts: true, writesOldFields: true },
  });
  expect(ended.facts.restart?.restarted).toBe('true');
  expect(leakedInto(textsOf(ended).report, [...HIDDEN, ...identifiersOf(ended)])).toEqual([]);
});

describe('text from the controller', () => {
  const MARK = 'hunter2mark';
  const MOST_CHARACTERS = 5_000;
  const nasty = nastyText();

  /** Puts a text into many places: values, and the names of unknown fields. */
  function spoil(value: unknown, text: string): unknown {
    if (Array.isArray(value)) return value.map((item) => spoil(item, text));
    if (typeof value === 'object' && value !== null) {
      const spoilt = Object.entries(value).map(([name, held]) => [
        name,
        SPOILT.has(name) ? text : spoil(held, text),
      ]);
      return {
        ...Object.fromEntries(spoilt),
        [text]: { [text]: text },
        metadata: { [text]: text, owner_name: MARK },
      };
    }
    return value;
  }

  const SPOILT = new Set([
    'name',
    'external_id',
    'message',
    'vmid',
    'tag',
    'version',
    'agent_version',
    'node_name',
    'vlan',
    'license',
    'protocol',
  ]);

  test('the report contains nothing of it', async () => {
    const property = fc.asyncProperty(nasty, async (payload) => {
      // It occurs dozens of times in each answer. Longer texts would only take longer.
      const text = `${payload.slice(0, MOST_CHARACTERS)}${MARK}`;
      const change = (reaction: Reaction): Reaction => {
        const envelope: Record<string, unknown> = JSON.parse(reaction.body);
        return 'body' in envelope
          ? { ...reaction, body: JSON.stringify({ ...envelope, body: spoil(envelope['body'], text) }) }
          : reaction;
      };
      const ended = await playSurvey({ args: ['--for', '6s'], access: ACCESS, environment: SECRETS, change });
      expect(ended.facts.problem).toBeUndefined();
      const { report } = textsOf(ended);
      expect(leakedInto(report, [MARK, 'owner_name', ...HIDDEN])).toEqual([]);
      // Letters, digits and what the report itself is made of: no text from outside means anything in it.
      expect(ended.report.markdown).toMatch(/^[\w\s|#\-`'"*.,:;(){}$/?=+%≠[\]@&<>]*$/);
    });
    await fc.assert(property, { numRuns: 20, seed: randomInt(2 ** 31) });
  }, 60_000);

  test('unknown fields are shown by name if their names give nothing away', async () => {
    const { facts } = await playSurvey({
      args: ['--for', '5s'],
      access: ACCESS,
      environment: { ...SECRETS, INPUT_HEADERS: 'X-Key: gatewaykey_hunter' },
      change: (reaction) => ({
        ...reaction,
        body: reaction.body.replaceAll(
          '"instance_state":',
          '"boot_id":1,"gatewaykey_hunter":1,"made in 1999":1,"metadata":{"owner":"me"},"instance_state":',
        ),
      }),
    });
    const one = facts.fields.find(({ call }) => call === 'one');
    expect(one).toMatchObject({
      unknown: ['boot_id', 'metadata'],
      unnamed: { '? (number)': 2 },
      missing: [],
      otherKinds: [],
    });
  });
});

describe('a field that is called like something that was met is shown by its shape alone', () => {
  const TOKEN = 'alpha.bravo.charlie';

  test.each([
    ['a dotted name of a node', 'mac.zulu.local', 'mac.zulu.local'],
    ['a part of it', 'mac.zulu.local', 'zulu_state'],
    ['a part of a VM’s dotted name', 'payroll.yankee', 'yankee'],
    ['a name that holds one', 'payroll.yankee', 'mypayrollcount'],
    ['a word of a longer name', 'payroll-yankee', 'payroll'],
    ['the dotted root token', '', TOKEN],
    ['a part of the root token', '', 'bravo_count'],
    ['the root token in one word', '', 'alphaBravoCharlie'],
    ['a word of a message', '', 'unexpected'],
    ['what is no plain word', '', 'boot-id'],
  ])('%s', async (_, name, field) => {
    const { report, facts } = await playSurvey({
      args: ['--for', '2s'],
      access: { rootToken: TOKEN },
      environment: { INPUT_ROOT_TOKEN: TOKEN },
      world: name.startsWith('payroll') ? { nameStem: name } : {},
      prepare: (world) => {
        for (const node of world.nodes) if (name.startsWith('mac')) node.name = name;
        for (const record of world.records) record.message = 'Unexpected VM state';
      },
      change: (reaction) => ({
        ...reaction,
        body: reaction.body.replaceAll(
          '"instance_state":',
          `${JSON.stringify(field)}:"x","quaint_marker":1,"instance_state":`,
        ),
      }),
    });
    for (const text of [report.markdown, report.json]) expect(text).not.toContain(field);
    expect(facts.fields.find(({ call }) => call === 'one')).toMatchObject({
      unknown: ['quaint_marker'],
      unnamed: { '? (text)': 1 },
    });
  });
});

test.each([
  ['10.0.0.7', undefined],
  ['1.50.1-5e3c3f5b', '1.50.1'],
  ['v2.1', '2.1'],
  ['internal build', undefined],
])('of the version %s only its numbers count, if it is one', async (version, expected) => {
  const { facts } = await playSurvey({
    args: ['--for', '1s'],
    change: (reaction) => ({ ...reaction, body: reaction.body.replaceAll('1.50.1-5e3c3f5b', version) }),
  });
  expect(facts.version).toBe(expected);
});
