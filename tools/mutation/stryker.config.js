/** How Stryker makes its mistakes; main.ts says where. */
export default {
  testRunner: 'jest',
  testRunnerNodeArgs: ['--experimental-vm-modules'],
  jest: { configFile: 'tools/mutation/jest.config.js' },
  coverageAnalysis: 'perTest',
  // Each Jest run leaks modules: after hundreds of runs a process has gigabytes.
  maxTestRunnerReuse: 50,
  // On a busy machine a slow test must not count as an endless loop.
  timeoutMS: 10_000,
  // Stryker would rewrite it with an API that TypeScript 7 lacks, and nothing here reads it.
  tsconfigFile: 'none',
  ignorePatterns: ['dist', 'docs', 'coverage', '.linters', '.stryker-tmp', 'reports'],
  incremental: true,
  reporters: ['clear-text', 'progress-append-only', 'html'],
  clearTextReporter: { reportTests: false, allowColor: false, reportScoreTable: false, logTests: false },
};
