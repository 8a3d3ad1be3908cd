import { fail, type Json, ok } from '../replies.ts';
import type { Template, TemplateVersion } from '../templates.ts';
import type { Endpoint } from './endpoint.ts';

const DISK_BYTES = 2_000_000_000_000;

/** `GET /api/v1/registry/vm`: the templates; with `?id=` one, with its tags. `apiVer=v1` leaves out sizes and architectures. */
export const getTemplates: Endpoint = ({ templates }, { query }) => {
  const id = query.get('id');
  const isBrief = query.get('apiVer') === 'v1';
  if (id === null) return ok(templates.map((one) => (isBrief ? nameBody(one) : templateBody(one))));
  const template = templates.find((one) => one.id === id);
  if (template === undefined) return fail('Not found');
  const versions = template.versions.map((version) => versionBody(template, version));
  return ok({ ...templateBody(template), versions });
};

/** `GET /api/v1/registry/disk`: what the vendor's exporter reads, in bytes. */
export const getDisk: Endpoint = ({ templates }) => {
  const used = templates.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);
  return ok({ total: DISK_BYTES, free: DISK_BYTES - used });
};

function nameBody({ id, name }: Template) {
  return { id, name };
}

/** As in the API reference, GET /api/v1/registry/vm; dates are Unix seconds. */
function templateBody(template: Template) {
  return { ...nameBody(template), size: template.sizeBytes, arch: 'arm64', ...movesOf(template) };
}

/** As in the API reference, GET /api/v1/registry/vm?id= */
function versionBody(template: Template, { number, tag, sizeBytes }: TemplateVersion): Json {
  return {
    number,
    tag,
    config_file: `${template.id}.yaml`,
    nvram: 'nvram',
    images: [`${template.id.replaceAll('-', '')}.ank`],
    state_files: [],
    description: '',
    size: sizeBytes,
    arch: 'arm64',
    ...movesOf(template),
  };
}

function movesOf({ pulledAt, pushedAt }: Template) {
  return { last_pull: Math.floor(pulledAt / 1_000), last_push: Math.floor(pushedAt / 1_000) };
}
