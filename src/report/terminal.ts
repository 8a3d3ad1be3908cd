import * as core from '@actions/core';
import { createRedactor, encodings, maskable } from './redactor.ts';

/** The only writer to the log. Everything it prints is safe: no secret, no control character, no workflow command. */
export interface Terminal {
  /** Masks secrets from now on: here in everything that this module prints, and by the runner in all other output. */
  mask(...secrets: readonly string[]): void;
  /** The text without secrets and control characters, on one line. */
  clean(text: string): string;
  info(line: string): void;
  debug(line: string): void;
  warning(line: string): void;
  /** One error annotation; line breaks in the text are kept. */
  error(title: string, text: string): void;
}

export function createTerminal(): Terminal {
  // If the reader of the log exits, writing fails. Without a listener that would end the step in the middle of a restart.
  if (process.stdout.listenerCount('error') === 0) process.stdout.on('error', () => {});
  const redactor = createRedactor();
  const clean = (text: string) => harmless(redactor.redact(text));
  return {
    mask(...secrets) {
      redactor.add(...secrets);
      // The runner masks only the given value, and some encodings of it.
      for (const form of new Set(secrets.flatMap(maskable).flatMap(encodings))) core.setSecret(form);
    },
    clean,
    info: (line) => core.info(clean(line)),
    debug: (line) => core.debug(clean(line)),
    warning: (line) => core.warning(clean(line)),
    error: (title, text) => {
      const lines = redactor.redact(text).split('\n').map(harmless);
      core.error(lines.join('\n'), { title: clean(title) });
    },
  };
}

// C0 and C1 controls, line and paragraph separators, marks that change the direction of writing, lone surrogates.
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Cs}]/gu;

/**
 * Makes a text safe to print as one line. The runner interprets `::x::` at the start of a line (after white space) and
 * `##[x]` anywhere as commands.
 */
export function harmless(text: string): string {
  return text
    .replace(UNPRINTABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replaceAll('##[', '# #[')
    .replace(/^\s*::/, (start) => start.replace('::', ': :'));
}
