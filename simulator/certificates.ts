// @peculiar/x509 throws without it.
import 'reflect-metadata';
import { createPrivateKey, type KeyObject, randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

x509.cryptoProvider.set(webcrypto);

/** A certificate with its key. */
export interface Issued {
  /** PEM. */
  readonly certificate: string;
  readonly key: KeyObject;
}

export interface Order {
  /** Common name. */
  readonly name: string;
  /** Names and IPv4 addresses of the server. */
  readonly hosts?: readonly string[];
  readonly algorithm?: Algorithm;
  readonly notAfter?: Date;
  /** Its extended key usage is for clients only, not for servers. */
  readonly forClients?: boolean;
}

/** `weak`: RSA with a key of 1,024 bits. */
export type Algorithm = 'RSA' | 'EC' | 'weak';

/** A private certificate authority. */
export interface Authority extends Issued {
  issue(order: Order): Promise<Issued>;
}

const RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  publicExponent: new Uint8Array([1, 0, 1]),
};
const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;

export async function createAuthority(
  name = 'Simulated CA',
  algorithm: 'RSA' | 'EC' = 'EC',
): Promise<Authority> {
  const { parameters, keys } = await createKeys(algorithm);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(),
    name: `CN=${name}`,
    signingAlgorithm: parameters,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });

  async function issue({
    name: subject,
    hosts = [],
    algorithm: kind = 'EC',
    notAfter,
    forClients = false,
  }: Order): Promise<Issued> {
    const own = await createKeys(kind);
    const issued = await x509.X509CertificateGenerator.create({
      ...validity(notAfter),
      subject: `CN=${subject}`,
      issuer: certificate.subject,
      publicKey: own.keys.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: parameters,
      extensions: [
        ...(hosts.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(hosts.map(alternativeName))]),
        ...(forClients ? [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])] : []),
      ],
    });
    return { certificate: `${issued.toString('pem')}\n`, key: await keyObject(own.keys.privateKey) };
  }

  return { certificate: `${certificate.toString('pem')}\n`, key: await keyObject(keys.privateKey), issue };
}

async function createKeys(algorithm: Algorithm) {
  const parameters = algorithm === 'EC' ? EC : { ...RSA, modulusLength: algorithm === 'weak' ? 1024 : 2048 };
  const keys = (await webcrypto.subtle.generateKey(parameters, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  return { parameters, keys };
}

function validity(notAfter = new Date(Date.now() + 365 * DAY_MS)) {
  const notBefore = new Date(Math.min(Date.now(), notAfter.getTime()) - DAY_MS);
  return { serialNumber: randomBytes(8).toString('hex'), notBefore, notAfter };
}

function alternativeName(host: string): { type: 'ip' | 'dns'; value: string } {
  return { type: /^[\d.]+$/.test(host) ? 'ip' : 'dns', value: host };
}

async function keyObject(key: webcrypto.CryptoKey): Promise<KeyObject> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

/** PKCS#8 as PEM, which every client can read. */
export function privatePem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
