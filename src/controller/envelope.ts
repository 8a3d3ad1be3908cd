// The envelope of every answer of the controller, and the errors for answers that have none.

import { ActionError } from '../errors.ts';
import { isRecord, isTooComplex, parseJson, text, UnusableAnswer } from '../http/json.ts';
import type { Answer } from '../http/transport.ts';

/** The envelope of every API answer: `{"status", "message", "body"}`. */
export type Envelope =
  | { readonly status: 'OK'; readonly body: unknown }
  /** `word` is the status as written: `FAIL` if the controller itself says it. Any other word but `OK` is a failure, too. */
  | { readonly status: 'failure'; readonly word: string; readonly message: string };

/** The envelope, if the answer is one. A failure counts whatever the HTTP status. */
export function parseEnvelope({ text: json }: Answer): Envelope | undefined {
  const value = parseJson(json);
  if (!isRecord(value)) return undefined;
  const word = text(value, 'status');
  if (word === undefined) return undefined;
  if (word === 'OK') return { status: 'OK', body: value['body'] };
  return { status: 'failure', word, message: text(value, 'message', LONGEST_FAILURE) ?? '(no message)' };
}

const LONGEST_FAILURE = 1_000;

/** Whether the controller itself refuses: a gateway's answer can also resemble an envelope. */
export function isRefusal(envelope: Envelope | undefined): boolean {
  return envelope?.status === 'failure' && envelope.word === 'FAIL';
}

/**
 * The envelope of an answer to a read.
 * @param call names the endpoint in errors, e.g. `GET /api/v1/vm`.
 * @throws UnusableAnswer if a retry may help, ActionError if not.
 */
export function readEnvelope(call: Call, answer: Answer): Envelope {
  const envelope = parseEnvelope(answer);
  if (answer.status === 401) throw unauthorized(call);
  if (answer.status === 403) throw denied(call, answer);
  if (envelope?.status === 'failure') return envelope;
  if (!isSuccess(answer)) throw rejected(call, answer);
  if (envelope === undefined) {
    const nature = isCutOff(answer) ? 'passing' : 'mistake';
    throw new UnusableAnswer(`it answered HTTP ${answer.status} with ${describeBody(answer)}`, { nature });
  }
  return envelope;
}

/** A request, for errors. */
export interface Call {
  /** e.g. `GET /api/v1/vm`. */
  readonly name: string;
  /** The whole URL, without a query. */
  readonly url: string;
  /** What to do about HTTP 401. */
  readonly deniedHint: string;
}

export function isSuccess({ status }: Answer): boolean {
  return status >= 200 && status <= 299;
}

/** Starts like JSON but is not: its end is missing. UTF-16, which is not accepted here, starts with the same character. */
function isCutOff({ text: body }: Answer): boolean {
  const isComplete = parseJson(body) !== undefined || isTooComplex(body);
  return /^\s*[{[]/.test(body) && !isComplete && !body.includes('\0');
}

/** Describes the body of an answer, for messages. */
export function describeBody(answer: Answer): string {
  const envelope = parseEnvelope(answer);
  if (envelope?.status === 'failure') return `${envelope.word}: "${envelope.message}"`;
  if (envelope !== undefined) return 'OK';
  const start = answer.text.trimStart();
  if (start === '') return 'an empty body';
  if (start.startsWith('<')) return 'an HTML page, not JSON';
  if (isCutOff(answer)) return 'JSON that is cut off';
  if (parseJson(start) !== undefined) return "JSON that is not this API's";
  return isTooComplex(start) ? 'JSON that is nested too deeply or has too many parts' : 'text, not JSON';
}

/** The error for HTTP 401. */
export function unauthorized({ name, deniedHint }: Call): ActionError {
  return new ActionError(
    'authentication_failed',
    `Authentication failed: the controller answered ${name} with HTTP 401.`,
    {
      hint: deniedHint,
    },
  );
}

/** The error for HTTP 403: `permission_denied`, unless a proxy sent it. */
export function denied({ name: call }: Call, answer: Answer): ActionError {
  const envelope = parseEnvelope(answer);
  if (envelope?.status === 'OK' || isRefusal(envelope)) {
    return new ActionError('permission_denied', `The controller denies ${call} (HTTP 403).`, {
      hint: 'The step needs permission to list and restart instances: add it to a group of its user or key.',
    });
  }
  if (answer.proxy !== undefined) {
    return new ActionError(
      'controller_unreachable',
      `The proxy ${answer.proxy} refuses ${call} (HTTP 403).`,
      {
        hint: 'Have the proxy allow the host and port in controller_url, or add the controller to NO_PROXY.',
      },
    );
  }
  return new ActionError(
    'permission_denied',
    `${call} is denied (HTTP 403), but not by the controller: the answer is ${describeBody(answer)}.`,
    {
      hint: 'Check controller_url (is a path prefix missing?), and whether a gateway requires something (see headers).',
    },
  );
}

/** The error for any other status that is neither a success nor transient. */
export function rejected(call: Call, answer: Answer): ActionError {
  if (isRedirect(answer)) return redirected(call.name, answer);
  if (answer.status === 407) return proxyWantsCredentials(call, answer);
  const asked = answer.status === 404 ? `${call.name.replace(/ .*/, '')} ${call.url}` : call.name;
  const message = `${asked} was answered with HTTP ${answer.status} and ${describeBody(answer)}.`;
  return new ActionError('protocol_error', message, { hint: hintForRejection(answer) });
}

/** 300 and 304 do not redirect by themselves. */
export function isRedirect({ status, location }: Answer): boolean {
  return status >= 300 && status <= 399 && (location !== undefined || REDIRECTS.includes(status));
}

const REDIRECTS = [301, 302, 303, 307, 308];

/** Redirects are refused: the target server would get the credentials. */
export function redirected(call: string, { status, location }: Answer): ActionError {
  return new ActionError(
    'protocol_error',
    `${call} was redirected to ${hostOfRedirect(location)} (HTTP ${status}).`,
    {
      hint: 'Redirects are not followed. Put the address of the controller itself into controller_url.',
    },
  );
}

function proxyWantsCredentials({ name }: Call, { proxy }: Answer): ActionError {
  const who = proxy === undefined ? 'A proxy' : `The proxy ${proxy}`;
  return new ActionError(
    'controller_unreachable',
    `${who} requires other credentials for ${name} (HTTP 407).`,
    {
      hint: 'Put user and password into the URL in HTTP_PROXY or HTTPS_PROXY, or add the controller to NO_PROXY.',
    },
  );
}

/** Go's server, nginx and others say in the body what is wrong below HTTP. */
function hintForRejection({ status, text: body }: Answer): string {
  if (/SSL certificate/.test(body))
    return 'The server requires a client certificate, or a different one: see client_cert and client_key.';
  if (/HTTPS/.test(body)) return 'The server speaks TLS there: controller_url should begin with https://.';
  if (status === 404)
    return 'Give only the base address in controller_url, as in https://anka.example.com: no path of the API or of the web page. Is this the controller (not its registry), and is the path prefix right?';
  if (status === 405)
    return 'Most likely a gateway in front of the controller blocks such requests: configure it to allow them.';
  if (status === 300 || status === 304)
    return 'Most likely a cache or gateway in front of the controller answers in its place: configure it to forward requests.';
  return 'Check controller_url: is this the controller (not its registry), and is the path prefix right?';
}

/** Only the host: the rest of a redirect may carry tokens. */
export function hostOfRedirect(location: string | undefined): string {
  if (location === undefined) return 'nowhere';
  const url = URL.parse(location);
  return url === null || url.host === '' ? 'another path' : `"${url.host}"`;
}
