import { expect, test } from '@jest/globals';
import { createVmLog } from '../src/log.ts';

test('each line starts with the name; while quiet, info goes to the debug log', () => {
  const lines: string[] = [];
  const write = (kind: string) => (line: string) => void lines.push(`${kind} ${line}`);
  const log = { info: write('info'), debug: write('debug'), warning: write('warning') };
  let isQuiet = false;
  const own = createVmLog(log, 'mac-7', () => isQuiet);
  for (const quiet of [false, true]) {
    isQuiet = quiet;
    for (const tell of [own.info, own.debug, own.warning]) tell('x');
  }
  createVmLog(log, 'mac-8').info('y');
  expect(lines).toEqual([
    'info mac-7: x',
    'debug mac-7: x',
    'warning mac-7: x',
    'debug mac-7: x',
    'debug mac-7: x',
    'warning mac-7: x',
    'info mac-8: y',
  ]);
});
