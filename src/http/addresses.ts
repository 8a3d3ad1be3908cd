import { BlockList, isIP } from 'node:net';

/** The kind of an IP address. `other`: an ordinary host. */
type AddressKind = 'unspecified' | 'loopback' | 'link-local' | 'multicast' | 'other';

const SUBNETS: readonly (readonly [Exclude<AddressKind, 'other'>, readonly string[]])[] = [
  ['unspecified', ['0.0.0.0/8', '::/128']],
  ['loopback', ['127.0.0.0/8', '::1/128']],
  ['link-local', ['169.254.0.0/16', 'fe80::/10']],
  // And broadcast.
  ['multicast', ['224.0.0.0/4', '255.255.255.255/32', 'ff00::/8']],
];

const LISTS = SUBNETS.map(([kind, subnets]) => [kind, listOf(subnets)] as const);

/** @param ip in any notation, with or without a zone such as `%en0`. */
export function kindOfAddress(ip: string): AddressKind {
  return LISTS.find(([, list]) => includes(list, ip))?.[0] ?? 'other';
}

/** Whether a URL leads to this machine. */
export function isOwnHost(url: URL): boolean {
  const host = bareHost(url);
  if (isIP(host) !== 0) return ['loopback', 'unspecified'].includes(kindOfAddress(host));
  return host === 'localhost' || host.endsWith('.localhost');
}

/** A URL's host without the brackets of an IPv6 address and the dot at the end of a full name. */
export function bareHost({ hostname }: URL): string {
  return hostname.replace(/[[\]]/g, '').replace(/(?<=.)\.$/, '');
}

/** A list of addresses and CIDR ranges. Ignores anything else. */
export function listOf(addresses: readonly string[]): BlockList {
  const list = new BlockList();
  for (const { ip, family, bits } of addresses.flatMap(parseRange)) list.addSubnet(ip, bits, family);
  return list;
}

/** Independent of notation: `::ffff:10.0.0.1` is `10.0.0.1`. */
export function includes(list: BlockList, ip: string): boolean {
  const { address, family } = parseAddress(ip);
  return family !== undefined && list.check(address, family);
}

interface Range {
  readonly ip: string;
  readonly family: 'ipv4' | 'ipv6';
  readonly bits: number;
}

/** An address, or a range such as `10.0.0.0/8`; nothing for any other text. */
function parseRange(text: string): Range[] {
  const [, ip = '', prefix] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const { address, family } = parseAddress(ip);
  const most = family === 'ipv4' ? 32 : 128;
  const bits = prefix === undefined ? most : Number(prefix);
  return family === undefined || bits > most ? [] : [{ ip: address, family, bits }];
}

export function isAddressOrRange(text: string): boolean {
  return parseRange(text).length > 0;
}

function parseAddress(ip: string): { address: string; family: 'ipv4' | 'ipv6' | undefined } {
  const address = ip.replace(/%.*$/s, '');
  const version = isIP(address);
  return { address, family: version === 0 ? undefined : version === 4 ? 'ipv4' : 'ipv6' };
}
