import type { IncomingHttpHeaders } from 'node:http';
import type { World } from './world.ts';

/** A request as the controller sees it. */
export interface SeenRequest {
  readonly method: string;
  /** Including the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** 1.1 or 2.0, for requests over a network. */
  readonly httpVersion?: string;
}

/** An answer to send; the world has handled the request already. */
export interface Reaction {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** A `FAIL` from the controller itself. */
  readonly isFailure?: true;
}

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const JSON_HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' };
const TEXT_HEADERS = { 'content-type': 'text/plain', 'cache-control': 'no-store' };

/** The envelope of success, as in the API reference; `body` only if there is one. */
export function ok(body?: Json): Reaction {
  return json(200, { status: 'OK', message: '', ...(body === undefined ? {} : { body }) });
}

/** The controller reports failures with HTTP status 200. */
export function fail(message: string, status = 200): Reaction {
  return { ...json(status, { status: 'FAIL', message }), isFailure: true };
}

/** The answer to a request without valid credentials. */
export function denied(): Reaction {
  return fail('Authentication Required', 401);
}

export function notFound(): Reaction {
  return plain(404, '404 page not found\n');
}

export function json(status: number, value: Json): Reaction {
  return { status, headers: JSON_HEADERS, body: `${JSON.stringify(value)}\n` };
}

export function plain(status: number, body: string): Reaction {
  return { status, headers: TEXT_HEADERS, body };
}

/** The fields of a request's body; none unless it is a JSON object. */
export function fieldsOf(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** The text; empty for anything else. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Go's zero time: "none". */
export const ZERO_DATE = '0001-01-01T00:00:00Z';

export interface DateStyle {
  /** Digits below the millisecond. */
  readonly nanoseconds?: number;
  readonly offsetMinutes?: number;
}

/** As Go writes dates: up to nine digits of a second, no trailing zeros, `Z` for offset 0. */
export function date(moment: number, { nanoseconds = 0, offsetMinutes = 0 }: DateStyle = {}): string {
  const [dateTime = '', milliseconds = ''] = new Date(moment + offsetMinutes * 60_000)
    .toISOString()
    .slice(0, -1)
    .split('.');
  const fraction = `${milliseconds}${String(nanoseconds).padStart(6, '0')}`.replace(/0+$/, '');
  return `${dateTime}${fraction && `.${fraction}`}${offset(offsetMinutes)}`;
}

export function wholeSeconds(moment: number, offsetMinutes = 0): string {
  return date(Math.floor(moment / 1_000) * 1_000, { offsetMinutes });
}

function offset(minutes: number): string {
  if (minutes === 0) return 'Z';
  const twoDigits = (value: number) => String(Math.floor(value)).padStart(2, '0');
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${twoDigits(size / 60)}:${twoDigits(size % 60)}`;
}

/** A request, parsed. */
export interface Asked {
  readonly query: URLSearchParams;
  readonly body: string;
}

/** Handles one method of one path. */
export type Endpoint = (world: World, asked: Asked) => Reaction;
