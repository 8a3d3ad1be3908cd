// Damages an answer's body. How often that happens is in request-faults.ts.

/** Draws a number in [0, 1). */
type Draw = () => number;

/** The damaged body, by fault. */
export const DAMAGES = {
  'answer too short': (body, draw) => body.slice(0, Math.floor(draw() * body.length)),
  'answer garbled': garble,
  'answer with gaps': leaveOut,
} satisfies Record<string, (body: string, draw: Draw) => string>;

export type Damage = keyof typeof DAMAGES;

/** No digits or letters: they could turn a date into another valid date, which no client could notice. */
const GARBAGE = ['{', '}', '[', ']', '"', ',', ':', '\\', '<', '\u0000', '\ufffd'];
const MOST_GARBLED = 4;
const MOST_LEFT_OUT = 4;

/** With another `status`, it would be a different answer: then the answer stays unchanged. */
function garble(body: string, draw: Draw): string {
  const garbled = garbleCharacters(body, draw);
  const status = statusOf(garbled);
  return status === undefined || status === statusOf(body) ? garbled : body;
}

function statusOf(body: string): unknown {
  try {
    const root: unknown = JSON.parse(body);
    return typeof root === 'object' && root !== null && 'status' in root ? root.status : undefined;
  } catch {
    return undefined;
  }
}

function garbleCharacters(body: string, draw: Draw): string {
  const characters = [...body];
  for (let left = 1 + Math.floor(draw() * MOST_GARBLED); left > 0; left--) {
    characters[Math.floor(draw() * characters.length)] = GARBAGE[Math.floor(draw() * GARBAGE.length)] ?? '';
  }
  return characters.join('');
}

/** JSON without some of its fields, at any depth; anything else is unchanged. */
function leaveOut(body: string, draw: Draw): string {
  try {
    const root: unknown = JSON.parse(body);
    const fields = fieldsOf(root);
    for (let left = 1 + Math.floor(draw() * MOST_LEFT_OUT); left > 0; left--) {
      const chosen = fields[Math.floor(draw() * fields.length)];
      if (chosen !== undefined) delete chosen.owner[chosen.key];
    }
    return JSON.stringify(root);
  } catch {
    return body;
  }
}

interface Field {
  readonly owner: Record<string, unknown>;
  readonly key: string;
}

function fieldsOf(value: unknown): Field[] {
  if (Array.isArray(value)) return value.flatMap(fieldsOf);
  if (typeof value !== 'object' || value === null) return [];
  const owner = value as Record<string, unknown>;
  return Object.keys(owner).flatMap((key) => [{ owner, key }, ...fieldsOf(owner[key])]);
}
