import { expect, jest, test } from '@jest/globals';

test('the entry of the bundle catches signals before it loads the action, and runs it', async () => {
  const { signal } = new AbortController();
  const order: string[] = [];
  const main = jest.fn();
  const endProcessWithin = () => {};
  jest.unstable_mockModule('../src/process.ts', () => ({
    endProcessWithin,
    cancelOnSignals() {
      order.push('signals');
      return signal;
    },
  }));
  jest.unstable_mockModule('../src/main.ts', () => {
    order.push('main');
    return { main };
  });
  await import('../src/index.ts');
  expect(order).toEqual(['signals', 'main']);
  expect(main.mock.calls).toEqual([[signal, endProcessWithin]]);
});
