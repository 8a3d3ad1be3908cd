/** What all projects share. */
const common = {
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': ['@swc/jest', { jsc: { target: 'es2024', parser: { syntax: 'typescript' } } }] },
  testPathIgnorePatterns: ['<rootDir>/.stryker-tmp/'],
  restoreMocks: true,
};

const THOROUGH = '\\.thorough\\.test\\.ts$';
const NETWORK = '/__tests__/network/';

/** `quick` is what `npm test` runs; `thorough` takes minutes; `network` needs nginx and squid. */
export default {
  projects: [
    {
      ...common,
      displayName: 'quick',
      testMatch: ['**/__tests__/**/*.test.ts'],
      testPathIgnorePatterns: [...common.testPathIgnorePatterns, THOROUGH, NETWORK],
    },
    { ...common, displayName: 'thorough', testMatch: ['**/__tests__/**/*.thorough.test.ts'] },
    { ...common, displayName: 'network', testMatch: ['**/__tests__/network/*.test.ts'] },
  ],
  collectCoverageFrom: ['src/**/*.ts'],
  coverageThreshold: { global: { statements: 100, branches: 100, functions: 100, lines: 100 } },
  testTimeout: 30_000,
  // Most of the time goes by while processes wait for simulated heartbeats.
  maxWorkers: 4,
};

/** What tells a mutant from the original in no time: tests of the sources alone, neither as a process nor as a text. */
export const mutation = {
  ...common,
  testMatch: ['**/__tests__/**/*.test.ts'],
  testPathIgnorePatterns: [
    '/__tests__/(network|promises|proof|fuzz|simulator|bench|survey)/',
    '/__tests__/house.test.ts',
  ],
  roots: ['<rootDir>/src', '<rootDir>/__tests__', '<rootDir>/simulator'],
  testTimeout: 30_000,
  watchman: false,
};
