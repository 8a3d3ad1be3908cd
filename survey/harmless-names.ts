// Which names of unknown fields the report can show.

import { createRedactor } from '../src/report/redactor.ts';
import { wordsIn } from './shape.ts';

/** Words that the survey found, which the report must not show as the name of a field. */
export interface Met {
  /** Names, IDs, addresses, hosts and secrets. */
  readonly identifiers: Iterable<string>;
  /** Words of any text, as {@link wordsIn} finds them. */
  readonly words: ReadonlySet<string>;
}

/** Words joined by `_` or by capitals, as in the names of fields: no dot, no digit, nothing else. */
const PLAIN_NAME = /^[A-Za-z][a-z]*(?:_[a-z]+|[A-Z][a-z]+)*$/;
const LONGEST_NAME = 40;
/** Shorter parts occur everywhere. */
const TELLING_LENGTH = 4;

/**
 * Whether the report can show the name of an unknown field: only if it consists of plain words that the survey found nowhere else, and
 * neither contains an identifier nor is part of one.
 */
export function createNameCheck({ identifiers, words }: Met): (name: string) => boolean {
  const redactor = createRedactor();
  redactor.add(...identifiers);
  const known = [...identifiers, ...words].map(bare).filter(({ length }) => length >= TELLING_LENGTH);
  const isMet = (text: string) =>
    known.some((one) => text.includes(one) || (text.length >= TELLING_LENGTH && one.includes(text)));
  return (name) => {
    if (!PLAIN_NAME.test(name) || name.length > LONGEST_NAME || redactor.redact(name) !== name) return false;
    return !isMet(bare(name)) && !wordsIn(name).some((word) => words.has(word) || isMet(word));
  };
}

function bare(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}
