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
    return ['index', 'main', 'post', 'process', 'restore-labels'].map((name) => `src/${name}.ts`);
  if (room === 'ground')
    return ['src/clock.ts', 'src/dates.ts', 'src/errors.ts', 'src/likeness.ts', 'src/log.ts', 'src/poll.ts'];
  return [`src/${room}/*.ts`];
}

/** Patterns of the test files that mirror them. */
export function testsOf(room: RoomName): string[] {
  return sourcesOf(room).map((source) =>
    source.replace('src/', '**/__tests__/').replace(/\.ts$/, '.test.ts'),
  );
}
