// One attempt of `POST /api/v1/rpc/vm/restart`, and what its answer means. The loop over attempts is in restart/restart.ts.
//
// | result of the attempt | meaning |
// | --- | --- |
// | held back right before it was sent | not carried out: held back |
// | no connection, no session, a refused handshake | not carried out: never left |
// | no (complete) answer after it may have been sent | uncertain |
// | 401, if the API key's session may have run out | not carried out: session ended |
// | 401 | not carried out: denied |
// | 429 | not carried out: too many requests |
// | 5xx, 408, or a success without a usable envelope | uncertain |
// | FAIL below 500 | not carried out: refused |
// | another failure below 500, e.g. status ERROR | rejected: a gateway may have written it |
// | OK | accepted |
// | 404 by a controller older than 1.44 | not carried out: refused |
// | any other 3xx or 4xx | rejected: it may come from a gateway, after the controller carried out the restart |

import { ActionError } from '../errors.ts';
import { type Fault, isTransientStatus } from '../http/retry.ts';
import type { Answer, NoAnswer } from '../http/transport.ts';
import { type Client, faultOf } from './client.ts';
import type { SendResult } from './credentials.ts';
import {
  type Call,
  denied,
  describeBody,
  isRefusal,
  isSuccess,
  parseEnvelope,
  rejected,
  unauthorized,
} from './envelope.ts';

/** The body of the request; undefined fields are omitted. */
export interface RestartRequest {
  readonly instanceId: string;
  readonly vncPassword: string | undefined;
  readonly usbDevice: string | undefined;
}

/** Stops a request: `final` with the error to throw, or for a reason that may not apply to another attempt. */
export type Veto =
  | { readonly kind: 'final'; readonly error: unknown }
  | { readonly kind: 'try again'; readonly reason: string; readonly hint: string };

export interface TryBounds {
  /** When the answer must have arrived, in milliseconds on the clock's scale. */
  readonly deadline: number;
  readonly signal: AbortSignal;
  /** Called once the connection is open, right before the first byte is sent. A {@link Veto} stops it. */
  readonly onDeparture: () => Veto | undefined;
  /** An earlier attempt was answered with 401: another 401 is a refusal, not an expired session. */
  readonly isAfter401: boolean;
}

/** The restart has been carried out, or may have been: it must not be sent again. */
export type RestartReply =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'uncertain'; readonly reason: string }
  /** The answer is a rejection, but perhaps from a gateway after the controller carried out the restart. */
  | { readonly kind: 'rejected'; readonly error: ActionError };

/** The request certainly was not carried out. `error` is the error to throw if it is not sent again. */
export type NotCarriedOut = { readonly kind: 'not carried out'; readonly error: unknown } & (
  | { readonly mayRepeat: false; readonly because: 'refused' | 'held back' }
  /** Another attempt makes sense, as far as the retry budget allows. */
  | { readonly mayRepeat: true; readonly because: Repeatable; readonly fault: Fault }
);

type Repeatable = 'never left' | 'held back' | 'session ended' | 'denied' | 'too many requests';

interface RestartRequestOptions {
  readonly client: Client;
  readonly call: Call;
  readonly getVersion: (bounds: TryBounds) => Promise<string | undefined>;
}

export const RESTART_PATH = '/api/v1/rpc/vm/restart';

/** Sends the request at most once. Never throws. */
export async function tryRestart(
  request: RestartRequest,
  bounds: TryBounds,
  { client, call, getVersion }: RestartRequestOptions,
): Promise<RestartReply | NotCarriedOut> {
  // The session may have expired while the gate waited. With a new one, another 401 can only be about the credentials.
  if (bounds.isAfter401) client.renewSession();
  const { result, veto } = await sendOnce(request, bounds, client);
  if ('refused' in result) return neverLeft(result, result.refused);
  if ('noAnswer' in result) return withoutAnswer(result, veto);
  const { answer } = result;
  if (answer.status === 401) {
    const mayBeSession = client.renewSession() && !bounds.isAfter401;
    return mayBeSession ? SESSION_ENDED : deniedAgain(answer, call);
  }
  if (answer.status === 404 && !isRefusal(parseEnvelope(answer)))
    return judgeNotFound(answer, await getVersion(bounds));
  return judgeAnswer(answer, call);
}

async function sendOnce(
  request: RestartRequest,
  bounds: TryBounds,
  client: Client,
): Promise<{ readonly result: SendResult; readonly veto: Veto | undefined }> {
  const { deadline, signal, onDeparture } = bounds;
  const body = {
    instance_id: request.instanceId,
    vnc_password: request.vncPassword,
    usb_device: request.usbDevice,
  };
  const vetoes: Veto[] = [];
  const result = await client.post(
    { path: RESTART_PATH, body },
    {
      deadline,
      signal,
      onDeparture() {
        const veto = onDeparture();
        if (veto === undefined) return;
        vetoes.push(veto);
        throw new Error('held back');
      },
    },
  );
  return { result, veto: vetoes[0] };
}

function withoutAnswer(
  result: { readonly noAnswer: NoAnswer },
  veto: Veto | undefined,
): RestartReply | NotCarriedOut {
  const { mayHaveBeenSent, reason, hint, cause } = result.noAnswer;
  if (mayHaveBeenSent) return { kind: 'uncertain', reason: `no answer came: ${reason}` };
  if (veto !== undefined) return heldBack(veto);
  return neverLeft(result, neverCarriedOut(reason, { hint, cause }));
}

