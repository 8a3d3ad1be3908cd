import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';

interface Job {
  readonly needs?: readonly string[];
  readonly if?: string;
  readonly steps: readonly { readonly run?: string }[];
}

const { jobs }: { jobs: Record<string, Job> } = parse(readFileSync('.github/workflows/ci.yml', 'utf8'));
const { all, ...others } = jobs;

describe('the CI job that must pass before a merge', () => {
  test('requires every other job, and runs even if one fails', () => {
    expect([...(all?.needs ?? [])].sort()).toEqual(Object.keys(others).sort());
    expect(all?.if).toBe('always()');
  });

  test.each([
    ['success success success', 0],
    ['success failure success', 1],
    ['success success cancelled', 1],
    ['skipped success success', 1],
    ['', 1],
  ])('ends on %j with exit code %i', (results, exitCode) => {
    const script = all?.steps[0]?.run ?? '';
    const { status } = spawnSync('bash', ['-e', '-c', script], {
      env: { PATH: process.env['PATH'], RESULTS: results },
    });
    expect(status).toBe(exitCode);
  });
});
