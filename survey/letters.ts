/** Gives each name a letter, in the order in which they are asked for: A to Z, AA, AB, ... */
export function createLetters(): (name: string) => string {
  const known = new Map<string, string>();
  return (name) => {
    const letter = known.get(name) ?? letterOf(known.size);
    known.set(name, letter);
    return letter;
  };
}

const LETTERS = 26;

function letterOf(index: number): string {
  const last = String.fromCharCode(65 + (index % LETTERS));
  return index < LETTERS ? last : letterOf(Math.floor(index / LETTERS) - 1) + last;
}
