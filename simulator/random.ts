// Read once: in Jest, each access to a global is slow.
const { imul } = Math;

/** A seeded random number generator (mulberry32): the same seed gives the same numbers. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  between(min: number, max: number): number;
  uuid(): string;
  /** Another generator, which depends only on the seed and the name, not on what was drawn elsewhere. */
  fork(name: string): Random;
}

export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const hex = () => (next() * 2 ** 32).toString(16).padStart(8, '0');
  return {
    next,
    between: (min, max) => min + next() * (max - min),
    uuid: () => `${hex()}-${hex()}${hex()}${hex()}`.replace(/-(.{4})(.{4})(.{4})/, '-$1-$2-$3-'),
    fork: (name) => createRandom(hash(`${seed} ${name}`)),
  };
}

/** One of the values. */
export function pick<T>(random: Random, ...values: readonly [T, ...T[]]): T {
  return values[Math.floor(random.next() * values.length)] ?? values[0];
}

/** Zero half of the time, otherwise up to this maximum. */
export function rate(random: Random, most: number): number {
  return random.next() < 0.5 ? 0 : random.next() * most;
}

/** 32-bit FNV-1a of the character codes. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) value = imul(value ^ text.charCodeAt(index), 0x01000193);
  return value;
}
