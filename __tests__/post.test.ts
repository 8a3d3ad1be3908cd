import { expect, jest, test } from '@jest/globals';

test('the post step loads the action only if a killed step has left something', async () => {
  const load = jest.fn();
  jest.unstable_mockModule('../src/index.ts', () => {
    load();
    return {};
  });
  await import('../src/post.ts');
  expect(load).not.toHaveBeenCalled();
  jest.resetModules();
  process.env['STATE_drains'] = '[{"id":23}]';
  await import('../src/post.ts');
  delete process.env['STATE_drains'];
  expect(load).toHaveBeenCalledTimes(1);
});
