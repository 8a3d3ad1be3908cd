import type { Bounds, Clock } from '../src/clock.ts';
import { type Client, createClient } from '../src/controller/client.ts';
import type { Credentials } from '../src/controller/credentials.ts';
import { type Envelope, readEnvelope } from '../src/controller/envelope.ts';
import type { Answer, Transport } from '../src/http/transport.ts';
import type { RequestHeaders } from '../src/inputs/access.ts';
import { UNKNOWN_ID } from './notebook.ts';

/** What the survey itself asks: only reads, each as the action would send it. What came back is in the notebook. */
export interface Questions {
  /** @throws ActionError where the controller does not let it in, or gives no usable answer in time. */
  status(bounds: Bounds): Promise<Envelope>;
  list(bounds: Bounds): Promise<Envelope>;
  /** The others may be refused: that is a fact, too. They throw only where no answer comes in time. */
  one(instanceId: string, bounds: Bounds): Promise<Answer>;
  unknown(bounds: Bounds): Promise<Answer>;
  nodes(bounds: Bounds): Promise<Answer>;
}

export interface QuestionOptions {
  readonly transport: Transport;
  readonly credentials: Credentials;
  readonly headers: RequestHeaders;
  readonly clock: Clock;
  readonly random: () => number;
}

const STATUS_PATH = '/api/v1/status';
const VM_PATH = '/api/v1/vm';
const NODE_PATH = '/api/v1/node';
const MAX_BYTES = 32 * 1024 * 1024;

export function createQuestions({
  transport,
  credentials,
  headers,
  clock,
  random,
}: QuestionOptions): Questions {
  const client = createClient({ transport, credentials, headers, clock, random });
  const { deniedHint } = credentials;
  const envelope = async (path: string, bounds: Bounds) =>
    readEnvelope({ name: `GET ${path}`, url: path, deniedHint }, await ask(client, path, bounds));
  return {
    status: (bounds) => envelope(STATUS_PATH, bounds),
    list: (bounds) => envelope(VM_PATH, bounds),
    one: (instanceId, bounds) => ask(client, `${VM_PATH}?id=${encodeURIComponent(instanceId)}`, bounds),
    unknown: (bounds) => ask(client, `${VM_PATH}?id=${UNKNOWN_ID}`, bounds),
    nodes: (bounds) => ask(client, NODE_PATH, bounds),
  };
}

function ask(client: Client, path: string, bounds: Bounds): Promise<Answer> {
  return client.read({ path, maxBytes: MAX_BYTES, decode: (answer) => answer }, bounds);
}
