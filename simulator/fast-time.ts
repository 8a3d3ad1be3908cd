/**
 * Preloaded into a process (`node --import`), it lets time pass TIME_FACTOR times as fast there: what takes minutes can be
 * shown in seconds, without a change to the process's code.
 */
const factor = Number(process.env['TIME_FACTOR'] ?? 1);
const [setTimer, now, startedAt] = [globalThis.setTimeout, performance.now.bind(performance), Date.now()];
const began = now();

performance.now = () => began + (now() - began) * factor;
Date.now = () => startedAt + (now() - began) * factor;
globalThis.setTimeout = Object.assign(
  (callback: (...given: unknown[]) => void, ms = 0, ...given: unknown[]) =>
    setTimer(callback, ms / factor, ...given),
  setTimer,
) as typeof setTimeout;

export {};
