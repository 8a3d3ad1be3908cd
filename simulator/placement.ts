import type { Node, NodeGroup, StartRequest } from './model.ts';
import type { Template } from './templates.ts';

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
