import type { Node, NodeGroup, StartRequest } from './model.ts';
import type { Random } from './random.ts';

/** What a new instance is made from, and where it may run. */
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

/** Finds what a request names; or says, in the controller's words, what there is not. */
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

/** A template of the registry, that VMs are made from. Dates are milliseconds since the epoch. */
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

/** What the registry holds: two templates with two tags each. */
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

/** A script that a start request wants to be run in the new VM. */
export interface StartupScript {
  readonly text: string;
  /** Whether its result is reported, and counts. */
  readonly isMonitored: boolean;
  readonly timeoutMs: number;
  /** Whether the VM goes on running where the script fails. */
  readonly keepsVm: boolean;
}

/** As the controller reports it. */
export interface ScriptResult {
  /** -1 where it took too long. */
  readonly returnCode: number;
  readonly didTimeOut: boolean;
}

const TAKES_MS = 1_000;

/** The guest is made up, so the script tells what it does: `sleep SECONDS` takes time, `exit CODE` ends it. */
export function runScript({ text, timeoutMs }: StartupScript): { result: ScriptResult; tookMs: number } {
  const [, seconds = 0] = /\bsleep (\d+)/.exec(text) ?? [];
  const [, code = 0] = /\bexit (\d+)/.exec(text) ?? [];
  const takesMs = TAKES_MS + Number(seconds) * 1_000;
  return takesMs > timeoutMs
    ? { result: { returnCode: -1, didTimeOut: true }, tookMs: timeoutMs }
    : { result: { returnCode: Number(code), didTimeOut: false }, tookMs: takesMs };
}
