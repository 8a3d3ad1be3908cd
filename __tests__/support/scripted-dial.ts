import { formatAddress } from '../../src/guest/address.ts';
import type { ConnectionEvents, Dial } from '../../src/guest/contact.ts';

/** What happens on one connection, in order. */
export type Talk = (events: ConnectionEvents) => void;

interface ScriptedDial {
  readonly dial: Dial;
  /** Where each connection went. */
  readonly calls: string[];
  /** How many were released. */
  released: number;
}

/** One entry per connection; the last one is used for all further ones. */
export function createScriptedDial(talks: readonly Talk[]): ScriptedDial {
  const scripted: ScriptedDial = {
    calls: [],
    released: 0,
    dial(address, events) {
      const talk = talks[Math.min(scripted.calls.length, talks.length - 1)];
      scripted.calls.push(formatAddress(address));
      talk?.(events);
      return () => {
        scripted.released++;
      };
    },
  };
  return scripted;
}

export const BANNER = 'SSH-2.0-OpenSSH_9.9';

export const says =
  (...texts: string[]): Talk =>
  ({ connected, received }) => {
    connected();
    for (const text of texts) received(Buffer.from(text));
  };

export const greets: Talk = says(`${BANNER}\r\n`);

export const fails =
  (code: string): Talk =>
  ({ ended }) =>
    ended(Object.assign(new Error(`connect ${code}`), { code }));

export const refuses: Talk = fails('ECONNREFUSED');

/** No answer. */
export const ignores: Talk = () => {};
/** The connection is established, and nothing is sent. */
export const isSilent: Talk = ({ connected }) => connected();
