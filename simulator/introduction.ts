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

/** How to use the simulator, printed at its start. */
export function introduction(url: string, { world, prepared, github, hasGuests }: Simulated): string {
  const { inputs } = prepared;
  const token = github?.options.token ?? '';
  const [runner] = github?.runners ?? [];
  const runnerInputs = runner && {
    runner_name: nameFor(runner),
    runner_scope: 'octo-org',
    github_token: token,
    ...(runner.takesOneJob && { runner_ephemeral: 'true' }),
  };
  const instances = world.visibleRecords().map(({ instanceId, externalId, node }) => {
    return `  ${instanceId}  external_id ${externalId}  on ${node?.name}`;
  });
  const id = world.records[0]?.instanceId ?? 'ID';
  const withInputs = {
    controller_url: url,
    instance_id: id,
    ...inputs,
    ...runnerInputs,
    ...(hasGuests && { guest_check: 'ssh' }),
  };
  const apiUrl = `${url}${GITHUB_API_PATH}`;
  const byHand = environmentFor(withInputs, github && apiUrl);
  const fleet = instances.length > 1 ? `\n${describeFleet(runner !== undefined)}\n` : '';

  const curl = ['curl', ...curlOptions(inputs)].join(' ');
  const files = curlOptions({ ...inputs, root_token: '' });
  const githubCurl = ['curl', ...files, `-H 'Authorization: Bearer ${token}'`].join(' ');
  const json = `-H 'Content-Type: application/json'`;
  return `Controller ${world.options.controllerVersion} (simulated): ${url}   (Ctrl-C ends it)

Instances:
${instances.join('\n')}

A step that restarts the first:
${describeStep('your-org/restart-anka-vm@main', withInputs).replace(/^/gm, '  ')}
${fleet}${github === undefined ? '' : OTHER_TOKENS}
The same by hand, from the project's folder:
  out=$(mktemp) summary=$(mktemp)
  env \\
${byHand.map((line) => `    ${line} \\`).join('\n')}
    npx node dist/index.js
  cat "$out" "$summary"

Endpoints:${inputs['api_key_id'] === undefined ? '' : ' (curl cannot do the handshake of an API key)'}
  ${curl} ${url}/api/v1/vm
  ${curl} '${url}/api/v1/vm?id=${id}'
  ${curl} -X POST ${url}/api/v1/rpc/vm/restart ${json} -d '{"instance_id":"${id}"}'
  ${curl} -X POST ${url}/api/v1/vm ${json} -d '{"vmid":"${world.records[0]?.template.id ?? 'TEMPLATE'}","external_id":"new"}'
  ${curl} -X DELETE ${url}/api/v1/vm ${json} -d '{"id":"${id}"}'
  ${curl} ${url}/api/v1/status
  ${curl} ${url}/api/v1/node
  ${curl} '${url}/api/v1/node?id=${world.nodes[0]?.id}'
  ${curl} ${url}/api/v1/registry/vm
  ${curl} ${url}/api/v1/group
${github === undefined ? '' : describeGitHub(githubCurl, apiUrl)}  ${curl} ${url}/livez
  ${curl} ${url}/readyz`;
}

const OTHER_TOKENS = `
Other tokens for GitHub: ${READ_TOKEN} reads runners, ${JOBS_TOKEN} reads jobs (as GITHUB_TOKEN with "actions: read").
`;

/** The runner's name; a pattern if the VM has several runners, or names are random. */
function nameFor({ name, configured, atBoot }: SimulatedRunner): string {
  return atBoot === 'random name' ? `${configured.name}-*` : name.replace(/-[a-z]$/, '-*');
}

function describeGitHub(curl: string, apiUrl: string): string {
  const app = `${apiUrl}/repos/octo-org/app/actions`;
  return `  ${curl} ${apiUrl}/orgs/octo-org/actions/runners
  ${curl} '${app}/runs?status=in_progress'
  ${curl} -X POST ${app}/workflows/ci.yml/dispatches -d '{"ref":"main","inputs":{"jobs":"3","seconds":"60","labels":"self-hosted"}}'
`;
}

/** How to restart all VMs: their external IDs are `runner-1` and so on. */
function describeFleet(hasRunners: boolean): string {
  const [others, name] = hasRunners
    ? [
        ' and runner_name',
        `\n      runner_name: "{external_id}"   # by hand: INPUT_RUNNER_NAME='{external_id}'`,
      ]
    : ['', ''];
  return `To restart all of them, give this in place of instance_id${others}:
      external_id: runner-*   # by hand: INPUT_EXTERNAL_ID='runner-*'${name}`;
}

/** The environment that a runner would set, with files for the step's output. */
function environmentFor(inputs: Readonly<Record<string, string>>, apiUrl: string | undefined): string[] {
  const variables = Object.entries(inputs).map(([name, value]) => `INPUT_${name.toUpperCase()}='${value}'`);
  const files = ['GITHUB_OUTPUT="$out"', 'GITHUB_STEP_SUMMARY="$summary"'];
  return [
    ...variables,
    ...(apiUrl === undefined ? [] : [`GITHUB_API_URL=${apiUrl}`, 'GITHUB_REPOSITORY=octo-org/app']),
    ...files,
  ];
}

function curlOptions(inputs: Readonly<Record<string, string>>): string[] {
  const flags = { ca_cert: '--cacert', client_cert: '--cert', client_key: '--key' };
  const files = Object.entries(flags).flatMap(([input, flag]) =>
    inputs[input] === undefined ? [] : [flag, inputs[input]],
  );
  return !inputs['root_token'] ? files : [...files, '-u', `'root:${inputs['root_token']}'`];
}
