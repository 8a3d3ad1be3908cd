import { connect } from 'node:net';

/** Where the guest's SSH server is to be found: an IP address and a TCP port. */
export interface GuestAddress {
  readonly host: string;
  readonly port: number;
}

/** What a connection tells of itself. After it has ended, or was let go of, it may tell nothing that counts. */
export interface ConnectionEvents {
  connected(): void;
  received(bytes: Uint8Array): void;
  /** @param error why it ended, unless the other side just closed it. */
  ended(error: Error | undefined): void;
}

/** Opens a connection, sends nothing, and tells what comes. @returns what lets go of it. */
export type Dial = (address: GuestAddress, events: ConnectionEvents) => () => void;

/** Over a real socket. */
export const dial: Dial = ({ host, port }, { connected, received, ended }) => {
  let failure: Error | undefined;
  const socket = connect({ host, port });
  socket.on('connect', connected).on('data', received);
  socket.on('error', (error) => {
    failure = error;
  });
  socket.on('close', () => ended(failure));
  return () => socket.destroy();
};
