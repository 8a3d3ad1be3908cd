import { describe, expect, test } from '@jest/globals';
import { leakedInto } from '../fuzz/check.ts';
import { runSurvey } from '../support/survey-process.ts';
import { secretsOf, WAYS, type Way } from '../support/ways.ts';

// `npm run survey` as a process over real connections, with each way to authenticate.

const SHORT = ['--for', '15s'];

describe('ways in', () => {
  const CASES: readonly [string, Record<string, unknown>][] = [
    ['the root token', { scheme: 'http', authentication: 'root_token' }],
    ['an API key', { scheme: 'http', authentication: 'api_key' }],
    ['a private CA', { scheme: 'https', authentication: 'none', hasOwnCa: true }],
    ['a client certificate', { scheme: 'https', hasClientCertificate: true }],
    ['a tunnel through a proxy', { scheme: 'https', hasProxy: true }],
  ];

  test.each(CASES)(
    '%s',
    async (name, setting) => {
      const way = await WAYS[name]?.();
      if (way === undefined) throw new Error(`there is no way called ${name}`);
      const { exitCode, stdout, stderr, written } = await runSurvey({ args: SHORT, way });
      const secrets = secretLines(way);
      way.cleanUp?.();
      expect(stderr).toContain('Written to');
      expect(exitCode).toBe(0);
      expect(written?.facts.setting).toMatchObject(setting);
      expect(written?.facts.httpVersion).toBe('HTTP/1.1');
      expect(leakedInto([stdout, stderr, written?.json ?? ''], secrets)).toEqual([]);
    },
    60_000,
  );

  /** The lines of key files. The first and the last line are not secret. */
  function secretLines(way: Way): string[] {
    const lines = secretsOf(way).flatMap((secret) => secret.split('\n'));
    return lines.filter((line) => line.length >= 8 && !line.startsWith('-----'));
  }
});
