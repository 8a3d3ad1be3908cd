import { execFileSync } from 'node:child_process';
import { relative, sep } from 'node:path';
import { expect, test } from '@jest/globals';

test('the runs find the tests of the sources, and only those', () => {
  const options = ['--config', 'tools/mutation/jest.config.js', '--listTests'];
  const listed = execFileSync(process.execPath, ['node_modules/jest/bin/jest.js', ...options], {
    encoding: 'utf8',
  });
  const tests = listed
    .trim()
    .split('\n')
    .map((path) => relative('.', path).replaceAll(sep, '/'));
  expect(tests).toContain('__tests__/clock.test.ts');
  expect(tests).toContain('__tests__/http/retry.test.ts');
  expect(tests).not.toContain('__tests__/architecture.test.ts');
});
