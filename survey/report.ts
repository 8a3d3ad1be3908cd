import { describeStep } from '../simulator/step.ts';
import { type Advice, adviceFor } from './advice.ts';
import type { AnswerFacts } from './answer-facts.ts';
import { compare, type Row } from './comparison.ts';
import type { Facts } from './facts.ts';
import type { FieldFacts } from './fields.ts';
import type { RestartFacts } from './restart-facts.ts';
import { bytes, duration } from './wording.ts';

/** A report, in both of its forms. */
export interface Report {
  readonly markdown: string;
  readonly json: string;
}

/** Says in the report what its fields mean: raised when they change. */
const FORMAT = 1;
const ACTION = 'your-org/restart-anka-vm@main';

/** @param madeOn a day, such as `2026-11-24`. Pure. */
export function renderReport(facts: Facts, madeOn: string): Report {
  const rows = compare(facts);
  const advice = adviceFor(facts);
  const differences = rows.filter(({ differs }) => differs).map(({ fact }) => fact);
  const json = { format: FORMAT, madeOn, facts, differences, advice };
  return {
    markdown: `${renderMarkdown(facts, { rows, advice, madeOn }).join('\n')}\n`,
    json: `${JSON.stringify(json, rounded, 2)}\n`,
  };
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 1_000) / 1_000 : value;
}

interface Parts {
  readonly rows: readonly Row[];
  readonly advice: Advice;
  readonly madeOn: string;
}

function renderMarkdown(facts: Facts, { rows, advice, madeOn }: Parts): string[] {
  const early = facts.problem === undefined ? '' : `, ended early (${facts.problem})`;
  return [
    '# Survey of an Anka Build Cloud Controller',
    '',
    `Made on ${madeOn} by \`npm run survey\`, in ${duration(facts.watchedMs)}${early}. Letters stand for names: there is no name, address,`,
    'ID or secret in this report. `≠` marks what contradicts the simulator.',
    '',
    '## What to do',
    '',
    ...advice.warnings.map((warning) => `- ${warning}`),
    ...(advice.warnings.length === 0 ? ['Nothing speaks against the action here.'] : []),
    '',
    '```yaml',
    describeStep(ACTION, advice.inputs),
    '```',
    '',
    '## What was seen',
    '',
    ...table(['', 'fact', 'here', 'in the simulator'], rows.map(cellsOf)),
    '',
    ...answerTable(facts.answers),
    ...sizes(facts),
    '',
    '## Fields',
    '',
    ...facts.fields.flatMap(fieldLines),
    ...(facts.restart === undefined
      ? []
      : ['', '## The restart, as it went by', '', ...passingTable(facts.restart)]),
  ];
}

function cellsOf({ fact, seen, simulated, differs }: Row): string[] {
  return [differs ? '≠' : '', fact, seen, simulated];
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)];
}

function answerTable(answers: readonly AnswerFacts[]): string[] {
  const rows = answers.map(({ call, asked, medianMs, longestMs, largestBytes, statuses }) => {
    const came = Object.entries(statuses).map(([status, count]) => `${status}: ${count}`);
    return [
      call,
      String(asked),
      duration(medianMs),
      duration(longestMs),
      bytes(largestBytes),
      came.join(', '),
    ];
  });
  return table(['question', 'asked', 'median', 'longest', 'largest', 'answers'], rows);
}

function sizes({ list }: Facts): string[] {
  if (list === undefined) return [];
  const unreadable = list.unreadable === 0 ? '' : `, ${list.unreadable} of which cannot be read`;
  return [
    '',
    `The list holds ${list.instances} instances${unreadable}, on ${list.nodes} nodes: ${bytes(list.bytes)}.`,
  ];
}

function fieldLines({ call, missing, unknown, unnamed, otherKinds }: FieldFacts): string[] {
  const named = (places: readonly string[]) =>
    places.map((place) => `\`${place || 'the whole'}\``).join(', ');
  const others = otherKinds.map(
    ({ place, seen, simulated }) =>
      `\`${place || 'the whole'}\` is ${seen.join(' or ')}, not ${simulated.join(' or ')}`,
  );
  const lines = [
    ...(missing.length > 0 ? [`≠ never there, though the action reads them: ${named(missing)}`] : []),
    ...(others.length > 0 ? [`≠ of another kind: ${others.join('; ')}`] : []),
    ...(unknown.length > 0 ? [`≠ unknown to the simulator: ${named(unknown)}`] : []),
    ...(unnamed > 0 ? [`≠ unknown, with names that are not shown: ${unnamed}`] : []),
  ];
  return [
    `- \`${call}\`: ${lines.length === 0 ? 'all as expected' : ''}`,
    ...lines.map((line) => `  - ${line}`),
  ];
}

function passingTable({ passing }: RestartFacts): string[] {
  const rows = passing.map(({ afterMs, state, status, isNewBoot }) => [
    `+ ${duration(afterMs)}`,
    state,
    status,
    isNewBoot ? 'the new one' : 'that of before',
  ]);
  return table(['since it was sent', 'instance_state', 'status', 'boot'], rows);
}
