// The repository, organization or enterprise where a runner is registered.

export interface RepositoryScope {
  readonly kind: 'repository';
  readonly owner: string;
  readonly repo: string;
}

export type Scope =
  | RepositoryScope
  | { readonly kind: 'organization'; readonly org: string }
  | { readonly kind: 'enterprise'; readonly enterprise: string };

const ENTERPRISES = 'enterprises/';
const OWNER = /^[A-Za-z0-9][\w-]{0,99}$/;
const REPO = /^(?!\.{1,2}$)[\w.-]{1,100}$/;

/** Reads `owner/repo`, an organization's name, or `enterprises/NAME`; undefined for anything else. */
export function parseScope(text: string): Scope | undefined {
  if (text.startsWith(ENTERPRISES)) {
    const enterprise = text.slice(ENTERPRISES.length);
    return OWNER.test(enterprise) ? { kind: 'enterprise', enterprise } : undefined;
  }
  const slash = text.indexOf('/');
  if (slash < 0) return OWNER.test(text) ? { kind: 'organization', org: text } : undefined;
  const [owner, repo] = [text.slice(0, slash), text.slice(slash + 1)];
  return OWNER.test(owner) && REPO.test(repo) ? { kind: 'repository', owner, repo } : undefined;
}

/** For messages, e.g. `repository octo-org/app`. */
export function describeScope(scope: Scope): string {
  switch (scope.kind) {
    case 'repository':
      return `repository ${scope.owner}/${scope.repo}`;
    case 'organization':
      return `organization ${scope.org}`;
    case 'enterprise':
      return `enterprise ${scope.enterprise}`;
  }
}

/** For a route of octokit, which has no methods for enterprises. */
export function runnersPath(scope: Scope): { path: string; parameters: Readonly<Record<string, string>> } {
  switch (scope.kind) {
    case 'repository': {
      const { owner, repo } = scope;
      return { path: '/repos/{owner}/{repo}/actions/runners', parameters: { owner, repo } };
    }
    case 'organization':
      return { path: '/orgs/{org}/actions/runners', parameters: { org: scope.org } };
    case 'enterprise': {
      const { enterprise } = scope;
      return { path: '/enterprises/{enterprise}/actions/runners', parameters: { enterprise } };
    }
  }
}

/** The tokens that can read the runners of a scope. The GITHUB_TOKEN of a job never can. */
const TOKENS: Readonly<Record<Scope['kind'], string>> = {
  repository:
    'a fine-grained token or an app\'s with the repository permission "Administration: read", or a classic one with the scope repo',
  organization:
    'a fine-grained token or an app\'s with the organization permission "Self-hosted runners: read", or a classic one with the scope admin:org',
  enterprise: 'a classic token with the scope manage_runners:enterprise',
};

/** The tokens that can change the labels of a scope's runners. */
const CHANGING_TOKENS: Readonly<Record<Scope['kind'], string>> = {
  repository: 'the repository permission "Administration: write", or the scope repo of a classic token',
  organization:
    'the organization permission "Self-hosted runners: write", or the scope admin:org of a classic token',
  enterprise: 'a classic token with the scope manage_runners:enterprise',
};

/** The permission that `drain` needs, for hints. */
export function changingToken({ kind }: Scope): string {
  return `Draining runners requires ${CHANGING_TOKENS[kind]}.`;
}

/** Which kind of token works, for hints. */
export function fittingToken({ kind }: Scope): string {
  return `It takes ${TOKENS[kind]}; GITHUB_TOKEN cannot read runners.`;
}

/** The repository whose jobs to read: the scope's if it is one, otherwise the workflow's (`owner/repo`). Undefined if neither is known. */
export function repositoryOf(scope: Scope, workflowRepository: string): RepositoryScope | undefined {
  const repository = scope.kind === 'repository' ? scope : parseScope(workflowRepository);
  return repository?.kind === 'repository' ? repository : undefined;
}

/** Whether a runner of the scope may run jobs of the repository (`owner/repo`). An enterprise may own any repository. */
export function mayServe(scope: Scope, repository: string): boolean {
  const [owner, repo] = repository.toLowerCase().split('/');
  switch (scope.kind) {
    case 'repository':
      return scope.owner.toLowerCase() === owner && scope.repo.toLowerCase() === repo;
    case 'organization':
      return scope.org.toLowerCase() === owner;
    case 'enterprise':
      return true;
  }
}