function judgeAnswer(answer: Answer, call: Call): RestartReply | NotCarriedOut {
  const { status } = answer;
  const envelope = parseEnvelope(answer);
  // After a 5xx status nothing is certain, whatever the body says.
  if (status >= 500) return uncertain(answer);
  if (status === 429) return tooManyRequests(answer);
  if (envelope?.status === 'failure') {
    const error = status === 403 ? denied(call, answer) : restartRefused(envelope.word, envelope.message);
    return isRefusal(envelope) ? refused(error) : { kind: 'rejected', error };
  }
  if (envelope !== undefined && isSuccess(answer)) return { kind: 'accepted' };
  if (status === 403) return { kind: 'rejected', error: denied(call, answer) };
  if (isSuccess(answer) || isTransientStatus(status)) return uncertain(answer);
  return { kind: 'rejected', error: rejected(call, answer) };
}

/** Only a controller without this call certainly did not carry it out; otherwise something in front of it answered. */
function judgeNotFound(answer: Answer, version: string | undefined): RestartReply | NotCarriedOut {
  if (version === undefined) {
    const message =
      'The restart request was answered with HTTP 404, and the controller does not report its version.';
    return { kind: 'rejected', error: new ActionError('restart_unsupported', message, { hint: NEEDS_1_44 }) };
  }
  if (lacksRestarts(version)) {
    const message = `The controller does not know the restart request (HTTP 404); it reports version "${version}".`;
    return refused(new ActionError('restart_unsupported', message, { hint: NEEDS_1_44 }));
  }
  const message = `The restart request was answered with HTTP 404 and ${describeBody(answer)}, though the controller reports version "${version}", which knows it.`;
  const hint = `Most likely a gateway in front of the controller blocks POST ${RESTART_PATH}: configure it to allow it.`;
  return { kind: 'rejected', error: new ActionError('protocol_error', message, { hint }) };
}

const NEEDS_1_44 = 'Restarting needs Anka Build Cloud Controller 1.44.0 or later: update the controller.';
const FIRST_WITH_RESTARTS = 44;

/** Versions look like `1.50.1-5e3c3f5b`; anything else counts as a version that supports restarts. */
function lacksRestarts(version: string): boolean {
  const [, major, minor] = /^v?(\d+)\.(\d+)\b/.exec(version) ?? [];
  return major === '0' || (major === '1' && Number(minor) < FIRST_WITH_RESTARTS);
}

function uncertain(answer: Answer): RestartReply {
  return {
    kind: 'uncertain',
    reason: `it was answered with HTTP ${answer.status} and ${describeBody(answer)}`,
  };
}

// ---- not carried out ----

function neverLeft(result: SendResult, error: ActionError): NotCarriedOut {
  return repeatable('never left', faultOf(result), error);
}

function heldBack(veto: Veto): NotCarriedOut {
  if (veto.kind === 'final')
    return { kind: 'not carried out', because: 'held back', mayRepeat: false, error: veto.error };
  const { reason, hint } = veto;
  const fault: Fault = { kind: 'held back', reason, hint, nature: 'passing' };
  return repeatable('held back', fault, neverCarriedOut(reason, { hint }));
}

function deniedAgain(answer: Answer, call: Call): NotCarriedOut {
  const fault: Fault = { ...faultOf({ answer }), nature: 'refusal' };
  return repeatable('denied', fault, unauthorized(call));
}

function tooManyRequests(answer: Answer): NotCarriedOut {
  const hint =
    'The controller, or a gateway in front of it, asks for fewer requests: run the step again later.';
  const error = neverCarriedOut('the answer was HTTP 429 (too many requests) to the end', { hint });
  return repeatable('too many requests', faultOf({ answer }), error);
}

function repeatable(because: Repeatable, fault: Fault, error: ActionError): NotCarriedOut {
  return { kind: 'not carried out', because, mayRepeat: true, fault, error };
}

function refused(error: ActionError): NotCarriedOut {
  return { kind: 'not carried out', because: 'refused', mayRepeat: false, error };
}

function restartRefused(word: string, said: string): ActionError {
  const message =
    word === 'FAIL'
      ? `The controller refused the restart: "${said}".`
      : `The restart was answered with ${word}: "${said}".`;
  return new ActionError('restart_refused', message, {
    hint: 'Check the instance in the controller. A usb_device must exist there, and requires an Enterprise license.',
  });
}

function neverCarriedOut(reason: string, { hint, cause }: { hint: string; cause?: unknown }): ActionError {
  return new ActionError('controller_unreachable', `The restart could not be sent: ${reason}.`, {
    hint: `Nothing was restarted. ${hint}`,
    cause,
  });
}

const SESSION_HINT = 'See the log for the cause of the delay; then run the step again, or raise timeout.';

/** Only a new session shows whether the credentials are valid. */
const SESSION_ENDED = repeatable(
  'session ended',
  {
    kind: 'HTTP 401',
    reason: 'it answered HTTP 401, so a new session is needed',
    hint: SESSION_HINT,
    nature: 'passing',
  },
  new ActionError(
    'timed_out',
    'The session had ended when the request got there, and too little time was left for a new one.',
    { hint: SESSION_HINT },
  ),
);
