import { expect, test } from '@jest/globals';
import nock from 'nock';
import {
  bounds,
  failure,
  faults,
  JSON_TYPE,
  labels,
  ONE,
  onGitHub,
  useNock,
} from '../support/nock-github.ts';
import { wireRunner } from '../support/runners.ts';

useNock();

test.each<[unknown]>([
  [wireRunner({ labels: undefined })],
  [wireRunner({ labels: [{ name: 'macos' }] })],
  [wireRunner({ labels: [{ type: 'custom' }] })],
  [wireRunner({ labels: ['macos'] })],
  [['no runner']],
])('the labels are read again if one of them is missing: %j', async (damaged) => {
  const whole = [{ id: 5, name: 'macos', type: 'custom' }];
  const date = { date: 'Wed, 01 Jul 2026 12:00:00 GMT' };
  onGitHub()
    .get(ONE)
    .reply(200, JSON.stringify(damaged), { ...date, ...JSON_TYPE });
  onGitHub()
    .get(ONE)
    .reply(200, wireRunner({ labels: whole }), date);
  expect(await labels.read(23, bounds)).toEqual({
    labels: [{ name: 'macos', type: 'custom' }],
    date: Date.parse('2026-07-01T12:00:00Z'),
  });
  expect(faults).toEqual(['it answered with a runner whose labels cannot be read']);
});

test('a runner that is gone has no labels', async () => {
  onGitHub().get(ONE).reply(404, { message: 'Not Found' });
  expect(await labels.read(23, bounds)).toBeUndefined();
});

test('labels that GitHub does not date cannot be used: a drain must expire', async () => {
  onGitHub().get(ONE).reply(200, wireRunner());
  expect(await failure(labels.read(23, bounds))).toMatchObject({
    code: 'github_api_failed',
    message: 'GitHub answered without a Date, so no label can carry an expiry time.',
  });
});

test('one label is added or removed, and the others stay', async () => {
  onGitHub()
    .post(`${ONE}/labels`, { labels: ['a/b'] })
    .reply(200, { labels: [] });
  onGitHub().delete(`${ONE}/labels/a%2Fb`).reply(200, { labels: [] });
  await labels.add(23, 'a/b', bounds);
  await labels.remove(23, 'a/b', bounds);
  expect(nock.isDone()).toBe(true);
});

test('removing a label that is gone is not an error; adding one to a runner that is gone is', async () => {
  onGitHub().delete(`${ONE}/labels/a`).reply(404, { message: 'Not Found' });
  await labels.remove(23, 'a', bounds);
  onGitHub().post(`${ONE}/labels`).times(20).reply(404, { message: 'Not Found' });
  expect((await failure(labels.add(23, 'a', bounds))).message).toMatch(
    /^GitHub does not find the labels of the self-hosted runners of repository octo-org\/app with github_token: HTTP 404/,
  );
});
