import { mkdir, writeFile } from 'node:fs/promises';
import { Stryker } from '@stryker-mutator/core';
import { readOptions } from '../../simulator/command-line.ts';
import { ROOMS, type RoomName, sourcesOf, testsOf } from './rooms.ts';
import { describeScores, LEAST_PERCENT, type Mutant, type Score, scoreOf } from './scores.ts';

const USAGE = `Makes small mistakes in src, room by room, and runs the room's own tests that reach each.

Usage: npm run mutate -- [options]

  --room ROOM  only this room of src (${ROOMS.join(', ')})
  --jobs J     J mistakes at a time (default: one less than there are cores)
  --force      repeat everything; otherwise only what changed since the last run, which reports/mutation keeps`;

const TEXT = { type: 'string' } as const;
const { rooms, jobs, force } = readOptions(
  USAGE,
  { room: TEXT, jobs: TEXT, force: { type: 'boolean' } },
  ({ room, force = false }, number) => ({
    rooms: room === undefined ? ROOMS : [roomFrom(room)],
    jobs: number('jobs', 0, { min: 1, max: 256 }),
    force,
  }),
);

function roomFrom(text: string): RoomName {
  const room = ROOMS.find((one) => one === text);
  if (room === undefined) throw new Error(`--room takes one of ${ROOMS.join(', ')}`);
  return room;
}

const scores: Score[] = [];
for (const room of rooms) scores.push(scoreOf(room, await mutate(room)));

const table = describeScores(scores);
await mkdir('reports/mutation', { recursive: true });
await writeFile(`reports/mutation/${rooms.length === 1 ? rooms[0] : 'scores'}.md`, table);
console.log(`\n${table}`);
process.exitCode = scores.every(({ percent }) => percent >= LEAST_PERCENT) ? 0 : 1;

function mutate(room: RoomName): Promise<readonly Mutant[]> {
  console.log(`\n${room}`);
  const report = `reports/mutation/${room}`;
  return new Stryker({
    configFile: 'tools/mutation/stryker.config.js',
    jest: { configFile: 'tools/mutation/jest.config.js', config: { testMatch: testsOf(room) } },
    mutate: sourcesOf(room),
    incrementalFile: `${report}.json`,
    htmlReporter: { fileName: `${report}.html` },
    force,
    ...(jobs > 0 && { concurrency: jobs }),
  }).runMutationTest();
}
