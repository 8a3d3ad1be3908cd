import * as core from '@actions/core';
import { createRedactor, encodings, maskable } from './redactor.ts';

/** The only writer to the log. Whatever it prints is harmless: no secret, no control character, no workflow command. */
export interface Terminal {
  /** Hides secrets from now on: in everything printed here, and by the runner in everything else. */
  mask(...secrets: readonly string[]): void;
  /** What may be shown of a text, on one line. */
  clean(text: string): string;
  info(line: string): void;
  debug(line: string): void;
  warning(line: string): void;
  /** One error annotation; the text's lines stay lines. */
  error(title: string, text: string): void;
}

export function createTerminal(): Terminal {
  // Where the reader of the log ends, writing fails. Without a listener that would end the step in the midst of a restart.
  if (process.stdout.listenerCount('error') === 0) process.stdout.on('error', () => {});
  const redactor = createRedactor();
  const clean = (text: string) => harmless(redactor.redact(text));
  return {
    mask(...secrets) {
      redactor.add(...secrets);
      // The runner masks just what it is told, and some encodings of it.
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
 * Makes a text safe to be printed as one line. The runner takes `::x::` at a line's start (after white space) and
 * `##[x]` anywhere for commands.
 */
export function harmless(text: string): string {
  return text
    .replace(UNPRINTABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replaceAll('##[', '# #[')
    .replace(/^\s*::/, (start) => start.replace('::', ': :'));
}
