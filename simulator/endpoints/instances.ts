import type { Metadata, PortRule } from '../model.ts';
import { type Endpoint, fail, fieldsOf, type Json, notFound, ok, type Reaction, text } from '../replies.ts';
import type { StartupScript } from '../starting.ts';
import type { Reply, World } from '../world.ts';
import { instanceBody, listItem } from './instance-body.ts';

/** `GET /api/v1/vm`: all instances; with `?id=` one. For an unknown ID, it answers with the words that the vendor's client expects. */
export const getInstances: Endpoint = (world, { query }) => {
  const id = query.get('id');
  if (id === null) {
    const { listLacks } = world.options;
    return ok(world.visibleRecords().map((record) => without(listItem(world, record), listLacks)));
  }
  const record = world.find(id);
  return record === undefined
    ? fail('Not found')
    : ok(without(instanceBody(world, record), world.options.oneLacks));
};

/** `POST /api/v1/vm`, as in the API reference: the IDs of the new instances. */
export const startInstances: Endpoint = (world, { body }) => {
  const fields = fieldsOf(body);
  const given = (name: string) => text(fields[name]) || undefined;
  const { count } = fields;
  if (given('vmid') === undefined) return fail('vmid is required');
  const result = world.start({
    template: text(fields['vmid']),
    count: typeof count === 'number' && count >= 1 && count <= 100 ? Math.floor(count) : 1,
    tag: given('tag'),
    nodeId: given('node_id'),
    groupId: given('group_id'),
    usbDevice: given('usb_device'),
    externalId: given('external_id'),
    name: given('name'),
    startupScript: startupScriptFrom(fields),
    metadata: metadataFrom(fields),
    nameTemplate: given('name_template'),
    portRules: portRulesFrom(fields),
  });
  return result.ok ? ok([...result.instanceIds]) : fail(result.message);
};

/** `PUT /api/v1/vm?id=`: changes name, external ID or metadata. Some clients send the ID in the body. */
export const updateInstance: Endpoint = (world, { query, body }) => {
  const fields = fieldsOf(body);
  const { name, external_id: externalId, id } = fields;
  const names = { name: text(name) || undefined, externalId: text(externalId) || undefined };
  return reply(world.update(query.get('id') ?? text(id), { ...names, metadata: metadataFrom(fields) }));
};

/** `DELETE /api/v1/vm` */
export const endInstance: Endpoint = (world, { body }) => reply(world.terminate(text(fieldsOf(body)['id'])));

export function reply(result: Reply): Reaction {
  return result.ok ? ok() : fail(result.message);
}

/** Only texts, numbers and booleans are kept. */
function metadataFrom({ metadata }: Readonly<Record<string, unknown>>): Metadata | undefined {
  if (typeof metadata !== 'object' || metadata === null) return undefined;
  const kept = Object.entries(metadata).filter(([, value]) =>
    ['string', 'number', 'boolean'].includes(typeof value),
  );
  return Object.fromEntries(kept);
}

/** Ports are documented as strings; clients also send numbers. */
function portRulesFrom({ port_forwarding_override: rules }: Readonly<Record<string, unknown>>) {
  if (!Array.isArray(rules)) return undefined;
  return rules.map((rule: unknown): PortRule => {
    const { name, guest_port: guestPort, host_port: hostPort } = fieldsOf(JSON.stringify(rule));
    return { name: text(name), guestPort: Number(guestPort), hostPort: Number(hostPort) || undefined };
  });
}

/** @param lacking fields, those of nested objects as `vminfo.ip`. */
function without(body: Json, lacking: readonly string[] = []): Json {
  if (lacking.length === 0 || typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  const kept = Object.entries(body).filter(([field]) => !lacking.includes(field));
  return Object.fromEntries(kept.map(([field, value]) => [field, without(value, below(field, lacking))]));
}

function below(field: string, lacking: readonly string[]): string[] {
  return lacking.flatMap((path) => (path.startsWith(`${field}.`) ? [path.slice(field.length + 1)] : []));
}

const SCRIPT_TIMEOUT_S = 90;
/** `script_fail_handler`: the VM is kept alive. */
const KEEP_VM = 1;

/** `startup_script` is base64; only one that is monitored has a result. */
function startupScriptFrom(fields: Readonly<Record<string, unknown>>): StartupScript | undefined {
  const script = text(fields['startup_script']);
  if (script === '') return undefined;
  const seconds = fields['script_timeout'];
  return {
    text: Buffer.from(script, 'base64').toString(),
    isMonitored: fields['script_monitoring'] === true,
    timeoutMs: (typeof seconds === 'number' ? seconds : SCRIPT_TIMEOUT_S) * 1_000,
    keepsVm: fields['script_fail_handler'] === KEEP_VM,
  };
}

/** `POST /api/v1/rpc/vm/restart`, as in the API reference: `OK` at once; the restart follows. Since 1.44.0. */
export const restartInstance: Endpoint = (world, { body }) => {
  if (!world.quirks.knowsRestarts) return notFound();
  const { instance_id: id, usb_device: usbDevice, vnc_password: vncPassword } = fieldsOf(body);
  const request = { usbDevice: text(usbDevice) || undefined, vncPassword: text(vncPassword) || undefined };
  return reply(world.restart(text(id), request));
};

/** `POST /api/v1/image`, as in the API reference: saves a running VM as a tag, which ends its instance. */
export const saveImage: Endpoint = (world, { body }) => {
  const fields = fieldsOf(body);
  const names = { tag: text(fields['tag']), target: text(fields['target_vm_id']) };
  const result = world.saveImage(text(fields['id']), names);
  return result.ok ? ok({ request_id: result.requestId }) : fail(result.message);
};

/** `GET /api/v1/image`: a list, with `?id=` of one. */
export const getImages: Endpoint = (world, { query }) => {
  const id = query.get('id');
  if (id === null) return ok(world.images.map(imageBody));
  const image = world.images.find((one) => one.id === id);
  return image === undefined ? fail('Not found') : ok(imageBody(image));
};

function imageBody({ id, instanceId, tag, target, status }: World['images'][number]) {
  const request = { RequestId: id, InstanceID: instanceId, Tag: tag, TemplateID: target };
  return { id, request, status, error: null, script_result: null };
}
