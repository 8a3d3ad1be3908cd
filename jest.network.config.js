import base from './jest.config.js';

/** Against a real nginx and a real squid, which have to be installed. */
export default { ...base, testMatch: ['**/__tests__/network/**/*.test.ts'], testPathIgnorePatterns: [] };
