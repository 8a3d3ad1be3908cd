/** What all projects share. */
export const common = {
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': ['@swc/jest', { jsc: { target: 'es2024', parser: { syntax: 'typescript' } } }] },
  testPathIgnorePatterns: ['<rootDir>/.stryker-tmp/'],
  restoreMocks: true,
};

const THOROUGH = '\\.thorough\\.test\\.ts$';
const NETWORK = '/__tests__/network/';
const WORKFLOWS = '/__tests__/workflows/';

/** Tests of the sources only: neither as a process nor as text. */
export const unit = {
  testMatch: ['**/__tests__/**/*.test.ts'],
  testPathIgnorePatterns: [
    '/__tests__/(network|workflows|bundle|simulation|fuzz|simulator|survey|tools)/',
    '/__tests__/(architecture|ci).test.ts',
  ],
};

/**
 * `quick` is what `npm test` runs; `thorough` takes minutes; `unit` runs on any system. `network` needs nginx, squid and sshd; `workflows` needs
 * what tools/linters/install installs.
 */
export default {
  projects: [
    {
      ...common,
      displayName: 'quick',
      testMatch: ['**/__tests__/**/*.test.ts'],
      testPathIgnorePatterns: [...common.testPathIgnorePatterns, THOROUGH, NETWORK, WORKFLOWS],
    },
    { ...common, displayName: 'thorough', testMatch: ['**/__tests__/**/*.thorough.test.ts'] },
    { ...common, displayName: 'network', testMatch: ['**/__tests__/network/*.test.ts'] },
    {
      ...common,
      ...unit,
      displayName: 'unit',
      testPathIgnorePatterns: [...common.testPathIgnorePatterns, ...unit.testPathIgnorePatterns],
    },
    { ...common, displayName: 'workflows', testMatch: ['**/__tests__/workflows/*.test.ts'] },
  ],
  collectCoverageFrom: ['src/**/*.ts'],
  coverageThreshold: { global: { statements: 100, branches: 100, functions: 100, lines: 100 } },
  testTimeout: 30_000,
  // Most of the time processes wait for simulated heartbeats.
  maxWorkers: 6,
};
