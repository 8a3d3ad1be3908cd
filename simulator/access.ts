import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Access } from './authentication.ts';
import { createAuthority, privatePem } from './certificates.ts';
import type { ServerOptions } from './server.ts';

export interface AccessOptions {
  readonly rootToken: string | undefined;
  /** The ID of a user API key; its key pair is created. */
  readonly apiKeyId: string | undefined;
  readonly sessionTtlMs: number;
  /** When the API key expires, in milliseconds since the epoch; never if absent. */
  readonly keyExpiresAt?: number | undefined;
  /** Whether API keys lack the permission to restart. */
  readonly deniesRestarts?: boolean;
  readonly secretLength?: number | undefined;
  readonly tls: boolean;
  /** Whether clients need a certificate. */
  readonly mtls: boolean;
}

export interface PreparedAccess {
  readonly access: Access;
  readonly secure: ServerOptions['secure'];
  /** The inputs for a step; files are in their own folder. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Deletes the folder. */
  cleanUp(): void;
}

/** Creates keys and certificates, in files that only this user can read. */
export async function prepareAccess({
  rootToken,
  apiKeyId,
  sessionTtlMs,
  tls,
  mtls,
  keyExpiresAt,
  deniesRestarts = false,
  secretLength,
}: AccessOptions): Promise<PreparedAccess> {
  const folder = mkdtempSync(join(tmpdir(), 'anka-simulator-'));
  const inputs: Record<string, string> = {};
  const save = (input: string, content: string) => {
    inputs[input] = join(folder, `${input}.pem`);
    writeFileSync(inputs[input], content, { mode: 0o600 });
  };

  if (rootToken !== undefined) inputs['root_token'] = rootToken;
  const apiKey =
    apiKeyId === undefined
      ? undefined
      : { id: apiKeyId, ...generateKeyPairSync('rsa', { modulusLength: 2048 }) };
  if (apiKey !== undefined) {
    inputs['api_key_id'] = apiKey.id;
    save('api_key', apiKey.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString());
  }
  const secure = tls || mtls ? await prepareTls(mtls, save) : undefined;
  const access = {
    sessionTtlMs,
    ...(rootToken === undefined ? {} : { rootToken }),
    ...(apiKey && { apiKey: { ...apiKey, ...(keyExpiresAt !== undefined && { expiresAt: keyExpiresAt }) } }),
    ...(deniesRestarts && { deniedToUsers: ['POST /api/v1/rpc/vm/restart'] }),
    ...(secretLength && { secretLength }),
  };
  return { access, secure, inputs, cleanUp: () => rmSync(folder, { recursive: true, force: true }) };
}

async function prepareTls(mtls: boolean, save: (input: string, content: string) => void) {
  const authority = await createAuthority();
  const server = await authority.issue({ name: 'Simulated controller', hosts: ['localhost', '127.0.0.1'] });
  save('ca_cert', authority.certificate);
  const identity = { cert: server.certificate, key: privatePem(server.key) };
  if (!mtls) return identity;
  const client = await authority.issue({ name: 'Simulated client' });
  save('client_cert', client.certificate);
  save('client_key', privatePem(client.key));
  return { ...identity, ca: authority.certificate, requestCert: true };
}
