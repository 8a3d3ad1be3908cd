const MOST_SUGGESTIONS = 3;
/** Longer IDs are only compared ignoring case. In characters. */
const LONGEST_COMPARED = 100;
/** One character in this many may be mistyped. */
const CHARACTERS_PER_MISTAKE = 4;

/** The known IDs most likely meant by a mistyped one, closest first. One that differs only in case is certain. */
export function closestTo(wanted: string, known: readonly string[]): string[] {
  const most = Math.max(1, Math.floor(wanted.length / CHARACTERS_PER_MISTAKE));
  const scored = [...new Set(known)].map((id) => ({ id, distance: distanceBetween(wanted, id, most) }));
  const isCertain = scored.some(({ distance }) => distance === 0);
  return scored
    .filter(({ distance }) => distance <= (isCertain ? 0 : most))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, MOST_SUGGESTIONS)
    .map(({ id }) => id);
}

/** How many characters differ, ignoring case; infinite if certainly more than `most`. */
function distanceBetween(wanted: string, id: string, most: number): number {
  const [a, b] = [wanted.toLowerCase(), id.toLowerCase()];
  if (a === b) return 0;
  const isFar = Math.abs(a.length - b.length) > most || Math.max(a.length, b.length) > LONGEST_COMPARED;
  return isFar ? Number.POSITIVE_INFINITY : editDistance(a, b);
}

/** Levenshtein distance: how many characters must be inserted, removed or replaced. */
function editDistance(a: string, b: string): number {
  let distances = [...Array(b.length + 1).keys()];
  for (const [line, character] of [...a].entries()) {
    let [diagonal, left] = [line, line + 1];
    distances = distances.map((above, column) => {
      if (column === 0) return left;
      const replaced = diagonal + (b[column - 1] === character ? 0 : 1);
      diagonal = above;
      left = Math.min(above + 1, left + 1, replaced);
      return left;
    });
  }
  return Math.max(...distances.slice(-1));
}
