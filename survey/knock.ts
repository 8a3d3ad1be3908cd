import { connect, type Socket } from 'node:net';
import { type Clock, type Limit, within } from '../src/clock.ts';

/** Where a VM's SSH server is to be found. */
export interface Door {
  readonly host: string;
  readonly port: number;
}

/**
 * What became of one try to reach it.
 * - `banner`: an SSH server said who it is.
 * - `silent`: the connection stands, and nobody says anything; or something else than SSH.
 * - `refused`, `unreachable`: no connection.
 */
export type KnockResult = 'banner' | 'silent' | 'refused' | 'unreachable';

/** Connects, listens, and says nothing. Never throws, unless the signal aborts. */
export type Knock = (door: Door, limit: Limit) => Promise<KnockResult>;

/** A banner comes within the first lines: in bytes. */
const MOST_BYTES = 8 * 1024;

/** @param clock bounds each try. */
export function createKnock(clock: Clock): Knock {
  return async (door, limit) => {
    const socket = connect(door);
    const progress: Progress = { isConnected: false, heard: '' };
    try {
      return await within(clock, limit, () => listen(socket, progress));
    } catch {
      limit.signal.throwIfAborted();
      return progress.isConnected ? 'silent' : 'unreachable';
    } finally {
      socket.destroy();
    }
  };
}

interface Progress {
  isConnected: boolean;
  heard: string;
}

function listen(socket: Socket, progress: Progress): Promise<KnockResult> {
  return new Promise((resolve) => {
    socket.on('connect', () => {
      progress.isConnected = true;
    });
    socket.on('data', (bytes) => {
      progress.heard += bytes.toString('latin1');
      if (/^SSH-/m.test(progress.heard)) resolve('banner');
      else if (progress.heard.length > MOST_BYTES) resolve('silent');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const none = error.code === 'ECONNREFUSED' ? 'refused' : 'unreachable';
      resolve(progress.isConnected ? 'silent' : none);
    });
    socket.on('close', () => resolve(progress.isConnected ? 'silent' : 'unreachable'));
  });
}
