import { fail, fieldsOf, ok, text } from '../replies.ts';
import type { World } from '../world.ts';
import type { Endpoint } from './endpoint.ts';

/** `POST /api/v1/image`, as in the API reference: saves a running VM as a tag; the instance is gone after it. */
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
