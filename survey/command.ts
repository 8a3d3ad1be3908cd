import { parseArgs } from 'node:util';
import { mayBeSeveral } from '../src/fleet/targets.ts';
import type { Environment } from '../src/inputs/form.ts';
import { type Inputs, readInputs } from '../src/inputs/inputs.ts';
import { duration, HOUR, SECOND } from '../src/inputs/parsers.ts';
import { UNKNOWN_ID } from './recorder.ts';

export const USAGE = `Measures how your controller behaves, before you trust this action with it.

Usage: npm run survey -- --controller-url URL [options]

  --controller-url URL   the controller, as in the input controller_url
  --instance-id ID       read this instance more often
  --restart              restart that instance once, and measure it; asks first
  --yes                  do not ask
  --runner-name NAME     with --restart: also poll this GitHub runner
  --runner-scope SCOPE   where the runner is registered: owner/repo, an organization, or enterprises/NAME
  --for TIME             how long to measure, such as 60s or 5m, an hour at most (default 60s)
  --out PATH             write the report to PATH.md and PATH.json (default anka-survey)
  -h, --help             this text

Without --restart, it only reads. All other inputs of the action, secrets included, come from the environment: INPUT_ROOT_TOKEN,
INPUT_API_KEY_ID and INPUT_API_KEY, INPUT_CLIENT_CERT and INPUT_CLIENT_KEY, INPUT_CA_CERT, INPUT_HEADERS, INPUT_GITHUB_TOKEN, ...
The survey connects only to the controller, its nodes, and, with --runner-name, GitHub.`;

/** The task of a survey. */
export interface Command {
  readonly inputs: Inputs;
  /** The instance to follow; undefined for any running one. */
  readonly instanceId: string | undefined;
  readonly restarts: boolean;
  /** Whether to restart without asking the user. */
  readonly isConfirmed: boolean;
  readonly watchMs: number;
  /** The secrets in the inputs. */
  readonly secrets: readonly string[];
  /** Path of the report, without its ending. */
  readonly out: string;
}

const TEXT = { type: 'string' } as const;
const FLAG = { type: 'boolean' } as const;
const OPTIONS = {
  'controller-url': TEXT,
  'instance-id': TEXT,
  restart: FLAG,
  yes: FLAG,
  'runner-name': TEXT,
  'runner-scope': TEXT,
  for: TEXT,
  out: TEXT,
  help: { ...FLAG, short: 'h' },
} as const;

/** Options that set inputs, which the environment can set as well. */
const INPUTS = ['controller-url', 'instance-id', 'runner-name', 'runner-scope'] as const;

/**
 * Reads the command line, and the environment of the action's inputs.
 * @returns `help` if the user asks for the usage.
 * @throws Error for invalid options, ActionError `invalid_input` for invalid inputs.
 */
export function readCommand(
  args: readonly string[],
  environment: Environment,
  onSecret: (...secrets: readonly string[]) => void,
): Command | 'help' {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  if (values.help === true) return 'help';
  const given = { ...environment, ...variablesFrom(values) };
  const instanceId = given['INPUT_INSTANCE_ID']?.trim() || undefined;
  if (values.restart === true && instanceId === undefined)
    throw new Error('--restart needs --instance-id: the VM to restart');
  // The inputs require a target. If the user gave none, the survey does not use it.
  const secrets: string[] = [];
  const inputs = readInputs(
    { ...given, INPUT_INSTANCE_ID: instanceId ?? UNKNOWN_ID, INPUT_EXTERNAL_ID: '', INPUT_DRY_RUN: 'false' },
    (...found) => {
      onSecret(...found);
      secrets.push(...found);
    },
  );
  if (mayBeSeveral(inputs.targets)) throw new Error('--instance-id takes one VM only');
  return {
    inputs,
    secrets,
    instanceId,
    restarts: values.restart ?? false,
    isConfirmed: values.yes ?? false,
    watchMs: readDuration(values.for ?? '60s'),
    out: values.out ?? 'anka-survey',
  };
}

function variablesFrom(values: Partial<Record<string, string | boolean>>): Record<string, string> {
  return Object.fromEntries(
    INPUTS.flatMap((option) => {
      const value = values[option];
      return typeof value === 'string' ? [[`INPUT_${option.replace('-', '_').toUpperCase()}`, value]] : [];
    }),
  );
}

function readDuration(text: string): number {
  const parsed = duration({ min: SECOND, max: HOUR })(text);
  if ('value' in parsed) return parsed.value;
  throw new Error(`--for: ${parsed.problem}`);
}
