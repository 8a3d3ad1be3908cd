import { expect, test } from '@jest/globals';
import { createClaims } from '../../src/fleet/claims.ts';
import { instance } from '../support/instances.ts';

const [FIRST, SECOND] = ['a0000000-0000-4000-8000-000000000000', 'b0000000-0000-4000-8000-000000000000'];
const first = instance({ instanceId: FIRST, name: 'mac' });
const second = instance({ instanceId: SECOND, name: 'MAC' });
const MEMBERS = { 'mac-1': { name: 'mac-1' }, 'mac-2': { name: 'mac-2' }, 'mac-3': { name: 'mac-3' } };
const nameOf = ({ name = '' }: { name?: string | undefined }) => name;

test('a VM is one target, however often it is asked for', () => {
  const claim = createClaims(undefined);
  claim(MEMBERS['mac-1'], first);
  claim(MEMBERS['mac-1'], first);
  claim(MEMBERS['mac-2'], second);
  expect(() => claim(MEMBERS['mac-3'], { ...first, instanceId: FIRST.toUpperCase() })).toThrow(
    expect.objectContaining({
      code: 'ambiguous_target',
      message: `Instance ${FIRST.toUpperCase()} is one VM with "mac-1", which is restarted already.`,
      hint: 'Name each VM once.',
    }),
  );
});

test('two members of one name are two all the same', () => {
  const claim = createClaims(undefined);
  claim({ name: 'mac' }, first);
  expect(() => claim({ name: 'mac' }, first)).toThrow('is one VM with "mac"');
});

test('of several VMs whose runner would be the same none is restarted, as nobody knows whose it is', () => {
  const claim = createClaims(nameOf);
  claim(MEMBERS['mac-1'], first);
  claim(MEMBERS['mac-1'], first);
  const ambiguous = expect.objectContaining({
    code: 'ambiguous_target',
    message: expect.stringContaining(`would be the runner of several VMs: instances ${FIRST}, ${SECOND}.`),
    hint: expect.stringContaining('{external_id}'),
  });
  expect(() => claim(MEMBERS['mac-2'], second)).toThrow(ambiguous);
  expect(() => claim(MEMBERS['mac-1'], first)).toThrow(ambiguous);
});

test('runners with names of their own are nobody else’s', () => {
  const claim = createClaims(nameOf);
  claim(MEMBERS['mac-1'], first);
  claim(MEMBERS['mac-2'], { ...second, name: 'mac-2' });
  expect(() => claim(MEMBERS['mac-1'], first)).not.toThrow();
});
