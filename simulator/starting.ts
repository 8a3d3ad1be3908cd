import type { InstanceRecord, Node, NodeGroup, PortRule, StartRequest, Vm, WorldOptions } from './model.ts';
import type { Random } from './random.ts';

/** The template for a new instance, and the nodes that it can run on. */
export interface Placement {
  readonly template: Template;
  readonly tag: string;
  readonly candidates: readonly Node[];
  readonly groupId: string | undefined;
}

export interface Stock {
  readonly templates: readonly Template[];
  readonly nodes: readonly Node[];
  readonly groups: readonly NodeGroup[];
}

/** Finds the template and the nodes that a request names; otherwise the refusal, in the controller's words. */
export function place(stock: Stock, request: StartRequest): Placement | { readonly refusal: string } {
  const { template: templateId, tag, nodeId, groupId, usbDevice } = request;
  const template = stock.templates.find(({ id }) => id === templateId);
  const version = tag === undefined ? template?.latest : template?.versions.find((one) => one.tag === tag);
  if (template === undefined) return { refusal: 'VM not in the registry' };
  // Two of the vendor's clients fall back on these words.
  if (version === undefined) return { refusal: `No such tag ${tag}` };
  const group = stock.groups.find(({ id }) => id === groupId);
  if (groupId !== undefined && group === undefined) return { refusal: 'group not found' };
  const allowed = group?.nodes ?? stock.nodes;
  const nodes = nodeId === undefined ? allowed : allowed.filter(({ id }) => id === nodeId);
  if (nodes.length === 0) return { refusal: 'node not found' };
  const candidates = usbDevice === undefined ? nodes : nodes.filter((node) => hasUsbDevice(node, usbDevice));
  if (candidates.length === 0) return { refusal: 'usb device not found' };
  return { template, tag: version.tag, candidates, groupId };
}

/** By its name, its claim group or its location ID. */
export function hasUsbDevice({ usbDevices }: Node, wanted: string): boolean {
  return usbDevices.some(({ name, group, locationId }) => [name, group, locationId].includes(wanted));
}

/** A template in the registry that VMs are made from. Dates are milliseconds since the epoch. */
export interface Template {
  readonly id: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly createdAt: number;
  readonly pushedAt: number;
  readonly pulledAt: number;
  /** Oldest first. */
  readonly versions: readonly TemplateVersion[];
  readonly latest: TemplateVersion;
}

export interface TemplateVersion {
  readonly number: number;
  readonly tag: string;
  readonly sizeBytes: number;
}

const DAY_MS = 86_400_000;
const GIB = 2 ** 30;
const NAMES = ['sequoia', 'sonoma-xcode'];
const TAGS = ['base', 'latest'];

/** Two templates with two tags each. */
export function createTemplates(chance: Random, startsAt: number): Template[] {
  return NAMES.map((name, index) => {
    const versions = TAGS.map((tag, number) => ({ number, tag, sizeBytes: (26 + 4 * number) * GIB }));
    return {
      id: chance.uuid(),
      name,
      sizeBytes: 30 * GIB,
      createdAt: startsAt - (60 + index) * DAY_MS,
      pushedAt: startsAt - (30 + index) * DAY_MS,
      pulledAt: startsAt - DAY_MS,
      versions,
      latest: versions.at(-1) ?? { number: 0, tag: 'latest', sizeBytes: 0 },
    };
  });
}

/** A script that a start request runs in the new VM. */
export interface StartupScript {
  readonly text: string;
  /** Whether its result is reported and decides about the instance. */
  readonly isMonitored: boolean;
  readonly timeoutMs: number;
  /** Whether the VM keeps running if the script fails. */
  readonly keepsVm: boolean;
}

/** As the controller reports it. */
export interface ScriptResult {
  /** -1 if it timed out. */
  readonly returnCode: number;
  readonly didTimeOut: boolean;
}

const TAKES_MS = 1_000;

/** There is no guest, so two commands in the script's text count: `sleep SECONDS` takes time, `exit CODE` sets the result. */
export function runScript({ text, timeoutMs }: StartupScript): { result: ScriptResult; tookMs: number } {
  const [, seconds = 0] = /\bsleep (\d+)/.exec(text) ?? [];
  const [, code = 0] = /\bexit (\d+)/.exec(text) ?? [];
  const takesMs = TAKES_MS + Number(seconds) * 1_000;
  return takesMs > timeoutMs
    ? { result: { returnCode: -1, didTimeOut: true }, tookMs: timeoutMs }
    : { result: { returnCode: Number(code), didTimeOut: false }, tookMs: takesMs };
}

// ---- creating instances and VMs ----

const USB_DEVICES = [{ name: 'iPhone', group: 'phones', locationId: '336675856' }];
const SSH_PORT = 22;

