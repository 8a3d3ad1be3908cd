import { writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { systemClock } from '../src/clock.ts';
import { ActionError, describeCause } from '../src/errors.ts';
import { createTransport } from '../src/http/transport.ts';
import { createRedactor } from '../src/report/redactor.ts';
import { harmless, type Terminal } from '../src/report/terminal.ts';
import { type Command, readCommand, USAGE } from './command.ts';
import { factsFrom } from './facts.ts';
import { createProbe, watchConnections } from './probe.ts';
import type { Recording } from './recorder.ts';
import { renderReport } from './report.ts';
import { openRunner, type RestartMeans, restartAndWatch } from './restart-steps.ts';
import { type Surroundings, survey } from './survey-steps.ts';

/*
 * The frame of a survey: command line, signals, terminal, files. Progress goes to stderr; the report to stdout first, then to its files.
 */

const MISUSED = 2;

const redactor = createRedactor();
const clean = (text: string) => harmless(redactor.redact(text));
const print = (line: string) => void process.stderr.write(`${clean(line)}\n`);

const command = readOrEnd();
if (command === 'help') console.log(USAGE);
else process.exitCode = await makeSurvey(command);

function readOrEnd(): Command | 'help' {
  try {
    const read = readCommand(process.argv.slice(2), process.env, redactor.add);
    if (read !== 'help' && read.restarts && !read.isConfirmed && !process.stdin.isTTY)
      throw new Error('--restart asks for confirmation, but there is no terminal: add --yes');
    return read;
  } catch (error) {
    for (const line of describeCause(error).split('\n')) print(`survey: ${line}`);
    print('survey: run it with --help to see the usage');
    process.exit(MISUSED);
  }
}

/** @returns the exit code. */
async function makeSurvey(asked: Command): Promise<number> {
  const { inputs } = asked;
  const signal = interruptions();
  const connections = watchConnections(inputs.controllerUrl);
  const surroundings: Surroundings = {
    clock: systemClock,
    epochNow: Date.now,
    random: Math.random,
    signal,
    openTransport: () => createTransport({ ...inputs, baseUrl: inputs.controllerUrl, clock: systemClock }),
    probe: createProbe(systemClock),
    onSecret: redactor.add,
    print,
  };
  const runner = await openRunner(asked.inputs, {
    ...surroundings,
    terminal: createLog(),
    addresses: ownAddresses(),
  });
  const means: RestartMeans = { log: createLog(), confirm: () => confirm(asked, signal), ...runner };
  const recording = await survey(asked, surroundings, (run) => restartAndWatch(run, means));
  await runner.close();
  connections.stop();
  recording.httpVersion = connections.versions.has('HTTP/2') ? 'HTTP/2' : [...connections.versions][0];
  return publish(asked, recording);
}

/** The user sees the report before it is written anywhere. */
function publish({ out }: Command, recording: Recording): number {
  const { markdown, json } = renderReport(factsFrom(recording), new Date().toISOString().slice(0, 10));
  process.stdout.write(markdown);
  try {
    writeFileSync(`${out}.md`, markdown);
    writeFileSync(`${out}.json`, json);
  } catch (error) {
    print(`The report could not be written: ${describeCause(error)}`);
    return 1;
  }
  print(`Written to ${out}.md and ${out}.json, and not sent anywhere`);
  const { problem, restart } = recording;
  const isUnproved = restart !== undefined && restart.outcome.restarted !== 'true';
  return (problem !== undefined && problem !== 'cancelled') || isUnproved ? 1 : 0;
}

/** The first Ctrl-C ends the survey, which then reports what it knows; the next one ends the process. */
function interruptions(): AbortSignal {
  const controller = new AbortController();
  const interrupt = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(1);
    print(`Ending early (${name}); the report follows. A second signal ends the survey at once`);
    controller.abort(new ActionError('cancelled', `The survey was ended (${name}).`));
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  return controller.signal;
}

async function confirm({ instanceId }: Command, signal: AbortSignal): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // While it reads a line, the terminal handles Ctrl-C itself.
  terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  try {
    const question = `Restart ${clean(instanceId ?? '')} now? This ends everything that runs in it. Type yes:  `;
    return (await terminal.question(question, { signal })).trim() === 'yes';
  } finally {
    terminal.close();
  }
}

/** No runner reads this output: secrets are hidden, but not registered as masks. */
function createLog(): Terminal {
  const indented = (line: string) => print(`  ${line}`);
  return {
    mask: redactor.add,
    clean,
    info: indented,
    debug: () => {},
    warning: indented,
    error: (title, text) => indented(`${title}: ${text}`),
  };
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address));
}
