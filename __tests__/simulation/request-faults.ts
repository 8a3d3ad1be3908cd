// What can go wrong with one request. A new fault is a line in REQUEST_FAULTS and a call of `happens` in faulty-network.ts; one that
// damages answers is a line here and one in damaged-answers.ts. Events, which go wrong at one moment, are in events.ts.

/** Faults of a request, with the largest share of requests that each can affect. */
export const REQUEST_FAULTS = {
  refused: 0.3,
  'hangs connecting': 0.1,
  'request lost': 0.3,
  'request late': 0.2,
  'answer lost': 0.3,
  'answer late': 0.2,
  /** The connection breaks at any byte of the answer. */
  'answer cut': 0.2,
  /** The answer comes in pieces, with pauses between them. */
  'answer in pieces': 0.2,
  /** The body is truncated, with nothing to show it. */
  'answer too short': 0.1,
  /** Some bytes are changed. */
  'answer garbled': 0.1,
  /** Some fields are missing. */
  'answer with gaps': 0.3,
  /** A gateway answers 408, 429 or 5xx, and the controller never gets the request ... */
  'gateway error': 0.4,
  /** ... or has already carried it out. */
  'late gateway error': 0.2,
  /** A 500 with an envelope that says FAIL, after the controller has carried the request out. */
  'late FAIL': 0.2,
  /** A gateway answers with a redirect, 400, 401, 403, 404 or 405 ... */
  denied: 0.4,
  /** ... but only after the step's first good answer ... */
  'denied briefly': 0.4,
  /** ... or (without 401) after the controller has carried the request out. */
  'denied late': 0.3,
  /** A gateway answers 429 or 503 with a Retry-After of ten minutes. */
  'long pause': 0.4,
  /** The body is encoded with gzip. */
  'answer encoded': 0.5,
} as const;

export type RequestFault = keyof typeof REQUEST_FAULTS;

/** The share of worlds with a fault, where that is not the world's own share of faults (draw-world.ts). */
export const WORLDS_WITH: Readonly<Record<string, number>> = {
  // A refusal before the first good answer ends the step at once: more often, it would hide other faults.
  denied: 0.03,
  'denied briefly': 0.1,
  'denied late': 0.05,
  'late FAIL': 0.03,
  'long pause': 0.05,
  'answer encoded': 0.05,
};
