import { type Delivery, SimulatedNetwork } from '../../__tests__/simulation/network.ts';
import type { VirtualTime } from '../../__tests__/simulation/virtual-time.ts';
import { react, type SeenRequest } from '../../simulator/controller-api.ts';
import type { Random } from '../../simulator/random.ts';
import type { Replicas } from '../../simulator/replicas.ts';
import type { Terminal } from '../../src/report/terminal.ts';
import type { Model } from './models.ts';

/** When each world begins. */
export const START = Date.parse('2026-07-01T12:00:00Z');
/** How old a world is at least when the step begins: twice the longest heartbeat. In milliseconds. */
export const PRELUDE_MS = 60_000;

export interface NetworkParts {
  readonly model: Model;
  readonly random: Random;
  readonly time: VirtualTime;
  readonly replicas: Replicas;
  /** Told of each request that reaches the controller. */
  readonly onRequest: (request: SeenRequest) => void;
}

/** The way to the simulated controller, whose answers have a date as a real one's have. */
export function createNetwork({ model, random, time, replicas, onRequest }: NetworkParts): SimulatedNetwork {
  const answer = (request: SeenRequest) => {
    onRequest(request);
    const reaction = react({ replicas, now: time.now() }, request);
    return { ...reaction, headers: { ...reaction.headers, date: new Date(time.now()).toUTCString() } };
  };
  const after = (afterMs: number, run: () => void) => time.at(time.now() + afterMs, run);
  return new SimulatedNetwork({ after, answer, deliveryOf: createDeliveries(model, random) });
}

/** Nothing is lost; reads keep their connection, the restart gets one of its own. */
function createDeliveries({ networkMs }: Model, random: Random): (request: SeenRequest) => Delivery {
  let isConnected = false;
  const trip = () => networkMs * random.between(0.8, 1.2);
  return ({ method }) => {
    const connectMs = isConnected && method === 'GET' ? 0 : trip() + trip();
    if (method === 'GET') isConnected = true;
    const whole = { isRefused: false, resetMs: undefined, arriving: 1, pieces: 1, pauseMs: 0 };
    return { ...whole, connectMs, thereMs: trip(), backMs: trip() };
  };
}

export const SILENT: Terminal = {
  mask() {},
  clean: String,
  info() {},
  debug() {},
  warning() {},
  error() {},
};
