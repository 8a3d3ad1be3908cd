import { expect, test } from '@jest/globals';
import { createPlaces, type Places } from '../../src/fleet/places.ts';

/** What has come to pass by now. */
async function hasHappened(event: Promise<void>): Promise<boolean> {
  return Promise.race([event.then(() => true), Promise.resolve().then(() => false)]);
}

function allArrived(vms: number, places: number, mostFailures = 0): Places {
  const created = createPlaces(vms, { places, mostFailures });
  for (let index = 0; index < vms; index++) created.arrive(index);
  return created;
}

test('all wait until the last one has come, or has ended on its way', async () => {
  const places = createPlaces(3, { places: 3, mostFailures: 1 });
  const arrived = places.arrive(0);
  const turn = places.take(0);
  places.arrive(1);
  expect([await hasHappened(arrived), await hasHappened(turn)]).toEqual([false, false]);
  places.end(2, true);
  expect([await hasHappened(arrived), await hasHappened(turn)]).toEqual([true, true]);
  expect(await hasHappened(places.arrive(0))).toBe(true);
  expect([places.has(0), places.has(1)]).toEqual([true, false]);
});

test('a place goes from one to the next, in their order', async () => {
  const places = allArrived(3, 1);
  const turns = [2, 1, 0].map((index) => ({ index, turn: places.take(index) }));
  const begun = () =>
    Promise.all(turns.map(async ({ index, turn }) => ((await hasHappened(turn)) ? [index] : [])));
  expect((await begun()).flat()).toEqual([2]);
  places.end(2, false);
  expect((await begun()).flat()).toEqual([2, 0]);
  // Whoever asks once more keeps its place.
  expect(await hasHappened(places.take(0))).toBe(true);
  places.giveBack(0);
  expect([places.has(0), places.has(1)]).toEqual([false, true]);
  const again = places.take(0);
  expect(await hasHappened(again)).toBe(false);
  places.end(1, false);
  expect(await hasHappened(again)).toBe(true);
});

test('after too many failures, only those whose restart has left go on', () => {
  const places = createPlaces(6, { places: 3, mostFailures: 0 });
  for (const index of [0, 1, 2, 3, 4]) places.arrive(index);
  places.end(5, false);
  for (const index of [0, 1, 2, 3]) places.take(index);
  places.depart(0);
  places.depart(1);
  places.end(0, true);
  const dismissed = [0, 1, 2, 3, 4, 5].map((index) => places.dismissalOf(index).aborted);
  expect(dismissed).toEqual([false, false, true, true, true, false]);
  expect(places.dismissalOf(2).reason).toMatchObject({ name: 'LeftAlone', why: 'not_started' });
});

test('after too many failures, a restart that was certainly not carried out is not sent again', () => {
  const places = allArrived(2, 2);
  for (const index of [0, 1]) places.take(index);
  places.depart(0);
  places.end(1, true);
  expect(places.dismissalOf(0).aborted).toBe(false);
  places.arrive(0);
  expect(places.dismissalOf(0).aborted).toBe(true);
});

test('after too many failures, nobody begins who is still on the way to its gate', () => {
  const places = createPlaces(2, { places: 1, mostFailures: 0 });
  places.end(0, true);
  expect(places.dismissalOf(1).aborted).toBe(true);
});

test('there is no place for somebody else', () => {
  expect(() => createPlaces(1, { places: 1, mostFailures: 0 }).has(1)).toThrow('there is no VM 1');
});
