import { types } from 'node:util';
import { isTimeout } from '../clock.ts';
import { causeChain, codeOf, describeCause } from '../errors.ts';
import type { FaultNature } from './retry.ts';

/** Why a request failed, for the user. */
export interface FailureExplanation {
  /** What went wrong, e.g. `the connection was refused: connect ECONNREFUSED 127.0.0.1:8090`. */
  readonly reason: string;
  readonly hint: string;
  readonly nature: FaultNature;
}

/** How far the request got. */
export interface Stage {
  readonly phase: 'connecting' | 'waiting for the answer' | 'reading the answer';
  /** Host and port of the proxy on the way, if there is one. */
  readonly proxy: string | undefined;
  /** Over TLS. The handshake is part of connecting. */
  readonly isSecure: boolean;
}

interface KnownCause {
  /** Tested against `CODE message` of every error in the chain. */
  readonly pattern: RegExp;
  /** Absent if it applies at all stages. */
  readonly applies?: (stage: Stage) => boolean;
  readonly reason: string;
  readonly hint: string;
  readonly nature?: FaultNature;
  /** What to do if the connection to a proxy failed. */
  readonly proxyHint?: string;
}

const PROXY_VARIABLES = 'HTTP_PROXY or HTTPS_PROXY';
const CHECK_PROXY = `Check host and port of the proxy in ${PROXY_VARIABLES}, and that it is up; or add the host that is asked to NO_PROXY.`;
const CHECK_NETWORK =
  'Check the host in controller_url, and the network, VPN and firewalls between this machine and it.';
const LOCAL_NETWORK =
  'On macOS 15 or later, also allow the runner access to the local network (System Settings, Privacy & Security, Local Network).';
const CHECK_URL = 'Check controller_url, and that the controller is up and this machine can reach it.';

/**
 * OpenSSL's verification errors for the server's certificate. Node has a code for some of them, and `UNSPECIFIED` with OpenSSL's
 * text for the others.
 */
const CERTIFICATE_CAUSES: readonly KnownCause[] = [
  {
    pattern: /^ERR_TLS_CERT_ALTNAME_INVALID |^\w+ .*\b(hostname|email address|IP address) mismatch/,
    reason: "the server's certificate is for another host",
    hint: 'Use the host name in controller_url that the certificate is made for.',
    nature: 'mistake',
  },
  {
    pattern: /^CERT_HAS_EXPIRED /,
    reason: "the server's certificate has expired",
    hint: 'Renew the certificate of the server, or correct the clock of this machine.',
    nature: 'mistake',
  },
  {
    pattern: /^CERT_NOT_YET_VALID /,
    reason: "the server's certificate is not valid yet",
    hint: 'Correct the clock of this machine, or the certificate of the server.',
    nature: 'mistake',
  },
  {
    pattern: /^CERT_REVOKED |^\w+ OCSP |^\w*CRL\w* |^UNSPECIFIED .*\bCRL\b/,
    reason: "the server's certificate is revoked, or cannot be checked for that",
    hint: 'Renew the certificate of the server, or check its revocation list.',
    nature: 'mistake',
  },
  {
    pattern:
      /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED|CERT_REJECTED|UNABLE_TO_\w+) |^UNSPECIFIED .*(issuer certificate lookup|mismatch)/,
    reason: "no trusted CA has signed the server's certificate",
    hint: 'Give the CA that signed it in ca_cert.',
    nature: 'mistake',
  },
  {
    pattern: /^UNSPECIFIED .*(too weak|Suite B)/,
    reason: "the server's certificate, or its CA's, is too weak",
    hint: 'Issue it again with a key of at least 2,048 bits (RSA) or 256 bits (EC), signed with SHA-256.',
    nature: 'mistake',
  },
  {
    pattern: /^INVALID_PURPOSE |^UNSPECIFIED .*(digital signature|proxy)/,
    reason: "the server's certificate, or its CA's, is made for another purpose",
    hint: 'Issue it for servers (extended key usage serverAuth), and sign it with the certificate of a CA (basic constraints CA:TRUE).',
    nature: 'mistake',
  },
  {
    pattern:
      /^(INVALID_CA|PATH_LENGTH_EXCEEDED|CERT_CHAIN_TOO_LONG) |^UNSPECIFIED .*(\bCA cert|path l|keyCertSign|certificate signing|subtree|name constraint)/i,
    reason: "the server's certificate is signed by one that is not allowed to sign it",
    hint: 'Have it signed by a CA: basic constraints CA:TRUE, key usage certificate signing, and a path length and names that allow it.',
    nature: 'mistake',
  },
  {
    pattern: /^OUT_OF_MEM /,
    reason: 'this machine has too little memory for the TLS handshake',
    hint: 'Check the memory of the machine that runs the step.',
  },
  {
    pattern: /^(UNSPECIFIED|ERROR_IN_CERT_\w+) /,
    reason: "the server's certificate is not valid",
    hint: 'Have it issued again; "openssl verify" says more.',
    nature: 'mistake',
  },
];

