import { common, unit } from '../../jest.config.js';

/** What tells a mutant from the original in no time: one configuration, as Stryker would run the tests once for each of `projects`. */
export default {
  ...common,
  ...unit,
  rootDir: '..',
  roots: ['<rootDir>/src', '<rootDir>/__tests__', '<rootDir>/simulator'],
  runner: '<rootDir>/tools/mutation/nearest-tests-first.js',
  // None of them takes a second: one that hangs is a mistake that was noticed.
  testTimeout: 5_000,
  watchman: false,
};
