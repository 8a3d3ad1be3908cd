import type { StepOutcome } from '../../src/fleet/step-outcome.ts';
import { outputsOf } from '../../src/report/outputs.ts';
import { secretsIn } from './environment.ts';
import { formsOf, readingsOf } from './forms.ts';
import type { Case, CaseResult } from './step.ts';

/** In milliseconds: how much longer than its timeout a step may take, and how much real time one case may take. */
const END_MS = 2_000;
const REAL_MS = 10_000;

/** Everything that a step did wrong in a case, in words; empty if nothing. */
export function violationsOf({ environment }: Case, result: CaseResult): string[] {
  const { outcome, timeoutMs = 0, tookMs, reallyTookMs } = result;
  const checks: readonly [string, boolean][] = [
    [`internal_error: ${outcome.error?.message}`, outcome.error?.code === 'internal_error'],
    [`it took ${tookMs} ms of ${timeoutMs}`, tookMs > timeoutMs + END_MS],
    [`it really took ${reallyTookMs} ms`, reallyTookMs > REAL_MS],
  ];
  return [
    ...checks.filter(([, isWrong]) => isWrong).map(([violation]) => violation),
    ...violationsInLog(result),
    ...violationsInOutputs(result),
    ...violationsInSummary(result),
    ...leaks(result, secretsIn(environment)),
  ];
}

const MASK = '::add-mask::';
// Control characters, separators, direction marks, lone surrogates.
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Cs}]/u;

/** The runner ends a line at any line break, and interprets `::x::` at its start and `##[x]` anywhere as commands. */
function violationsInLog({ log, outcome }: CaseResult): string[] {
  const lines = log.split(/\r\n|\r|\n/).filter((line) => !line.startsWith(MASK));
  const commands = lines.filter((line) => line.trimStart().startsWith('::'));
  const foreign = commands.filter((line) => !/^::(debug|warning|error title=[^:,]*)::/.test(line));
  const old = lines.filter((line) => line.includes('##['));
  const unprintable = lines.filter((line) => UNPRINTABLE.test(line));
  const annotations = commands.filter((line) => line.startsWith('::error'));
  return [
    ...[...foreign, ...old].map((line) => `a command in the log: ${JSON.stringify(line)}`),
    ...unprintable.map((line) => `a control character in the log: ${JSON.stringify(line)}`),
    ...(annotations.length === (outcome.error === undefined ? 0 : 1) ? [] : ['not one annotation an error']),
  ];
}

/** Whether a restart was sent to any VM that was not refused. */
function mayHaveLeft(outcome: StepOutcome): boolean {
  return outcome.vms.some(({ restarted }) => restarted !== 'false');
}

/**
 * Every output once at the end, and once before each attempt of the restart: `name<<delimiter`, one line (except for IDs), `delimiter`. If a
 * restart may have been sent, the outputs said so before.
 */
function violationsInOutputs({ outputs, outcome }: CaseResult): string[] {
  const names: string[] = [];
  const rest = outputs.replace(
    /^(\w+)<<(ghadelimiter_[\w-]+)\n([\s\S]*?)\n\2\n/gm,
    (_, name, __, value: string) => {
      names.push(name);
      const lines = name === 'remaining' ? value.split('\n') : [value];
      return lines.some((line) => UNPRINTABLE.test(line)) ? value : '';
    },
  );
  const declared = Object.keys(outputsOf(outcome, String));
  const times = names.length / declared.length;
  const isWhole = names.every((name, index) => name === declared[index % declared.length]);
  if (isWhole && times < (mayHaveLeft(outcome) ? 2 : 1)) return ['a restart that was not announced'];
  return rest === '' && isWhole && Number.isInteger(times)
    ? []
    : [`outputs that say something else: ${JSON.stringify(outputs)}`];
}

/** The timeline of a runner: the step's own words, and times. */
const CHART = /\n\n```mermaid\ngantt\n[\w :,.%→-]+(?:\n[\w :,.%→-]+)*\n```\n\n/;
const TAG = /<\/?(h3|p|b|ul|li|table|tr|th|td( nowrap)?|code)>/g;
const CHARACTER = /&#(\d+);/g;
const LARGEST_SUMMARY = 1024 * 1024;

/** The summary may contain the step's own tags, and characters without a meaning in Markdown or HTML, but no empty line. */
function violationsInSummary({ summary: whole }: CaseResult): string[] {
  const summary = whole.replace(CHART, '\n');
  const text = summary.replace(TAG, '').replace(CHARACTER, 'x');
  const isPlain =
    /^[\p{L}\p{M}\p{N} .,:;/→\n-]*$/u.test(text) && !/:\/\//.test(text) && !/\n\s*\n/.test(summary);
  return isPlain && summary.length < LARGEST_SUMMARY ? [] : [`a summary that means something: ${summary}`];
}

/** Secrets, in any usual form, in anything that the step writes, except masks for the runner. */
function leaks(
  { log, outputs, summary, controllerSecrets }: CaseResult,
  secrets: readonly string[],
): string[] {
  const shown = log
    .split('\n')
    .filter((line) => !line.startsWith(MASK))
    .join('\n');
  const texts = [shown, shown.replaceAll('%25', '%'), outputs, summary];
  return leakedInto(texts, [...secrets, ...controllerSecrets]);
}

/** Secrets, in any usual form, in any of the texts, in any decoding: in words, empty if there are none. */
export function leakedInto(texts: readonly string[], secrets: readonly string[]): string[] {
  const written = texts.flatMap(readingsOf).join('\n').toLowerCase();
  const forms = new Set(secrets.flatMap(formsOf));
  const leaked = [...forms].filter((form) => written.includes(form.toLowerCase()));
  return leaked.map((form) => `a secret was written: ${form}`);
}
