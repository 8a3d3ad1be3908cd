import { BlockList, isIP } from 'node:net';

type ProxyVariables = Readonly<Record<string, string | undefined>>;

/**
 * The proxy for a URL: from HTTP_PROXY or HTTPS_PROXY, by the URL's scheme, unless NO_PROXY has the host. Of each variable the lower
 * case goes before the upper case. Loopback is never proxied.
 * @returns undefined for none, or the variable's name where its value is no URL of a proxy.
 */
export function proxyFor(
  url: URL,
  environment: ProxyVariables,
): URL | { readonly invalid: string } | undefined {
  const variable = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const value = read(environment, variable).trim();
  if (value === '' || isLoopback(comparableHost(url)) || isExcepted(url, read(environment, 'NO_PROXY')))
    return undefined;
  const proxy = URL.parse(value.includes('://') ? value : `http://${value}`);
  return proxy !== null && isUsable(proxy) ? proxy : { invalid: variable };
}

function isUsable({ protocol, username, password, pathname, search, hash }: URL): boolean {
  try {
    // A stray percent sign would come to light only when the credentials are sent.
    decodeURIComponent(username + password);
  } catch {
    return false;
  }
  const isBare = pathname === '/' && search === '' && hash === '';
  // A URL of these protocols has a host.
  return ['http:', 'https:'].includes(protocol) && isBare;
}

function read(environment: ProxyVariables, variable: string): string {
  return environment[variable.toLowerCase()] || environment[variable] || '';
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8);
LOOPBACK.addAddress('::1', 'ipv6');

function isLoopback(host: string): boolean {
  const version = isIP(host);
  if (version !== 0) return LOOPBACK.check(host, version === 4 ? 'ipv4' : 'ipv6');
  return host === 'localhost' || host.endsWith('.localhost');
}

/** A host as it is compared: without the brackets of an IPv6 address and the dot at the end of a full name. */
function comparableHost({ hostname }: URL): string {
  return hostname.replace(/[[\]]/g, '').replace(/(?<=.)\.$/, '');
}

/**
 * NO_PROXY lists hosts, which stand for their subdomains, too: `example.com`, `.example.com`, or `*.example.com` for the
 * subdomains alone; IP addresses; `*` for everything. Each may have a port, an IPv6 address then with brackets. These are the
 * rules of undici's `EnvHttpProxyAgent`, which itself does not tell which proxy it takes.
 */
function isExcepted(url: URL, list: string): boolean {
  const host = comparableHost(url);
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return list
    .toLowerCase()
    .split(/[\s,]/)
    .filter((entry) => entry !== '')
    .map(parseException)
    .some((exception) => (exception.port ?? port) === port && covers(exception.host, host));
}

interface Exception {
  readonly host: string;
  readonly port: string | undefined;
}

/** A bare IPv6 address has more than one colon, and no port. */
function parseException(entry: string): Exception {
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(entry) ?? [];
  const host = bracketed ?? plain ?? entry.replace(/^\[(.+)\]$/, '$1');
  return { host: host.replace(/(?<=.)\.$/, ''), port };
}

function covers(pattern: string, host: string): boolean {
  if (pattern === '*') return true;
  const name = pattern.replace(/^\*?\./, '');
  const isItself = host === name && !pattern.startsWith('*');
  return isItself || host.endsWith(`.${name}`);
}
