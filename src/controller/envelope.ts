import { ActionError } from '../errors.ts';
import { isRecord, parseJson, text, UnusableAnswer } from '../http/json.ts';
import type { Answer } from '../http/transport.ts';

/** What every answer of the API is wrapped in; `FAIL` is what counts as failure, whatever the HTTP status. */
export type Envelope =
  | { readonly status: 'OK'; readonly body: unknown }
  | { readonly status: 'FAIL'; readonly message: string };

/** The envelope, if the answer is one. */
export function parseEnvelope({ text: json }: Answer): Envelope | undefined {
  const value = parseJson(json);
  if (!isRecord(value)) return undefined;
  if (value['status'] === 'OK') return { status: 'OK', body: value['body'] };
  if (value['status'] !== 'FAIL') return undefined;
  return { status: 'FAIL', message: text(value, 'message', LONGEST_MESSAGE) ?? '(no message)' };
}

const LONGEST_MESSAGE = 1_000;

/**
 * The envelope of an answer to a read.
 * @param call names the endpoint in errors, e.g. `GET /api/v1/vm`.
 * @param deniedHint what to do about HTTP 401.
 * @throws UnusableAnswer for what may pass, ActionError for what will not.
 */
export function readEnvelope(call: string, answer: Answer, deniedHint: string): Envelope {
  const envelope = parseEnvelope(answer);
  if (answer.status === 401) throw notLetIn(call, deniedHint);
  if (answer.status === 403) throw denied(call, answer);
  if (envelope?.status === 'FAIL') return envelope;
  if (!isSuccess(answer)) throw rejected(call, answer);
  if (envelope === undefined) {
    const nature = isPage(answer) ? 'mistake' : 'passing';
    throw new UnusableAnswer(`it answered HTTP ${answer.status} with ${whatItIs(answer)}`, { nature });
  }
  return envelope;
}

export function isSuccess({ status }: Answer): boolean {
  return status >= 200 && status <= 299;
}

/** Whether it is meant for people: no API would say that. */
function isPage({ text: body }: Answer): boolean {
  return /^\s*[^\s{[]/.test(body);
}

/** What an answer that is no envelope looks like. */
export function whatItIs({ text: body }: Answer): string {
  const start = body.trimStart();
  if (start === '') return 'an empty body';
  if (start.startsWith('<')) return 'an HTML page, not JSON';
  return start.startsWith('{') || start.startsWith('[')
    ? "JSON that is cut off or not the API's"
    : 'text, not JSON';
}

/** What HTTP 401 comes to. */
export function notLetIn(call: string, deniedHint: string): ActionError {
  return new ActionError('authentication_failed', `The controller does not let ${call} in (HTTP 401).`, {
    hint: deniedHint,
  });
}

/** What HTTP 403 comes to: `permission_denied`, unless a proxy said so. */
export function denied(call: string, answer: Answer): ActionError {
  if (parseEnvelope(answer) !== undefined) {
    return new ActionError('permission_denied', `The controller denies ${call} (HTTP 403).`, {
      hint: 'The step needs the permissions to list and to restart instances: add them to a group of its user or key.',
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
    `${call} is denied (HTTP 403), but not by the controller: the answer is ${whatItIs(answer)}.`,
    {
      hint: 'Check controller_url (is a path prefix missing?), and whether a gateway wants something (see headers).',
    },
  );
}

/** What any other status comes to that is no success and will not pass. */
export function rejected(call: string, answer: Answer): ActionError {
  if (isRedirect(answer)) return redirected(call, answer);
  return new ActionError(
    'protocol_error',
    `${call} was answered with HTTP ${answer.status} and ${whatItIs(answer)}.`,
    {
      hint: hintForRejection(answer),
    },
  );
}

export function isRedirect({ status }: Answer): boolean {
  return status >= 300 && status <= 399;
}

/** Redirects are refused: whoever they lead to would get the credentials. */
export function redirected(call: string, { status, location }: Answer): ActionError {
  return new ActionError(
    'protocol_error',
    `${call} was redirected to ${hostOf(location)} (HTTP ${status}).`,
    {
      hint: 'Redirects are not followed. Put the address of the controller itself into controller_url.',
    },
  );
}

/** Go's server, nginx and others say in the body what is wrong below HTTP. */
function hintForRejection({ status, text: body }: Answer): string {
  if (/SSL certificate/.test(body))
    return 'The server wants a client certificate, or another one: see client_cert and client_key.';
  if (/HTTPS/.test(body)) return 'The server speaks TLS there: controller_url should begin with https://.';
  if (status === 405)
    return 'Most likely a gateway before the controller does not let such requests pass: have it do so.';
  return 'Check controller_url: is this the controller (not its registry), and is the path prefix right?';
}

/** Only the host: the rest of a redirect may carry tokens. */
export function hostOf(location: string | undefined): string {
  if (location === undefined) return 'nowhere';
  const url = URL.parse(location);
  return url === null || url.host === '' ? 'another path' : `"${url.host}"`;
}
