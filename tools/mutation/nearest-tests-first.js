import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { INSTRUMENTER_CONSTANTS } from '@stryker-mutator/api/core';
import TestRunner from 'jest-runner';

/**
 * Runs the tests of one mutant: the nearest file first, and none after the first failure. Jest would load every test file that imports the
 * mutated module, skip all tests in most of them, and continue after a failure: half a minute per mutant.
 */
export default class NearestTestsFirst extends TestRunner {
  async runTests(tests, watcher, options) {
    const { rootDir, nonFlagArgs, testNamePattern } = this._globalConfig;
    const names = createNames(rootDir);
    const isMutated = process.env[INSTRUMENTER_CONSTANTS.ACTIVE_MUTANT_ENV_VARIABLE] !== undefined;
    let hasFailed = false;
    this.on('test-file-success', ([{ path }, { numFailingTests, testResults }]) => {
      hasFailed ||= numFailingTests > 0;
      if (!isMutated) names.keep(path, testResults);
    });
    this.on('test-file-failure', () => {
      hasFailed = true;
    });
    const reaching = isMutated ? tests.filter(({ path }) => names.fit(path, testNamePattern)) : tests;
    const [mutated = ''] = nonFlagArgs;
    for (const test of nearestFirst(reaching, relative(rootDir, mutated))) {
      if (hasFailed && isMutated) return;
      await super.runTests([test], watcher, options);
    }
    if (!isMutated) names.write();
  }
}

/** For `src/http/retry.ts`: first `__tests__/http/retry.test.ts`. */
function nearestFirst(tests, mutated) {
  const own = `/__tests__/${mutated.replace(/^src\//, '').replace(/\.ts$/, '.test.ts')}`;
  return [...tests].sort((a, b) => Number(b.path.endsWith(own)) - Number(a.path.endsWith(own)));
}

/** Which tests are in which file. The first run, without a mutant, records this: later runs know only the names of the tests to run. */
function createNames(rootDir) {
  const file = join(rootDir, 'test-names.json');
  const found = {};
  let kept;
  return {
    keep(path, testResults) {
      found[path] = testResults.map(({ fullName }) => fullName);
    },
    write() {
      writeFileSync(file, JSON.stringify(found));
    },
    fit(path, pattern) {
      if (pattern === undefined) return true;
      kept ??= JSON.parse(readFileSync(file, 'utf8'));
      return kept[path]?.some((name) => new RegExp(pattern).test(name)) ?? true;
    },
  };
}
