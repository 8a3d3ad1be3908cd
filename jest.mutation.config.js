import base from './jest.config.js';

/** What tells a mutant from the original in no time: tests of the sources alone, neither as a process nor as a text. */
export default {
  ...base,
  testPathIgnorePatterns: ['/__tests__/(network|promises|proof|fuzz|simulator)/', '/__tests__/house.test.ts'],
  coverageThreshold: undefined,
  roots: ['<rootDir>/src', '<rootDir>/__tests__', '<rootDir>/simulator'],
  watchman: false,
};
