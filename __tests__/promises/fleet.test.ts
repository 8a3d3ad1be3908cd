import { expect, test } from '@jest/globals';
import { playFleet } from '../support/virtual-fleet.ts';

test('explore', async () => {
  for (const inputs of [
    { external_id: 'runner-*', max_parallel: '2' },
    { external_id: 'runner-*', max_parallel: '100%' },
    { external_id: 'runner-*' },
  ]) {
    const f = await playFleet({ inputs: inputs as Record<string, string> });
    console.log(
      JSON.stringify(inputs),
      f.seconds,
      f.ends,
      f.requests.map((r) => `${r.seconds.toFixed(2)} ${r.name} ${r.vm}`).join('\n'),
      f.lines.join('\n'),
      f.outputs,
    );
  }
  const f = await playFleet({ inputs: { external_id: 'runner-*', max_parallel: '2' }, github: {} });
  console.log(
    f.seconds,
    f.ends,
    f.requests.map((r) => `${r.seconds.toFixed(2)} ${r.name} ${r.vm}`).join('\n'),
    f.lines.join('\n'),
  );
  expect(1).toBe(1);
});
