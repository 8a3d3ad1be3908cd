import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runLinter } from './linters.ts';
import { actionReference } from './repository.ts';

// Runs a workflow with act on this machine. Nothing is downloaded: this action is the one in this folder, and actions/checkout does nothing,
// because act copies the workspace.

export interface WorkflowRun {
  /** The text of its file. */
  readonly workflow: string;
  /** What starts it: a push, if absent. With `workflow_dispatch` a person gives inputs. */
  readonly event?: 'push' | 'workflow_dispatch';
  readonly inputs?: Readonly<Record<string, string>>;
  readonly variables?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  /** Files in the workspace, by path; this action is always there. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface WorkflowResult {
  readonly exitCode: number;
  /** `success` or `failure` of each job that ran; a matrix has several. */
  readonly jobs: Readonly<Record<string, readonly string[]>>;
  /** What the steps printed, without workflow commands. */
  readonly log: string;
  /** The conclusion of each step that ran, by job and name. */
  readonly steps: Readonly<Record<string, string>>;
}

/** A line of `act --json`, as far as this module reads it. */
interface Line {
  readonly jobID?: string;
  readonly step?: string;
  readonly stage?: string;
  readonly msg: string;
  readonly raw_output?: boolean;
  readonly jobResult?: string;
  readonly stepResult?: string;
}

const CHECKOUT = `name: Checkout
description: Stands in for actions/checkout; act has copied the workspace.
inputs: { persist-credentials: { description: as of the original } }
runs:
  using: composite
  steps: [{ run: 'true', shell: bash }]
`;

/** The repository that act believes it is in; the simulated GitHub knows it. */
const ORIGIN = 'https://github.com/octo-org/app.git';

/** Runs a workflow. @throws Error if act runs no job, for example because it cannot read the workflow. */
export async function runWorkflow(run: WorkflowRun): Promise<WorkflowResult> {
  const folder = mkdtempSync(join(tmpdir(), 'act-'));
  try {
    const workspace = prepareWorkspace(folder, run);
    const { exitCode, stdout, stderr } = await runLinter('act', flagsOf(run, folder), {
      cwd: workspace,
      env: { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: folder },
    });
    const lines = linesOf(stdout);
    if (!lines.some(({ jobResult }) => jobResult !== undefined))
      throw new Error(`act ran no job: ${stdout}${stderr}`);
    return { exitCode, ...readLines(lines) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function prepareWorkspace(folder: string, { workflow, files = {} }: WorkflowRun): string {
  const workspace = join(folder, 'workspace');
  const all = { '.github/workflows/test.yml': workflow, '../checkout/action.yml': CHECKOUT, ...files };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(workspace, path)), { recursive: true });
    writeFileSync(join(workspace, path), text);
  }
  for (const name of ['action.yml', 'dist']) {
    cpSync(name, join(workspace, name), { recursive: true });
    cpSync(name, join(folder, 'action', name), { recursive: true });
  }
  // Without a configuration, act asks which images to use.
  mkdirSync(join(folder, 'act'));
  writeFileSync(join(folder, 'act', 'actrc'), '');
  commitAll(workspace);
  return workspace;
}

function commitAll(workspace: string): void {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: workspace, stdio: 'pipe' });
  git('init', '--quiet', '--initial-branch', 'main');
  git('remote', 'add', 'origin', ORIGIN);
  git('add', '--all');
  git('-c', 'user.name=test', '-c', 'user.email=test@example.com', 'commit', '--quiet', '--message', 'Test');
}

function flagsOf(
  { workflow, event = 'push', inputs = {}, variables = {}, secrets = {}, environment = {} }: WorkflowRun,
  folder: string,
): string[] {
  const checkouts = [...workflow.matchAll(/uses: (actions\/checkout@\w+)/g)].map(([, name]) => name);
  const places = [...new Set(checkouts)].map((name) => `${name}=${join(folder, 'checkout')}`);
  const ours = `${actionReference()}=${join(folder, 'action')}`;
  const labels = ['ubuntu-latest', 'self-hosted', 'linux', 'macos-vm-7', 'macos-pool'].map(
    (label) => `${label}=-self-hosted`,
  );
  return [
    event,
    '--json',
    '--no-cache-server',
    '--action-offline-mode',
    ...['--action-cache-path', join(folder, 'cache')],
    ...labels.flatMap((label) => ['--platform', label]),
    ...[ours, ...places].flatMap((place) => ['--local-repository', place]),
    ...pairs('--input', inputs),
    ...pairs('--var', variables),
    ...pairs('--secret', secrets),
    ...pairs('--env', environment),
  ];
}

function pairs(flag: string, values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => [flag, `${name}=${value}`]);
}

function linesOf(stdout: string): Line[] {
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line): Line => JSON.parse(line));
}

function readLines(lines: readonly Line[]): Omit<WorkflowResult, 'exitCode'> {
  const jobs: Record<string, string[]> = {};
  const steps: Record<string, string> = {};
  for (const { jobID = '', jobResult, step, stage, stepResult } of lines) {
    if (jobResult !== undefined) jobs[jobID] = [...(jobs[jobID] ?? []), jobResult];
    if (stage === 'Main' && stepResult !== undefined) steps[`${jobID}: ${step}`] = stepResult;
  }
  const printed = lines.filter(({ raw_output }) => raw_output === true);
  return { jobs, steps, log: printed.map(({ msg }) => msg).join('') };
}
