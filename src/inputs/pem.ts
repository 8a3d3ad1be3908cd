// Certificates and keys, given as PEM text or as the path of a file.

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { Form } from './form.ts';
import { optionalText, type Parsed } from './parsers.ts';

/** PEM text with normalized line breaks: in a value pasted into a secret, they may be `\n` or CRLF. */
function normalizePem(text: string): string {
  return `${text.replaceAll('\\n', '\n').replace(/\r\n?/g, '\n').trim()}\n`;
}

function isPem(text: string): boolean {
  return /-----BEGIN [A-Z0-9 ]+-----/.test(text);
}

/** Certificates in a PEM text, one or more. */
export function readCertificates(pem: string): Parsed<readonly X509Certificate[]> {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) return { problem: 'it contains no certificate (-----BEGIN CERTIFICATE-----)' };
  try {
    return { value: blocks.map((block) => new X509Certificate(block)) };
  } catch {
    return { problem: `it contains ${blocks.length} certificates, at least one of which cannot be read` };
  }
}

/** A private key in PEM: PKCS#1, SEC1 or PKCS#8, encrypted or not. */
export function readPrivateKey(pem: string, passphrase?: string): Parsed<KeyObject> {
  const isEncrypted = /ENCRYPTED/.test(pem);
  if (isEncrypted && passphrase === undefined)
    return { problem: 'it is encrypted, and no passphrase is given' };
  try {
    return { value: createPrivateKey({ key: pem, ...(passphrase === undefined ? {} : { passphrase }) }) };
  } catch {
    return {
      problem: isEncrypted ? 'the passphrase does not open it' : 'it contains no readable private key',
    };
  }
}

const LARGEST_PEM = 1024 * 1024;
/** Five times the longest keys. Limited, because each line is masked. In characters. */
const LARGEST_KEY = 20_000;

/** Reads PEM text, or a file of it. The input is never quoted: it may be a mangled key. */
export function readPem(form: Form, name: string): string | undefined {
  const given = form.read(name, optionalText)?.value;
  if (given === undefined) return undefined;
  const text = isPem(given) ? given : readSmallFile(given);
  if (text !== undefined && isPem(text)) return acceptPem(form, name, text);
  const what =
    text === undefined
      ? 'neither PEM text nor the path of a file that can be read'
      : 'a file without PEM text';
  form.problems.push(`${name}: it is ${what}`);
  return undefined;
}

/** The same for an API key, which the controller returns as bare base64 (DER, without the lines of PEM). */
export function readApiKeyPem(form: Form, name: string): string | undefined {
  const given = form.read(name, optionalText)?.value ?? '';
  const text = bareBase64(given) === undefined ? (readSmallFile(given) ?? '') : given;
  const bare = bareBase64(text);
  if (bare === undefined) return readPem(form, name);
  form.onSecret(text, bare);
  const pem = pemOf(bare);
  if (pem !== undefined) return acceptPem(form, name, pem);
  form.problems.push(`${name}: it is base64, but not of a private key`);
  return undefined;
}

function acceptPem({ problems, onSecret }: Form, name: string, text: string): string | undefined {
  const pem = normalizePem(text);
  if (!/PRIVATE KEY/.test(pem)) return pem;
  if (text.length > LARGEST_KEY) {
    problems.push(
      `${name}: ${text.length} characters with a private key among them; at most ${LARGEST_KEY} are allowed`,
    );
    return undefined;
  }
  // Certificate and key may be mixed up: any text with a key is a secret.
  onSecret(text, pem, pem.replace(/-----.*?-----|\s/g, ''));
  return pem;
}

/** Base64 that is too long to be a path; undefined for anything else. Not its URL-safe alphabet, to which the dashes of PEM belong. */
function bareBase64(text: string): string | undefined {
  const compact = text.replace(/\\n|\s+/g, '');
  return compact.length <= LARGEST_KEY && /^[A-Za-z0-9+/]{300,}={0,2}$/.test(compact) ? compact : undefined;
}

function pemOf(bare: string): string | undefined {
  const key = Buffer.from(bare, 'base64');
  // PKCS#8 comes first: Node also reads it as PKCS#1, and would then export it as that, so that the given form would not be masked.
  for (const type of ['pkcs8', 'pkcs1'] as const) {
    try {
      return createPrivateKey({ key, format: 'der', type }).export({ type, format: 'pem' }).toString();
    } catch {
      // It may be of the other type.
    }
  }
  return undefined;
}

function readSmallFile(path: string): string | undefined {
  try {
    const status = statSync(path);
    return status.isFile() && status.size <= LARGEST_PEM ? readFileSync(path, 'utf8') : undefined;
  } catch {
    return undefined;
  }
}
