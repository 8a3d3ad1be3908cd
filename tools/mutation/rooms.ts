/** The rooms of `src`, as CONTRIBUTING.md shows them. */
export const ROOMS = [
  'frame',
  'inputs',
  'report',
  'fleet',
  'runner',
  'drain',
  'github',
  'guest',
  'restart',
  'controller',
  'http',
  'ground',
] as const;
export type RoomName = (typeof ROOMS)[number];

/** Patterns of its modules. */
export function sourcesOf(room: RoomName): string[] {
  if (room === 'frame')
    return ['index', 'main', 'post', 'process', 'post-step'].map((name) => `src/${name}.ts`);
  if (room === 'ground')
    return ['src/clock.ts', 'src/dates.ts', 'src/errors.ts', 'src/likeness.ts', 'src/log.ts', 'src/poll.ts'];
  return [`src/${room}/*.ts`];
}

/** Patterns of its test files. All rooms stand on the ground, so all of their tests are tests of it. */
export function testsOf(room: RoomName): string[] {
  if (room === 'ground') return ['**/__tests__/**/*.test.ts'];
  return sourcesOf(room).map((source) =>
    source.replace('src/', '**/__tests__/').replace(/\.ts$/, '.test.ts'),
  );
}
