import type { KeyRing } from '../key-ring.ts';
import { denied, fieldsOf, json, plain, type Reaction, text } from '../replies.ts';

/**
 * What is written otherwise than the vendor's clients need it, as the documentation's prose has it in places: the secret in the
 * URL-safe alphabet, without padding, or with a line break at its end; the session as base64 of its JSON.
 */
export type HandshakeForm = 'url-safe' | 'unpadded' | 'line break' | 'encoded';

export interface TapState {
  readonly keys: KeyRing;
  readonly forms: readonly HandshakeForm[];
  readonly now: number;
}

/** `POST /tap/v1/hand`: base64 as the vendor's Go and Java clients decode it, in the standard alphabet, padded, without a line break. */
export function hand({ keys, forms, now }: TapState, body: string): Reaction {
  const encrypted = keys.hand(text(fieldsOf(body)['id']), now);
  if (encrypted === undefined) return denied();
  const base64 = encrypted.toString('base64');
  const spelled = forms.includes('url-safe') ? base64.replaceAll('+', '-').replaceAll('/', '_') : base64;
  const padded = forms.includes('unpadded') ? spelled.replaceAll('=', '') : spelled;
  return plain(200, forms.includes('line break') ? `${padded}\n` : padded);
}

/** `POST /tap/v1/shake`: `{id, data: {userName, token, sessionId}}`, plain JSON. */
export function shake({ keys, forms, now }: TapState, body: string): Reaction {
  const { id, secret } = fieldsOf(body);
  const session = keys.shake({ id: text(id), secret: text(secret) }, now);
  if (session === undefined) return denied();
  const answer = { id: text(id), data: { ...session } };
  return forms.includes('encoded')
    ? plain(200, Buffer.from(JSON.stringify(answer)).toString('base64'))
    : json(200, answer);
}
