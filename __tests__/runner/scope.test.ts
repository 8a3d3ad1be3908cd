import { describe, expect, test } from '@jest/globals';
import { describeScope, fittingToken, mayServe, parseScope, type Scope } from '../../src/runner/scope.ts';

const REPOSITORY: Scope = { kind: 'repository', owner: 'octo-org', repo: 'app.ios' };
const ORGANIZATION: Scope = { kind: 'organization', org: 'octo-org' };
const ENTERPRISE: Scope = { kind: 'enterprise', enterprise: 'octo-corp' };

describe('a scope is read', () => {
  test.each<[string, Scope]>([
    ['octo-org/app.ios', REPOSITORY],
    ['octo-org', ORGANIZATION],
    ['enterprises/octo-corp', ENTERPRISE],
    ['mona_corp', { kind: 'organization', org: 'mona_corp' }],
  ])('%s', (text, scope) => {
    expect(parseScope(text)).toEqual(scope);
  });

  test.each([
    '',
    '/',
    'a/',
    '/b',
    'a/b/c',
    'enterprises/',
    'enterprises/a/b',
    'a b',
    'a/..',
    'a/.',
    '../b',
    'a?x=1',
    '-a',
  ])('%j is none', (text) => {
    expect(parseScope(text)).toBeUndefined();
  });
});

test.each<[Scope, string, string]>([
  [REPOSITORY, 'repository octo-org/app.ios', '"Administration: read"'],
  [ORGANIZATION, 'organisation octo-org', '"Self-hosted runners: read"'],
  [ENTERPRISE, 'enterprise octo-corp', 'manage_runners:enterprise'],
])('%#: has a name and a token that fits', (scope, name, permission) => {
  expect(describeScope(scope)).toBe(name);
  expect(fittingToken(scope)).toContain(permission);
  expect(fittingToken(scope)).toContain('GITHUB_TOKEN cannot');
});

test.each<[Scope, string, boolean]>([
  [REPOSITORY, 'Octo-Org/App.iOS', true],
  [REPOSITORY, 'octo-org/other', false],
  [REPOSITORY, 'other/app.ios', false],
  [ORGANIZATION, 'octo-ORG/anything', true],
  [ORGANIZATION, 'other/app', false],
  [ENTERPRISE, 'whoever/app', true],
])('%j may serve %s: %p', (scope, repository, expected) => {
  expect(mayServe(scope, repository)).toBe(expected);
});
