import { appendFileSync, existsSync } from 'node:fs';
import { EOL } from 'node:os';

// What GitHub's runner understands: commands in the log, and lines in files. `@actions/core` can do the same, but brings along
// an HTTP client for what is not needed here, and takes as long to load as all the rest.

export type CommandName = 'add-mask' | 'debug' | 'warning' | 'error';

/** A line of the log that the runner takes for a command. */
export function command(name: CommandName, message: string, title?: string): string {
  const head = title === undefined ? name : `${name} title=${escapeProperty(title)}`;
  return `::${head}::${escapeData(message)}`;
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

/**
 * Hands the outputs of the step to the runner.
 * @throws Error where they cannot be written.
 */
export function setOutputs(outputs: Readonly<Record<string, string>>): void {
  append('GITHUB_OUTPUT', Object.entries(outputs).map(outputLines).join(''));
}

/**
 * Adds to the job summary.
 * @throws Error where it cannot be written.
 */
export function addToSummary(html: string): void {
  append('GITHUB_STEP_SUMMARY', `${html}${EOL}`);
}

function outputLines([name, value]: readonly [string, string]): string {
  let delimiter = `end_of_${name}`;
  // A value that held the line that ends it could pass for further outputs.
  while (value.includes(delimiter)) delimiter += '_';
  return [`${name}<<${delimiter}`, value, delimiter, ''].join(EOL);
}

/** The runner names the files, and has made them: none is made here. */
function append(variable: string, text: string): void {
  const path = process.env[variable] ?? '';
  if (path === '') throw new Error(`the environment variable ${variable} is not set`);
  if (!existsSync(path)) throw new Error(`there is no file ${path}, which ${variable} names`);
  appendFileSync(path, text);
}
