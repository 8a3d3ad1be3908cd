import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

/** PEM text as its authors meant it: a value pasted into a secret may have lost its line breaks to `\n` or CRLF. */
export function normalizePem(text: string): string {
  return `${text.replaceAll('\\n', '\n').replace(/\r\n?/g, '\n').trim()}\n`;
}

export function isPem(text: string): boolean {
  return /-----BEGIN [A-Z0-9 ]+-----/.test(text);
}

/** A value, or what is wrong, in words that give nothing of it away. */
export type Read<T> = { readonly value: T } | { readonly problem: string };

/** Certificates in a PEM text, one or more. */
export function readCertificates(pem: string): Read<readonly X509Certificate[]> {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) return { problem: 'it holds no certificate (-----BEGIN CERTIFICATE-----)' };
  try {
    return { value: blocks.map((block) => new X509Certificate(block)) };
  } catch {
    return { problem: `it holds ${blocks.length} certificates, of which at least one cannot be read` };
  }
}

/** A private key in PEM: PKCS#1, SEC1 or PKCS#8, encrypted or not. */
export function readPrivateKey(pem: string, passphrase?: string): Read<KeyObject> {
  const isEncrypted = /ENCRYPTED/.test(pem);
  if (isEncrypted && passphrase === undefined)
    return { problem: 'it is encrypted, and no passphrase is given' };
  try {
    return { value: createPrivateKey({ key: pem, ...(passphrase === undefined ? {} : { passphrase }) }) };
  } catch {
    return {
      problem: isEncrypted ? 'the passphrase does not open it' : 'it holds no private key that can be read',
    };
  }
}
