import type { Random } from '../simulator/random.ts';
import type { WireAnswer } from './network.ts';

/** Never a digit or a letter: a date that became another date would be a lie that nobody could see through. */
const GARBAGE = ['{', '}', '[', ']', '"', ',', ':', '\\', '<', '\u0000', '\ufffd'];
const MOST_GARBLED = 4;

export type Spoiling = 'answer too short' | 'answer garbled' | 'answer with a gap';

/** The answer as it arrives after something went wrong on its way, or in what wrote it. */
export function spoil(answer: WireAnswer, spoiling: Spoiling, random: Random): WireAnswer {
  const { body } = answer;
  switch (spoiling) {
    case 'answer too short':
      return { ...answer, body: body.slice(0, Math.floor(random.next() * body.length)) };
    case 'answer garbled':
      return { ...answer, body: garble(body, random) };
    case 'answer with a gap':
      return { ...answer, body: leaveOut(body, random) };
  }
}

function garble(body: string, random: Random): string {
  const characters = [...body];
  for (let left = 1 + Math.floor(random.next() * MOST_GARBLED); left > 0; left--) {
    characters[Math.floor(random.next() * characters.length)] =
      GARBAGE[Math.floor(random.next() * GARBAGE.length)] ?? '';
  }
  return characters.join('');
}

/** JSON without one of its fields, at any depth; what is no JSON stays as it is. */
function leaveOut(body: string, random: Random): string {
  try {
    const root: unknown = JSON.parse(body);
    const fields = fieldsOf(root);
    const chosen = fields[Math.floor(random.next() * fields.length)];
    if (chosen === undefined) return body;
    delete chosen.owner[chosen.key];
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
