import { common, unit } from '../../jest.config.js';

/** The unit tests; main.ts picks those of a room. One configuration, because Stryker would run the tests once per project. */
export default {
  ...common,
  ...unit,
  rootDir: '../..',
  roots: ['<rootDir>/src', '<rootDir>/__tests__', '<rootDir>/simulator'],
  runner: '<rootDir>/tools/mutation/nearest-tests-first.js',
  // No test takes a second, so a test that hangs has detected a mistake.
  testTimeout: 5_000,
  watchman: false,
};
