import { afterAll, afterEach, beforeEach, expect } from '@jest/globals';
import nock from 'nock';

/** TLS as it is without any input about it. */
export const PLAIN = { ca: undefined, cert: undefined, key: undefined, rejectUnauthorized: true };

/**
 * In the tests of this file no request leaves the machine: nock answers.
 * @param close ends what a test has opened, before the answers that are left are dropped
 * @param expectsAll whether a test fails if it does not make each request that it has an answer for
 */
export function closeNetwork(close: () => Promise<void>, { expectsAll = false } = {}): void {
  beforeEach(() => nock.disableNetConnect());
  afterEach(async () => {
    await close();
    const pending = nock.pendingMocks();
    nock.abortPendingRequests();
    nock.cleanAll();
    if (expectsAll) expect(pending).toEqual([]);
  });
  afterAll(() => nock.restore());
}
