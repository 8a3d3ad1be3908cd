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
  (callback: (...given: unknown[]) => void, ms = 0, ...given: unknown[]) => {
    const timer = setTimer(callback, ms / factor, ...given);
    // A timer that does not keep the process going bounds its end, which is real: writing is as slow as ever.
    timer.unref = () => {
      clearTimeout(timer);
      return setTimer(callback, ms, ...given).unref();
    };
    return timer;
  },
  setTimer,
) as typeof setTimeout;

export {};
