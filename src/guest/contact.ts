import { connect } from 'node:net';
import { type Clock, type Limit, within } from '../clock.ts';
import { codeOf, describeCause } from '../errors.ts';
import type { GuestAddress } from './address.ts';

/** The events of a connection. Those after its end, or after it was released, are ignored. */
export interface ConnectionEvents {
  connected(): void;
  received(bytes: Uint8Array): void;
  /** @param error why it ended; undefined if the other side closed it. */
  ended(error: Error | undefined): void;
}

/** Opens a connection, sends nothing, and reports what happens. @returns a function that releases the connection. */
export type Dial = (address: GuestAddress, events: ConnectionEvents) => () => void;

/** Less than the 1.5 s of a last attempt. In milliseconds. */
const ADDRESS_TIMEOUT_MS = 500;

/**
 * Dials over real sockets.
 * @param problemWith why an IP address must not be dialed: a host name may resolve to it.
 */
export function createDial(problemWith: (ip: string) => string | undefined): Dial {
  return ({ host, port }, { connected, received, ended }) => {
    let failure: Error | undefined;
    const socket = connect({ host, port, autoSelectFamilyAttemptTimeout: ADDRESS_TIMEOUT_MS });
    socket.on('connect', () => {
      const problem = problemWith(String(socket.remoteAddress));
      if (problem === undefined) connected();
      else socket.destroy(new Error(`the node ${problem}`));
    });
    socket.on('data', received);
    socket.on('error', (error) => {
      failure = error;
    });
    socket.on('close', () => ended(failure));
    return () => socket.destroy();
  };
}

/** An SSH server sends its banner within this many bytes. */
const MOST_BYTES = 8 * 1024;

/** The identification string of RFC 4253: printable, on its own line, possibly after other lines. */
const BANNER = /^SSH-\d+\.\d+-[\x20-\x7e]+$/;

/** Judges what a server has sent, from its first byte on. A line counts once it has ended. Undefined if it is unclear yet. Pure. */
export function readGreeting(bytes: Uint8Array): Contact | undefined {
  // Latin-1 maps each byte to one character, so nothing is lost in any encoding.
  const text = Buffer.from(bytes.subarray(0, MOST_BYTES)).toString('latin1');
  const lines = text.split('\n').slice(0, -1);
  const banner = lines.map((line) => line.replace(/\r$/, '')).find((line) => BANNER.test(line));
  if (banner !== undefined) return { kind: 'banner', banner };
  return bytes.length >= MOST_BYTES ? foreign(bytes) : undefined;
}

/** In characters. */
const LONGEST_EXCERPT = 100;

/**
 * The first line of what the server sent, for messages. It is external text. A long one is described, not truncated: that could leave
 * half a secret, which no mask matches.
 */
export function excerptOf(bytes: Uint8Array): string {
  const line = Buffer.from(bytes)
    .toString()
    .trimStart()
    .replace(/[\r\n].*/s, '');
  return line.length > LONGEST_EXCERPT ? `(a line of ${line.length} characters)` : `"${line}"`;
}

/**
 * The result of one attempt to reach the guest's SSH server. Without a banner:
 * - `refused`: nothing listens there.
 * - `unreachable`: there is no route, or no answer at all.
 * - `silent`: connected, but nothing was sent. A port forwarder accepts connections before the guest does.
 * - `closed`: connected, then closed by the other side before it sent anything.
 * - `penalized`: OpenSSH refuses this machine for a while.
 * - `foreign`: something other than an SSH banner was sent.
 */
export type Contact =
  | { readonly kind: 'banner'; readonly banner: string }
  | {
      readonly kind: 'refused' | 'unreachable' | 'silent' | 'closed' | 'penalized' | 'foreign';
      readonly detail: string;
    };

/**
 * Connects and waits for a banner until the limit is reached. It never sends anything.
 * @throws the signal's reason, after an abort.
 */
export async function contact(
  { clock, dial, address }: { readonly clock: Clock; readonly dial: Dial; readonly address: GuestAddress },
  limit: Limit,
): Promise<Contact> {
  let isConnected = false;
  let bytes: Uint8Array = new Uint8Array();
  let release = (): void => {};
  const listen = () =>
    new Promise<Contact>((resolve) => {
      release = dial(address, {
        connected() {
          isConnected = true;
        },
        received(more) {
          bytes = Buffer.concat([bytes, more]);
          const greeting = readGreeting(bytes);
          if (greeting !== undefined) resolve(greeting);
        },
        ended(error) {
          resolve(afterEnd({ isConnected, bytes, error }));
        },
      });
    });
  try {
    return await within(clock, limit, listen);
  } catch (error) {
    limit.signal.throwIfAborted();
    if (!(error instanceof DOMException)) throw error;
    return afterSilence({ isConnected, bytes });
  } finally {
    release();
  }
}

interface Heard {
  readonly isConnected: boolean;
  readonly bytes: Uint8Array;
}

function afterEnd({ isConnected, bytes, error }: Heard & { readonly error: Error | undefined }): Contact {
  if (bytes.length > 0) return foreign(bytes);
  const detail = error === undefined ? 'it was ended there' : describeCause(error);
  if (isConnected) return { kind: 'closed', detail };
  return {
    kind: error !== undefined && codeOf(error) === 'ECONNREFUSED' ? 'refused' : 'unreachable',
    detail,
  };
}

function afterSilence({ isConnected, bytes }: Heard): Contact {
  if (bytes.length > 0) return foreign(bytes);
  return isConnected
    ? { kind: 'silent', detail: 'connected, but nothing was sent' }
    : { kind: 'unreachable', detail: 'the connection timed out' };
}

/** What OpenSSH sends instead of its banner: after connections without a login, or if there are too many at once. */
const PENALTY = /^"(Not allowed at this time|Exceeded MaxStartups)/;

function foreign(bytes: Uint8Array): Contact {
  const excerpt = excerptOf(bytes);
  return { kind: PENALTY.test(excerpt) ? 'penalized' : 'foreign', detail: `it began with ${excerpt}` };
}
