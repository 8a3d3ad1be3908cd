export default {
  testMatch: ['**/__tests__/**/*.test.ts'],
  // These need programs that have to be installed: see jest.network.config.js.
  testPathIgnorePatterns: ['/__tests__/network/', '<rootDir>/.stryker-tmp/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': ['@swc/jest', { jsc: { target: 'es2024', parser: { syntax: 'typescript' } } }] },
  collectCoverageFrom: ['src/**/*.ts'],
  coverageThreshold: { global: { statements: 100, branches: 100, functions: 100, lines: 100 } },
  restoreMocks: true,
  testTimeout: 30_000,
};
