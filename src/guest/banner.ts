/** No server says more before its banner: in bytes. */
const MOST_BYTES = 8 * 1024;

/** An identification string of RFC 4253: printable, on a line of its own, which may follow other lines. */
const BANNER = /^SSH-\d+\.\d+-[\x20-\x7e]+$/;

/** What the bytes of a server make of it so far: an SSH server; not known yet; or none, as its banner should long have come. */
export type Greeting =
  | { readonly kind: 'banner'; readonly banner: string }
  | { readonly kind: 'open' }
  | { readonly kind: 'none' };

/** Judges what a server has said, from its first byte on. A line counts once it has ended. Pure. */
export function readGreeting(bytes: Uint8Array): Greeting {
  // Each byte becomes a character: what it means does not matter, and none is lost.
  const text = Buffer.from(bytes.subarray(0, MOST_BYTES)).toString('latin1');
  const lines = text.split('\n').slice(0, -1);
  const banner = lines.map((line) => line.replace(/\r$/, '')).find((line) => BANNER.test(line));
  if (banner !== undefined) return { kind: 'banner', banner };
  return { kind: bytes.length >= MOST_BYTES ? 'none' : 'open' };
}

const LONGEST_EXCERPT = 80;

/** How the server's words begin, for people: it is text from outside. */
export function excerptOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString().trimStart();
  return text.replace(/[\r\n].*/s, '').slice(0, LONGEST_EXCERPT);
}
