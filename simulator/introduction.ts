import type { PreparedAccess } from './access.ts';
import { GITHUB_API_PATH } from './github-api.ts';
import { JOBS_TOKEN, READ_TOKEN } from './github-by-hand.ts';
import type { GitHubWorld, SimulatedRunner } from './github-world.ts';
import { describeStep } from './step.ts';
import type { World } from './world.ts';

export interface Simulated {
  readonly world: World;
  readonly prepared: PreparedAccess;
  readonly github: GitHubWorld | undefined;
  readonly hasGuests: boolean;
}

type Inputs = Readonly<Record<string, string>>;

/** How to use the simulator, printed at its start. */
export function introduction(url: string, simulated: Simulated): string {
  const { world, github } = simulated;
  const instances = world.visibleRecords().map(({ instanceId, externalId, node }) => {
    return `  ${instanceId}  external_id ${externalId}  on ${node?.name}`;
  });
  const inputs = inputsFor(url, simulated);
  const byHand = environmentFor(inputs, github && `${url}${GITHUB_API_PATH}`);
  const fleet = instances.length > 1 ? `\n${describeFleet(github?.runners[0])}\n` : '';
  return `Controller ${world.options.controllerVersion} (simulated): ${url}   (Ctrl-C ends it)

Instances:
${instances.join('\n')}

A step that restarts the first:
${describeStep('your-org/restart-anka-vm@main', inputs).replace(/^/gm, '  ')}
${fleet}${github === undefined ? '' : OTHER_TOKENS}
The same step as a shell command, from the project's folder:
  out=$(mktemp) summary=$(mktemp)
  env \\
${byHand.map((line) => `    ${line} \\`).join('\n')}
    npx node dist/index.js
  npx node simulator/show-results.ts "$out" "$summary"

${describeEndpoints(url, simulated)}`;
}

function inputsFor(url: string, { world, prepared, github, hasGuests }: Simulated): Record<string, string> {
  const [runner] = github?.runners ?? [];
  return {
    controller_url: url,
    instance_id: world.records[0]?.instanceId ?? 'ID',
    ...prepared.inputs,
    ...(runner && {
      runner_name: nameFor(runner),
      runner_scope: 'octo-org',
      github_token: github?.options.token ?? '',
      ...(runner.takesOneJob && { runner_ephemeral: 'true' }),
    }),
    ...(hasGuests && { guest_check: 'ssh' }),
  };
}

function describeEndpoints(url: string, { world, prepared: { inputs }, github }: Simulated): string {
  const curl = ['curl', ...curlOptions(inputs)].join(' ');
  const json = `-H 'Content-Type: application/json'`;
  const [record] = world.records;
  const id = record?.instanceId ?? 'ID';
  const ofGitHub = github === undefined ? [] : gitHubLines(`${url}${GITHUB_API_PATH}`, { inputs, github });
  return [
    `Endpoints:${inputs['api_key_id'] === undefined ? '' : ' (curl cannot do the handshake of an API key)'}`,
    `  ${curl} ${url}/api/v1/vm`,
    `  ${curl} '${url}/api/v1/vm?id=${id}'`,
    `  ${curl} -X POST ${url}/api/v1/rpc/vm/restart ${json} -d '{"instance_id":"${id}"}'`,
    `  ${curl} -X POST ${url}/api/v1/vm ${json} -d '{"vmid":"${record?.template.id ?? 'TEMPLATE'}","external_id":"new"}'`,
    `  ${curl} -X DELETE ${url}/api/v1/vm ${json} -d '{"id":"${id}"}'`,
    `  ${curl} ${url}/api/v1/status`,
    `  ${curl} ${url}/api/v1/node`,
    `  ${curl} '${url}/api/v1/node?id=${world.nodes[0]?.id}'`,
    `  ${curl} ${url}/api/v1/registry/vm`,
    `  ${curl} ${url}/api/v1/group`,
    ...ofGitHub.map((line) => `  ${line}`),
    `  ${curl} ${url}/livez`,
    `  ${curl} ${url}/readyz`,
  ].join('\n');
}

const OTHER_TOKENS = `
Other tokens for GitHub: ${READ_TOKEN} reads runners, ${JOBS_TOKEN} reads jobs (like GITHUB_TOKEN with "actions: read").
`;

/** The runner's name; a pattern if the VM has several runners, or names are random. */
function nameFor({ name, configured, atBoot }: SimulatedRunner): string {
  return atBoot === 'random name' ? `${configured.name}-*` : name.replace(/-[a-z]$/, '-*');
}

function gitHubLines(apiUrl: string, { inputs, github }: { inputs: Inputs; github: GitHubWorld }): string[] {
  const files = curlOptions({ ...inputs, root_token: '' });
  const curl = ['curl', ...files, `-H 'Authorization: Bearer ${github.options.token}'`].join(' ');
  const app = `${apiUrl}/repos/octo-org/app/actions`;
  const body = '{"ref":"main","inputs":{"jobs":"3","seconds":"60","labels":"self-hosted"}}';
  return [
    `${curl} ${apiUrl}/orgs/octo-org/actions/runners`,
    `${curl} '${app}/runs?status=in_progress'`,
    `${curl} -X POST ${app}/workflows/ci.yml/dispatches -d '${body}'`,
  ];
}

/** How to restart all VMs: their external IDs are `runner-1` and so on. */
function describeFleet(runner: SimulatedRunner | undefined): string {
  const name = runner !== undefined && nameFor(runner).endsWith('*') ? '{external_id}-*' : '{external_id}';
  const [others, runnerName] =
    runner === undefined
      ? ['', '']
      : [' and runner_name', `\n      runner_name: "${name}"   # shell: INPUT_RUNNER_NAME='${name}'`];
  return `To restart all of them, replace instance_id${others} with:
      external_id: runner-*   # shell: INPUT_EXTERNAL_ID='runner-*'${runnerName}`;
}

/** The environment that a runner would set, with files for the step's output. */
function environmentFor(inputs: Inputs, apiUrl: string | undefined): string[] {
  const variables = Object.entries(inputs).map(([name, value]) => `INPUT_${name.toUpperCase()}='${value}'`);
  const files = ['GITHUB_OUTPUT="$out"', 'GITHUB_STEP_SUMMARY="$summary"'];
  return [
    ...variables,
    ...(apiUrl === undefined ? [] : [`GITHUB_API_URL=${apiUrl}`, 'GITHUB_REPOSITORY=octo-org/app']),
    ...files,
  ];
}

function curlOptions(inputs: Inputs): string[] {
  const flags = { ca_cert: '--cacert', client_cert: '--cert', client_key: '--key' };
  const files = Object.entries(flags).flatMap(([input, flag]) =>
    inputs[input] === undefined ? [] : [flag, inputs[input]],
  );
  return !inputs['root_token'] ? files : [...files, '-u', `'root:${inputs['root_token']}'`];
}
