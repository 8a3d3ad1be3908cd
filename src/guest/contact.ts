import { type Clock, type Limit, within } from '../clock.ts';
import { codeOf, describeCause } from '../errors.ts';
import { excerptOf, readGreeting } from './banner.ts';
import type { Dial, GuestAddress } from './dial.ts';

/**
 * What one attempt to reach the guest's SSH server came to. Without a banner:
 * - `refused`: nobody takes connections there.
 * - `unreachable`: no way leads there, or nobody answers at all.
 * - `silent`: the connection stood, and not a word came. A forwarder takes connections before the guest does.
 * - `closed`: the connection stood, and was ended from there before a word came.
 * - `foreign`: what came is no SSH banner.
 */
export type Contact =
  | { readonly kind: 'banner'; readonly banner: string }
  | { readonly kind: NoBanner; readonly detail: string };

export type NoBanner = 'refused' | 'unreachable' | 'silent' | 'closed' | 'foreign';

export interface ContactOptions {
  readonly clock: Clock;
  readonly dial: Dial;
  readonly address: GuestAddress;
}

/**
 * Connects and listens for a banner until the limit is reached. It never sends anything.
 * @throws the signal's reason, after an abort.
 */
export async function contact({ clock, dial, address }: ContactOptions, limit: Limit): Promise<Contact> {
  let isConnected = false;
  let bytes: Uint8Array = new Uint8Array();
  let letGo = (): void => {};
  const listen = () =>
    new Promise<Contact>((resolve) => {
      letGo = dial(address, {
        connected() {
          isConnected = true;
        },
        received(more) {
          bytes = Buffer.concat([bytes, more]);
          const greeting = readGreeting(bytes);
          if (greeting.kind === 'banner') resolve(greeting);
          if (greeting.kind === 'none') resolve(foreign(bytes));
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
    letGo();
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
    ? { kind: 'silent', detail: 'the connection stood, but not a word came' }
    : { kind: 'unreachable', detail: 'the connection timed out' };
}

function foreign(bytes: Uint8Array): Contact {
  return { kind: 'foreign', detail: `it began with "${excerptOf(bytes)}"` };
}