/** Maps errors of Node, OpenSSL and undici to their meaning. The first match counts. */
const CAUSES: readonly KnownCause[] = [
  {
    pattern: /Proxy.*\(407\)/i,
    reason: 'the proxy requires other credentials (HTTP 407)',
    hint: 'Put user and password into the URL in HTTP_PROXY or HTTPS_PROXY, or add the controller to NO_PROXY.',
    nature: 'refusal',
  },
  {
    pattern: /Proxy response \(403\)/,
    reason: 'the proxy refuses to connect there (HTTP 403)',
    hint: 'Have the proxy allow the host and port in controller_url, or add the controller to NO_PROXY.',
    nature: 'refusal',
  },
  {
    pattern: /Proxy response \(\d+\)/,
    reason: 'the proxy cannot connect there',
    hint: 'Check controller_url as the proxy sees it, or add the controller to NO_PROXY.',
  },
  {
    pattern: /^EAI_AGAIN /,
    reason: 'the name of the host cannot be resolved at the moment',
    hint: 'Check the DNS of the machine that runs the step.',
    nature: 'unreachable',
  },
  {
    pattern: /^(ENOTFOUND|EAI_\w+) /,
    reason: 'the name of the host cannot be resolved',
    hint: 'Check the host in controller_url, and the DNS of the machine that runs the step.',
    proxyHint: `Check the host of the proxy in ${PROXY_VARIABLES}, and the DNS of the machine that runs the step.`,
    nature: 'mistake',
  },
  {
    pattern: /^ECONNREFUSED /,
    reason: 'the connection was refused',
    hint: 'Check host and port in controller_url, and that the controller is up.',
    proxyHint: CHECK_PROXY,
    nature: 'unreachable',
  },
  {
    pattern: /^EHOSTUNREACH /,
    reason: 'there is no route to the host',
    hint: `${CHECK_NETWORK} ${LOCAL_NETWORK}`,
    proxyHint: `${CHECK_PROXY} ${LOCAL_NETWORK}`,
    nature: 'unreachable',
  },
  {
    pattern: /^(ENETUNREACH|EADDRNOTAVAIL) /,
    reason: 'there is no route to the host',
    hint: CHECK_NETWORK,
    proxyHint: CHECK_PROXY,
    nature: 'unreachable',
  },
  ...CERTIFICATE_CAUSES,
  {
    pattern: /^ERR_SSL_\S*ALERT_CERTIFICATE_EXPIRED /,
    reason: 'the server says that the client certificate has expired',
    hint: 'Renew client_cert and client_key.',
    nature: 'mistake',
  },
  {
    pattern: /^ERR_SSL_\S*ALERT_CERTIFICATE_REQUIRED /,
    reason: 'the server requires a client certificate',
    hint: 'Give one in client_cert and client_key.',
    nature: 'mistake',
  },
  {
    pattern: /^ERR_SSL_\S*ALERT_(\w*CERTIFICATE\w*|UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR) /,
    reason: 'the server does not accept the client certificate',
    hint: 'Give one that is signed by a CA that the server trusts in client_cert and client_key.',
    nature: 'mistake',
  },
  {
    pattern: /ALERT_NO_APPLICATION_PROTOCOL |no application protocol/,
    reason: 'the server speaks HTTP/2 only',
    hint: 'Let it speak HTTP/1.1, too: this action uses nothing else, because HTTP/2 may repeat a request on its own.',
    nature: 'mistake',
  },
  {
    pattern: /^ERR_SSL_\S*ALERT_HANDSHAKE_FAILURE /,
    reason: 'the server broke off the TLS handshake',
    hint: 'It may require a client certificate (client_cert and client_key), or support only other ciphers.',
    nature: 'mistake',
  },
  {
    pattern: /^ERR_SSL_(\S*ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL) /,
    reason: 'the server speaks no version of TLS that this machine accepts',
    hint: 'Let it speak TLS 1.2 or 1.3.',
    nature: 'mistake',
  },
  {
    pattern: /^ERR_SSL_\w+_TOO_(SMALL|WEAK) |^ERR_SSL_UNSAFE_LEGACY/,
    reason: 'the server uses encryption that this machine does not accept',
    hint: 'Update its TLS library and keys: RSA keys of at least 2,048 bits, and SHA-256.',
    nature: 'mistake',
  },
  {
    pattern: /^ERR_SSL_\S*UNRECOGNIZED_NAME /,
    reason: 'the server does not know the host',
    hint: 'Use the host name in controller_url that the server is set up for.',
    nature: 'mistake',
  },
  {
    pattern: /^(ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)|EPROTO) /,
    reason: 'the server does not speak TLS there, or not as this machine does',
    hint: 'Check whether controller_url should begin with http:// or name another port.',
    nature: 'mistake',
  },
  {
    pattern: /^(HPE_\w+|UND_ERR_HTTP\w*) |HTTP\/1\.1 protocol/,
    reason: 'the server does not speak HTTP there',
    hint: 'Check the port in controller_url, and whether it should begin with https://.',
    nature: 'mistake',
  },
  {
    // RFC 9110 says to ignore it, but undici does not.
    pattern: /^UND_ERR_SOCKET bad response/,
    reason: 'the server sent "100 Continue", which was not asked for',
    hint: 'Turn that off in the server, or in the gateway in front of it.',
    nature: 'mistake',
  },
  {
    // With TLS 1.3, a server learns only after the handshake that the client has no certificate, or the wrong one.
    pattern: /^UND_ERR_SOCKET other side closed/,
    applies: ({ phase, isSecure }) => isSecure && phase === 'waiting for the answer',
    reason: 'the connection was closed without an answer',
    hint: 'The server may require a client certificate, or a different one: see client_cert and client_key.',
    nature: 'mistake',
  },
  {
    pattern: /^UND_ERR_SOCKET other side closed/,
    applies: ({ phase, isSecure }) => !isSecure && phase === 'waiting for the answer',
    reason: 'the connection was closed without an answer',
    hint: `Does the port speak TLS? Then controller_url should begin with https://. ${CHECK_URL}`,
    nature: 'unreachable',
  },
  {
    pattern: /^(ECONNRESET|EPIPE|UND_ERR_SOCKET) /,
    applies: ({ isSecure }) => isSecure,
    reason: 'the connection was closed',
    hint: `${CHECK_URL} It may require a client certificate, or a different one (client_cert and client_key).`,
  },
  {
    pattern: /^(ECONNRESET|EPIPE|UND_ERR_SOCKET) /,
    reason: 'the connection was closed',
    hint: `${CHECK_URL} If it speaks TLS, controller_url should begin with https://.`,
  },
  {
    pattern: /^(ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT) /,
    applies: ({ phase }) => phase === 'connecting',
    reason: 'the connection timed out',
    hint: CHECK_URL,
    nature: 'unreachable',
  },
  {
    pattern: /^ETIMEDOUT /,
    reason: 'the connection timed out',
    hint: CHECK_URL,
  },
];

