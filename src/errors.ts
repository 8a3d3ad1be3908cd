import { types } from 'node:util';

const { isNativeError } = types;

/** The values of the output `error_code`. */
export const ERROR_CODES = [
  'invalid_input',
  'authentication_failed',
  'permission_denied',
  'instance_not_found',
  'ambiguous_target',
  'not_running',
  'cannot_verify',
  'restart_unsupported',
  'restart_refused',
  'vm_failed',
  'timed_out',
  'controller_unreachable',
  'protocol_error',
  'cancelled',
  'self_restart',
  'runner_busy',
  'runner_not_found',
  'job_not_found',
  'runner_not_back',
  'guest_not_up',
  'github_api_failed',
  'internal_error',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export interface ErrorDetails {
  /** What the workflow's author can do about it. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** More time might have resolved it: the caller may try again if it has time left. */
  readonly isTransient?: boolean;
}

/** The error that the action reports: a code for workflows, a message and a hint for the user. */
export class ActionError extends Error {
  override readonly name = 'ActionError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly isTransient: boolean;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.code = code;
    this.hint = details.hint;
    this.isTransient = details.isTransient ?? false;
  }
}

/** Whether more time might have resolved what was thrown. */
export function isTransient(thrown: unknown): boolean {
  return thrown instanceof ActionError && thrown.isTransient;
}

/** Adds to the error of a canceled step what it leaves behind; any other error stays as it is. */
export function explainCancellation(
  error: ActionError,
  left: string,
  details: ErrorDetails = {},
): ActionError {
  if (error.code !== 'cancelled') return error;
  return new ActionError('cancelled', `${error.message} ${left}`, { ...details, cause: error });
}

/** Anything thrown, as an {@link ActionError}; if it is not one, it is a bug in the action: `internal_error`. */
export function asActionError(thrown: unknown): ActionError {
  if (thrown instanceof ActionError) return thrown;
  return new ActionError('internal_error', `Something unexpected went wrong: ${describeCause(thrown)}.`, {
    hint: 'This is a bug in the action. Please report it with the debug log of this step.',
    cause: thrown,
  });
}

/**
 * The root cause in one line. The error that names it is often nested: in `cause`, or, if several
 * addresses were tried, in the `errors` of an AggregateError whose own message is empty.
 */
export function describeCause(thrown: unknown): string {
  const root = causeChain(thrown).at(-1);
  if (!isNativeError(root)) return String(root);
  // OpenSSL's `reason` is short; the message around it is for its developers.
  if ('reason' in root && typeof root.reason === 'string') return root.reason;
  const code = codeOf(root);
  if (root.message === '') return code || root.name;
  return root.message.includes(code) ? root.message : `${root.message} (${code})`;
}

/** The code that Node gives to an error, e.g. `ECONNREFUSED`; empty if there is none. */
export function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

const DEEPEST_CHAIN = 10;

/** The error, its cause, the cause's cause, ...; never empty, and cut off after a few, because a cause can lead back to itself. */
export function causeChain(thrown: unknown): unknown[] {
  const chain: unknown[] = [thrown];
  for (let next = causeOf(thrown); next !== undefined && chain.length < DEEPEST_CHAIN; next = causeOf(next)) {
    chain.push(next);
  }
  return chain;
}

function causeOf(thrown: unknown): unknown {
  if (!isNativeError(thrown)) return undefined;
  if ('errors' in thrown && Array.isArray(thrown.errors) && thrown.errors.length > 0) return thrown.errors[0];
  return thrown.cause;
}
