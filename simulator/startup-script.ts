/** A script that a start request wants to be run in the new VM. */
export interface StartupScript {
  readonly text: string;
  /** Whether its result is reported, and counts. */
  readonly isMonitored: boolean;
  readonly timeoutMs: number;
  /** Whether the VM goes on running where the script fails. */
  readonly keepsVm: boolean;
}

/** As the controller reports it. */
export interface ScriptResult {
  /** -1 where it took too long. */
  readonly returnCode: number;
  readonly didTimeOut: boolean;
}

const TAKES_MS = 1_000;

/** The guest is made up, so the script tells what it does: `sleep SECONDS` takes time, `exit CODE` ends it. */
export function runScript({ text, timeoutMs }: StartupScript): { result: ScriptResult; tookMs: number } {
  const [, seconds = 0] = /\bsleep (\d+)/.exec(text) ?? [];
  const [, code = 0] = /\bexit (\d+)/.exec(text) ?? [];
  const takesMs = TAKES_MS + Number(seconds) * 1_000;
  return takesMs > timeoutMs
    ? { result: { returnCode: -1, didTimeOut: true }, tookMs: timeoutMs }
    : { result: { returnCode: Number(code), didTimeOut: false }, tookMs: takesMs };
}
