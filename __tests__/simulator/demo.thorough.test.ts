import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

test.each([
  ['vm', ['VM restarted', 'guest           up', 'runner          online']],
  ['fleet', ['12 of 12 VMs restarted']],
  ['pool', ['2 of 2 VMs restarted', 'Still registered at GitHub: none', '3 of 3 VMs restarted']],
])(
  'the demo %s ends well and shows what it did',
  async (scene, expected) => {
    const { stdout } = await promisify(execFile)(process.execPath, ['simulator/demo.ts', scene]);
    for (const text of expected) expect(stdout).toContain(text);
  },
  120_000,
);
