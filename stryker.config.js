import { mutation } from './jest.config.js';

/** `npm run mutate`: does a test fail for every plausible mistake? docs/mutation.md tells what is left and why. */
export default {
  mutate: ['src/**/*.ts'],
  testRunner: 'jest',
  testRunnerNodeArgs: ['--experimental-vm-modules'],
  jest: { projectType: 'custom', config: mutation },
  coverageAnalysis: 'perTest',
  // On a busy machine a slow test is no endless loop.
  timeoutMS: 10_000,
  // Stryker would rewrite it with an API that TypeScript 7 does not have; and nothing here reads it.
  tsconfigFile: 'none',
  ignorePatterns: ['dist', 'docs', 'coverage', '.judges', '.stryker-tmp'],
  incremental: true,
  incrementalFile: 'reports/mutation.json',
  reporters: ['clear-text', 'progress-append-only', 'html'],
  clearTextReporter: { reportTests: false, allowColor: false },
  htmlReporter: { fileName: 'reports/mutation.html' },
  thresholds: { high: 100, low: 95, break: 95 },
};
