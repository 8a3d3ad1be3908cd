/**
 * Preloaded into a process (`node --import`), it lets time pass TIME_FACTOR times as fast there: what waits for minutes can be
 * shown in seconds, without the process knowing.
 */
const factor = Number(process.env['TIME_FACTOR'] ?? 1);
const [setTimer, now, startedAt] = [globalThis.setTimeout, performance.now.bind(performance), Date.now()];
const began = now();

performance.now = () => began + (now() - began) * factor;
Date.now = () => startedAt + (now() - began) * factor;
globalThis.setTimeout = Object.assign(
  (act: (...given: unknown[]) => void, ms = 0, ...given: unknown[]) => setTimer(act, ms / factor, ...given),
  setTimer,
) as typeof setTimeout;

export {};
