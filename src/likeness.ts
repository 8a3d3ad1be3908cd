// Which of the known names a mistyped one may mean.

interface Named {
  readonly name: string;
}

/** Sorts by similarity to the given name, so that for a typo the intended one comes first. */
export function nearestFirst<T extends Named>(named: readonly T[], written: string): T[] {
  return rated(named, written).map(({ one }) => one);
}

const MOST_SUGGESTIONS = 3;
/** Names that are less alike have more differences than a typo makes. */
const LEAST_LIKENESS = 0.6;
/** Longer names, which a server may send, are only compared for equality. In characters. */
const LONGEST_COMPARED = 100;

/** The known names that are most likely meant, closest first. One that differs only in case is certain. */
export function closestTo(written: string, known: readonly string[]): string[] {
  const names = [...new Set(known)];
  const same = names.filter(
    (name) => name.length === written.length && name.toLowerCase() === written.toLowerCase(),
  );
  const short = names.filter(({ length }) => length <= LONGEST_COMPARED).map((name) => ({ name }));
  const alike = rated(short, written).filter(({ likeness }) => likeness >= LEAST_LIKENESS);
  return (same.length > 0 ? same : alike.map(({ one }) => one.name)).slice(0, MOST_SUGGESTIONS);
}

/** The most alike first. */
function rated<T extends Named>(named: readonly T[], written: string) {
  const rating = named.map((one) => ({ one, likeness: likenessOf(one.name, written) }));
  return rating.sort((a, b) => b.likeness - a.likeness);
}

/** From 0 to 1: the share of pairs of neighboring characters that both texts have, ignoring case (Dice's coefficient). */
function likenessOf(one: string, other: string): number {
  const [pairs, others] = [pairsOf(one), pairsOf(other)];
  return (2 * pairs.intersection(others).size) / (pairs.size + others.size);
}

/** The first and the last character each form an extra pair, so that every text has at least one. */
function pairsOf(text: string): Set<string> {
  const padded = ` ${text.toLowerCase()} `;
  return new Set(Array.from({ length: padded.length - 1 }, (_, index) => padded.slice(index, index + 2)));
}
