// `@actions/core` loads an HTTP client, and a whole undici with it, to ask for OIDC tokens. This action never does, so it need not be
// loaded with each start, nor be in the bundle. `@actions/github` has a client of its own.

export class HttpClient {
  constructor() {
    throw new Error('there is no HTTP client for @actions/core in this bundle');
  }
}

export class BearerCredentialHandler {}
