import { describe, expect, test } from '@jest/globals';
import { readList } from '../../src/controller/instances.ts';
import { UnusableAnswer } from '../../src/http/json.ts';
import { ID, wireInstance } from '../support/instances.ts';

describe('the list', () => {
  const BY_ID = { by: 'instance_id', id: ID } as const;
  const BY_EXTERNAL_ID = { by: 'external_id', id: 'runner-1' } as const;

  test.each([[undefined], [null], [[]]])('%p is an empty one', (body) => {
    expect(readList(body).matching(BY_ID)).toEqual([]);
  });

  test('that is not a list is unusable', () => {
    const reason = 'the instances are not a JSON array';
    expect(() => readList({ instances: [] }).matching(BY_ID)).toThrow(new UnusableAnswer(reason));
  });

  test('outer keys count before inner ones, unless they are null', () => {
    const vm = wireInstance({ external_id: 'inner', name: 'inner' });
    const found = [{ instanceId: ID, externalId: 'outer', name: 'inner' }];
    const body = [{ external_id: 'outer', instance_id: ID, name: null, vm }];
    expect(readList(body).matching(BY_ID)).toMatchObject(found);
    expect(readList(body).matching({ by: 'external_id', id: 'outer' })).toMatchObject(found);
    expect(readList(body).matching({ by: 'external_id', id: 'inner' })).toEqual([]);
  });

  test('the outer keys do if the inner ones are missing', () => {
    const vm = wireInstance({ external_id: undefined, instance_id: undefined, name: undefined });
    const body = [{ external_id: 'outer', instance_id: ID, name: 'outer', vm }];
    const found = [{ instanceId: ID, externalId: 'outer', name: 'outer' }];
    expect(readList(body).matching(BY_ID)).toMatchObject(found);
    expect(readList(body).matching({ by: 'external_id', id: 'outer' })).toMatchObject(found);
  });

  test('the inner keys do if the outer ones are missing', () => {
    for (const target of [BY_ID, BY_EXTERNAL_ID]) {
      expect(readList([{ vm: wireInstance() }]).matching(target)).toMatchObject([
        { instanceId: ID, externalId: 'runner-1' },
      ]);
    }
  });

  test('what does not match is passed over, readable or not', () => {
    const others = [
      null,
      7,
      {},
      { vm: null },
      { vm: {} },
      { vm: wireInstance({ instance_id: 'other', external_id: 'other' }) },
    ];
    expect(readList([...others, { vm: wireInstance() }]).matching(BY_EXTERNAL_ID)).toHaveLength(1);
  });

  test('an instance that is listed twice is one', () => {
    expect(readList([{ vm: wireInstance() }, { vm: wireInstance() }]).matching(BY_EXTERNAL_ID)).toHaveLength(
      1,
    );
  });

  test('two instances of one external ID are both found', () => {
    const other = wireInstance({ instance_id: 'other' });
    const found = readList([{ vm: wireInstance() }, { vm: other }]).matching(BY_EXTERNAL_ID);
    expect(found.map(({ instanceId }) => instanceId)).toEqual([ID, 'other']);
  });

  test.each<[string, unknown, string]>([
    ['in other letters', 'Runner-1', 'runner-1'],
    ['that is a number', 7, '7'],
    ['that is missing', undefined, 'undefined'],
  ])('an external ID %s is another', (_, external_id, id) => {
    expect(readList([{ vm: wireInstance({ external_id }) }]).matching({ by: 'external_id', id })).toEqual([]);
  });

  const NO_ID = 'the instance has no usable instance_id';

  test.each<[string, unknown, string]>([
    ['without a state', { vm: wireInstance({ instance_state: null }) }, 'the instance has no instance_state'],
    ['without an ID', { vm: wireInstance({ instance_id: null }) }, NO_ID],
    ['with an ID that is none', { vm: wireInstance({ instance_id: '\ud800' }) }, NO_ID],
    ['with an ID that begins badly', { vm: wireInstance({ instance_id: ' id' }) }, NO_ID],
    ['with an ID that ends badly', { vm: wireInstance({ instance_id: 'id/' }) }, NO_ID],
    ['with an ID that is too long', { vm: wireInstance({ instance_id: 'x'.repeat(101) }) }, NO_ID],
    [
      'with two IDs',
      { instance_id: 'other', vm: wireInstance() },
      'an instance in the list has two different IDs',
    ],
  ])('a match %s makes it unusable: it might be another one, too', (_, item, reason) => {
    expect(() => readList([item, { vm: wireInstance() }]).matching(BY_EXTERNAL_ID)).toThrow(
      new UnusableAnswer(reason),
    );
  });
});

describe('a list', () => {
  const other = wireInstance({ instance_id: ID.replace('c2', 'd2'), external_id: 'runner-2' });

  test('has what can be read', () => {
    const broken = { vm: wireInstance({ instance_state: null }) };
    const list = readList([broken, { vm: other }, { vm: other }, 'nothing']);
    expect(list.readable().map(({ externalId }) => externalId)).toEqual(['runner-2']);
    expect(list.matching({ by: 'external_id', id: 'runner-2' })).toHaveLength(1);
    expect(list.matching({ by: 'external_id', id: 'runner-3' })).toEqual([]);
  });

  test('is searched by either spelling of an ID, the outer one or the inner', () => {
    const list = readList([{ instance_id: ID.toUpperCase(), vm: wireInstance() }, { vm: other }]);
    const found = list.matching({ by: 'instance_id', id: ID });
    expect(found.map(({ instanceId }) => instanceId)).toEqual([ID.toUpperCase()]);
  });

  test('is read once, even if it is searched often', () => {
    const [first] = readList([{ vm: other }]).readable();
    const list = readList([{ vm: other }]);
    const target = { by: 'external_id', id: 'runner-2' } as const;
    expect(list.matching(target)[0]).toBe(list.matching(target)[0]);
    expect(first).toEqual(list.readable()[0]);
  });

  test('does not hide a bug', () => {
    const hostile = {
      get vm(): unknown {
        return {
          instance_id: ID,
          get instance_state() {
            throw new TypeError('of null');
          },
        };
      },
    };
    expect(() => readList([hostile]).readable()).toThrow(TypeError);
  });
});
