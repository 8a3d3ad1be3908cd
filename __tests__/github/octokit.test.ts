import { expect, jest, test } from '@jest/globals';
import { createToken } from '../../src/github/github-client.ts';
import { exactly } from '../../src/github/runner-names.ts';
import type { Transport } from '../../src/http/transport.ts';
import {
  bounds,
  clock,
  debugged,
  failure,
  faults,
  github,
  JSON_TYPE,
  listed,
  ONE,
  onGitHub,
  RUNNERS,
  runners,
  runnersOver,
  TOKEN,
  useNock,
} from '../support/nock-github.ts';
import { idle, wireRunner } from '../support/runners.ts';

useNock();

test('errors that hold the request go no further', async () => {
  onGitHub().get(ONE).reply(500, { message: 'x' });
  const error = await failure(runners.getRunner(23, { ...bounds, deadline: clock.now() + 400 }));
  const whole = [error, error.cause].map((each) =>
    JSON.stringify(each, Object.getOwnPropertyNames(each ?? {})),
  );
  expect(whole.join()).not.toContain(TOKEN);
  expect(error.cause).toBeUndefined();
});

test('wraps a defect of the transport, which is not an answer from GitHub', async () => {
  const defect = new TypeError('bug');
  const broken: Transport = {
    send: () => Promise.reject(defect),
    close: async () => {},
    renewConnections() {},
  };
  await expect(runnersOver(broken).getRunner(23, bounds)).rejects.toBe(defect);
});

test('a defect while an answer is read is not an answer of GitHub', async () => {
  onGitHub().get(RUNNERS).query(true).reply(200, listed());
  const defect = new TypeError('bug');
  const client = github.clientWith([createToken('github_token', TOKEN)]);
  const question = {
    route: `GET ${RUNNERS}`,
    parameters: {},
    access: { subject: '', permission: '', input: '' },
  };
  const read = () => {
    throw defect;
  };
  await expect(client.ask({ ...bounds, ...question, read })).rejects.toBe(defect);
});

test('stumbles over some answers, which may be better the next time', async () => {
  onGitHub().get(ONE).reply(500, '{"id":12345678901234567890}', JSON_TYPE);
  onGitHub().get(ONE).reply(200, wireRunner());
  expect(await runners.getRunner(23, bounds)).toEqual(idle);
  expect(faults).toEqual([
    expect.stringMatching(/^it answered with something that octokit cannot read: .*BigInt/),
  ]);
});

test('says what the server made it say to the debug log alone', async () => {
  const headers = { deprecation: 'true', sunset: '::error::owned', link: '<x>; rel="deprecation"' };
  onGitHub().get(ONE).reply(200, wireRunner(), headers);
  const said = jest.spyOn(console, 'warn');
  await runners.getRunner(23, bounds);
  expect(debugged).toEqual([expect.stringMatching(/is deprecated.* removed on ::error::owned\. See x$/)]);
  expect(said).not.toHaveBeenCalled();
});

test('and there without the query, which may hold what the controller sent', async () => {
  const list = { total_count: 1, runners: [wireRunner()] };
  onGitHub().get(RUNNERS).query(true).reply(200, list, { deprecation: 'true' });
  await runners.listRunners(exactly('hunter2 &'), bounds);
  expect(debugged.filter((line) => line.includes('deprecated'))).toEqual([
    expect.stringMatching(/"GET https:[^?]*\/actions\/runners\?\.\.\." is deprecated/),
  ]);
  expect(debugged.join()).not.toContain('hunter2');
});
