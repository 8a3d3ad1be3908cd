import { describe, expect, test } from '@jest/globals';
import {
  changingToken,
  describeScope,
  fittingToken,
  mayServe,
  parseScope,
  repositoryOf,
  type Scope,
} from '../../src/github/scope.ts';

const REPOSITORY: Scope = { kind: 'repository', owner: 'octo-org', repo: 'app.ios' };
const ORGANIZATION: Scope = { kind: 'organization', org: 'octo-org' };
const ENTERPRISE: Scope = { kind: 'enterprise', enterprise: 'octo-corp' };

describe('a scope is read', () => {
  test.each<[string, Scope]>([
    ['octo-org/app.ios', REPOSITORY],
    ['octo-org', ORGANIZATION],
    ['enterprises/octo-corp', ENTERPRISE],
    ['mona_corp', { kind: 'organization', org: 'mona_corp' }],
    ['7'.repeat(100), { kind: 'organization', org: '7'.repeat(100) }],
    ['A', { kind: 'organization', org: 'A' }],
    ['enterprise', { kind: 'organization', org: 'enterprise' }],
    ['a/..b', { kind: 'repository', owner: 'a', repo: '..b' }],
    ['a/...', { kind: 'repository', owner: 'a', repo: '...' }],
    [`a/${'b'.repeat(100)}`, { kind: 'repository', owner: 'a', repo: 'b'.repeat(100) }],
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
    'a ',
    '-a/b',
    'a /b',
    'a/ b',
    'a/b ',
    'enterprises/-a',
    'enterprises/a ',
    'x'.repeat(101),
    `a/${'b'.repeat(101)}`,
  ])('%j is none', (text) => {
    expect(parseScope(text)).toBeUndefined();
  });
});

test.each<[Scope, string, string]>([
  [
    REPOSITORY,
    'repository octo-org/app.ios',
    'a fine-grained token or an app\'s with the repository permission "Administration: read", or a classic one with the scope repo',
  ],
  [
    ORGANIZATION,
    'organization octo-org',
    'a fine-grained token or an app\'s with the organization permission "Self-hosted runners: read", or a classic one with the scope admin:org',
  ],
  [ENTERPRISE, 'enterprise octo-corp', 'a classic token with the scope manage_runners:enterprise'],
])('%#: has a name and a token that fits', (scope, name, token) => {
  expect(describeScope(scope)).toBe(name);
  expect(fittingToken(scope)).toBe(`It takes ${token}; GITHUB_TOKEN cannot read runners.`);
});

test.each<[Scope, string, boolean]>([
  [REPOSITORY, 'Octo-Org/App.iOS', true],
  [{ kind: 'repository', owner: 'Octo-Org', repo: 'App' }, 'octo-org/app', true],
  [{ kind: 'organization', org: 'Octo-Org' }, 'octo-org/app', true],
  [REPOSITORY, 'octo-org/other', false],
  [REPOSITORY, 'other/app.ios', false],
  [ORGANIZATION, 'octo-ORG/anything', true],
  [ORGANIZATION, 'other/app', false],
  [ENTERPRISE, 'any-owner/app', true],
])('%j may serve %s: %p', (scope, repository, expected) => {
  expect(mayServe(scope, repository)).toBe(expected);
});

test.each<[Scope, string, Scope | undefined]>([
  [REPOSITORY, 'octo-org/other', REPOSITORY],
  [ORGANIZATION, 'octo-org/app', { kind: 'repository', owner: 'octo-org', repo: 'app' }],
  [ENTERPRISE, 'octo-org/app', { kind: 'repository', owner: 'octo-org', repo: 'app' }],
  [ORGANIZATION, '', undefined],
  [ENTERPRISE, 'octo-org', undefined],
])('the jobs that are read for %j in a workflow of "%s"', (scope, repository, expected) => {
  expect(repositoryOf(scope, repository)).toEqual(expected);
});

test.each<[Scope, string]>([
  [REPOSITORY, 'the repository permission "Administration: write", or the scope repo of a classic token'],
  [
    ORGANIZATION,
    'the organization permission "Self-hosted runners: write", or the scope admin:org of a classic token',
  ],
  [ENTERPRISE, 'a classic token with the scope manage_runners:enterprise'],
])('a drain of %j needs a token that can change labels', (scope, needed) => {
  expect(changingToken(scope)).toBe(`Draining runners requires ${needed}.`);
});