export function createNode(
  number: number,
  options: WorldOptions,
  chances: { readonly ids: Random; readonly clock: Random },
): Node {
  return {
    id: chances.ids.uuid(),
    name: `mac-${number}`,
    ip: options.nodeIp ?? `192.0.2.${number}`,
    capacity: options.capacity ?? Number.POSITIVE_INFINITY,
    isDraining: false,
    clockSkewMs: options.clockSkewMs ?? Math.round(chances.clock.between(-2_000, 2_000)),
    utcOffsetMinutes: number % 2 === 0 ? 0 : 120,
    lastReportAt: options.startsAt,
    silentUntil: 0,
    usbDevices: USB_DEVICES,
    tasks: [],
    isBusy: options.agentsAreStuck ?? false,
  };
}

export function createGroups(nodes: readonly Node[], ids: Random): NodeGroup[] {
  return [
    { id: ids.uuid(), name: 'build', description: 'Every node', nodes },
    { id: ids.uuid(), name: 'release', description: 'The first node', nodes: nodes.slice(0, 1) },
  ];
}

/** A new instance, Scheduling. */
export function createRecord(
  request: Omit<StartRequest, 'template' | 'count'>,
  placement: Placement & { readonly createdAt: number },
  { ids, now }: { readonly ids: Random; readonly now: number },
): InstanceRecord {
  const { externalId, name, startupScript, metadata, nameTemplate, portRules } = request;
  return {
    instanceId: ids.uuid(),
    ...placement,
    ...{ externalId, name, startupScript, metadata, nameTemplate, portRules },
    isStarting: false,
    reservedOn: undefined,
    state: 'Scheduling',
    isBroken: false,
    message: '',
    requestId: ids.uuid(),
    pullsSince: undefined,
    scriptResult: undefined,
    updatedAt: now,
    updatedNanos: 0,
    hiddenUntil: 0,
    ...{ node: undefined, vm: undefined, report: undefined },
  };
}

/** The node whose turn it is; if that is full, another one that has room. */
export function nodeWithRoom(record: InstanceRecord, all: readonly InstanceRecord[]): Node | undefined {
  const { candidates } = record;
  const isOn = (node: Node, { reservedOn, vm }: InstanceRecord) =>
    reservedOn === node && vm?.power !== 'stopped';
  const hasRoom = (node: Node) =>
    !node.isDraining && all.filter((one) => isOn(node, one)).length < node.capacity;
  const first = candidates[(all.indexOf(record) + 1) % candidates.length];
  return first !== undefined && hasRoom(first) ? first : candidates.find(hasRoom);
}

export interface Birth {
  /** Counts the instances. */
  readonly number: number;
  readonly bootedAt: number;
  readonly now: number;
  readonly ids: Random;
  /** A free port of its node, except these. */
  readonly freePort: (exceptions: readonly number[]) => number;
}

/** The running VM of an instance. */
export function createVm(record: InstanceRecord, { number, bootedAt, now, ids, freePort }: Birth): Vm {
  const { node, template, portRules = [] } = record;
  const ssh = portRules.find(({ guestPort }) => guestPort === SSH_PORT);
  const sshPort = ssh?.hostPort ?? freePort([]);
  return {
    uuid: ids.uuid(),
    name: vmName(record, now),
    ip: `192.168.64.${(number % 250) + 2}`,
    vncPort: 5900 + number,
    sshPort,
    forwarding: forwardingFor(portRules, { sshPort, freePort }),
    vncPassword: `vnc-secret-${number}`,
    createdAt: template.createdAt,
    power: 'running',
    bootedAt,
    stoppedAt: undefined,
    bootSkewMs: node?.clockSkewMs ?? 0,
    neverBoots: false,
    crashesAfterBoot: false,
  };
}

/** Each rule with a host port. */
function forwardingFor(
  rules: readonly PortRule[],
  { sshPort, freePort }: { readonly sshPort: number } & Pick<Birth, 'freePort'>,
): PortRule[] {
  const taken = [sshPort];
  return rules.map((rule) => {
    const hostPort = rule.guestPort === SSH_PORT ? sshPort : (rule.hostPort ?? freePort(taken));
    taken.push(hostPort);
    return { ...rule, hostPort };
  });
}

/** `mgmtManaged-` and the template of the request, in which `$template_name` and others are variables. */
function vmName({ nameTemplate, template, instanceId, node }: InstanceRecord, now: number): string {
  const variables: Readonly<Record<string, string>> = {
    template_name: template.name,
    template_id: template.id,
    instance_id: instanceId,
    node_id: node?.id ?? '',
    node_name: node?.name ?? '',
    ts: String(now),
  };
  const wanted = nameTemplate ?? '$template_name-$ts';
  return `mgmtManaged-${wanted.replace(/\$(\w+)/g, (text, name: string) => variables[name] ?? text)}`;
}
