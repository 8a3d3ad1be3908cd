import { fieldsOf, notFound, text } from '../replies.ts';
import type { Endpoint } from './endpoint.ts';
import { reply } from './vm.ts';

/** `POST /api/v1/rpc/vm/restart`, as in the API reference: `OK` at once, the restart itself comes later. Since 1.44.0. */
export const restartInstance: Endpoint = (world, { body }) => {
  if (!world.quirks.knowsRestarts) return notFound();
  const { instance_id: id, usb_device: usbDevice, vnc_password: vncPassword } = fieldsOf(body);
  const request = { usbDevice: text(usbDevice) || undefined, vncPassword: text(vncPassword) || undefined };
  return reply(world.restart(text(id), request));
};
