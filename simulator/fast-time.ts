/**
 * Preloaded into a process (`node --import`), it makes time pass TIME_FACTOR times as fast there, so that minutes can be shown in seconds
 * without changing the process's code.
 */
const factor = Number(process.env['TIME_FACTOR'] ?? 1);
const [setTimer, now, startedAt] = [globalThis.setTimeout, performance.now.bind(performance), Date.now()];
const began = now();

performance.now = () => began + (now() - began) * factor;
Date.now = () => startedAt + (now() - began) * factor;
globalThis.setTimeout = Object.assign(
  (callback: (...given: unknown[]) => void, ms = 0, ...given: unknown[]) => {
    const timer = setTimer(callback, ms / factor, ...given);
    // Timers that do not keep the process alive limit real work at its end, such as writing: they stay real.
    timer.unref = () => {
      clearTimeout(timer);
      return setTimer(callback, ms, ...given).unref();
    };
    return timer;
  },
  setTimer,
) as typeof setTimeout;

export {};
