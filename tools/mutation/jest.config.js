import { common, unit } from '../../jest.config.js';

/** The tests that tell a mutant from the original quickly. One configuration, because Stryker would run the tests once per project. */
export default {
  ...common,
  ...unit,
  rootDir: '..',
  roots: ['<rootDir>/src', '<rootDir>/__tests__', '<rootDir>/simulator'],
  runner: '<rootDir>/tools/mutation/nearest-tests-first.js',
  // None of them takes a second, so a test that hangs has noticed a mistake.
  testTimeout: 5_000,
  watchman: false,
};
