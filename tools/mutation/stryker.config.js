/** How Stryker plants its mistakes; main.ts says where. */
export default {
  testRunner: 'jest',
  testRunnerNodeArgs: ['--experimental-vm-modules'],
  jest: { configFile: 'tools/mutation/jest.config.js' },
  coverageAnalysis: 'perTest',
  // Each run of Jest leaves modules behind, which nothing frees: after hundreds, a process has gigabytes.
  maxTestRunnerReuse: 50,
  // On a busy machine a slow test is no endless loop.
  timeoutMS: 10_000,
  // Stryker would rewrite it with an API that TypeScript 7 does not have; and nothing here reads it.
  tsconfigFile: 'none',
  ignorePatterns: ['dist', 'docs', 'coverage', '.linters', '.stryker-tmp', 'reports'],
  incremental: true,
  reporters: ['clear-text', 'progress-append-only', 'html'],
  clearTextReporter: { reportTests: false, allowColor: false, reportScoreTable: false, logTests: false },
};