/** Explains why no (complete) answer came. The most specific cause is often deep in the chain. */
export function explainFailure(error: unknown, stage: Stage): FailureExplanation {
  const { phase, proxy } = stage;
  const way = proxy === undefined ? phase : `${phase} through the proxy ${proxy}`;
  const isAtProxy = proxy !== undefined && phase === 'connecting';
  if (isTimeout(error)) {
    const hint = `${isAtProxy ? CHECK_PROXY : CHECK_URL} If it is only slow, raise request_timeout.`;
    return {
      reason: `timed out while ${way}`,
      hint,
      nature: phase === 'connecting' ? 'unreachable' : 'passing',
    };
  }
  const signs = causeChain(error).map(signOf);
  const cause = CAUSES.find(({ pattern, applies }) => {
    return signs.some((sign) => pattern.test(sign)) && (applies?.(stage) ?? true);
  });
  const detail = `${describeCause(error)} (while ${way})`;
  if (cause === undefined) return { reason: detail, hint: CHECK_URL, nature: 'passing' };
  const { reason, hint, proxyHint = hint, nature = 'passing' } = cause;
  return { reason: `${reason}: ${detail}`, hint: isAtProxy ? proxyHint : hint, nature };
}

function signOf(thrown: unknown): string {
  return types.isNativeError(thrown) ? `${codeOf(thrown)} ${thrown.message}` : String(thrown);
}
