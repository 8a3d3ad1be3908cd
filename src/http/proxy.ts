import { bareHost, includes, isAddressOrRange, isOwnHost, listOf } from './addresses.ts';

type ProxyVariables = Readonly<Record<string, string | undefined>>;

/**
 * The proxy for a URL: from HTTP_PROXY or HTTPS_PROXY, by the URL's scheme, unless NO_PROXY lists the host. A variable in lower
 * case takes precedence. No proxy is used for this machine itself.
 * @returns undefined for no proxy, or the variable's name if its value is not the URL of a proxy.
 */
export function proxyFor(
  url: URL,
  environment: ProxyVariables,
): URL | { readonly invalid: string } | undefined {
  const variable = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const value = read(environment, variable).trim();
  if (value === '' || isOwnHost(url) || isExcepted(url, exceptionsIn(environment))) return undefined;
  const proxy = URL.parse(value.includes('://') ? value : `http://${value}`);
  return proxy !== null && isPlainHttp(proxy) ? proxy : { invalid: variable };
}

function isPlainHttp({ protocol, username, password, pathname, search, hash }: URL): boolean {
  try {
    // A stray percent sign would otherwise show only when the credentials are sent.
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

/**
 * NO_PROXY lists hosts, which include their subdomains: `example.com`, `.example.com`, or `*.example.com` for the subdomains
 * alone; IP addresses; ranges such as `10.0.0.0/8`, as Go and curl know them; `*` for everything. All but ranges may have a port,
 * an IPv6 address then in brackets. Except for ranges, these are the rules of undici's `EnvHttpProxyAgent`, which does not say
 * which proxy it uses.
 */
function exceptionsIn(environment: ProxyVariables): string[] {
  const list = read(environment, 'NO_PROXY').toLowerCase();
  return list.split(/[\s,]/).filter((entry) => entry !== '');
}

const NAME = /^(\*|(\*?\.)?[\p{L}\p{N}_-]+(\.[\p{L}\p{N}_-]+)*\.?)$/u;

/** Entries of NO_PROXY that have none of its forms, so they exclude nothing. */
export function unknownExceptions(environment: ProxyVariables): string[] {
  return exceptionsIn(environment).filter((entry) => {
    const { host } = parseException(entry);
    return !isAddressOrRange(host) && !NAME.test(host);
  });
}

function isExcepted(url: URL, entries: readonly string[]): boolean {
  const host = bareHost(url);
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return entries
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
  const host = bracketed ?? plain ?? entry.replace(/^\[(.+)\](\/\d+)?$/, '$1$2');
  return { host: host.replace(/(?<=.)\.$/, ''), port };
}

function covers(pattern: string, host: string): boolean {
  if (pattern === '*') return true;
  if (isAddressOrRange(pattern)) return includes(listOf([pattern]), host);
  const name = pattern.replace(/^\*?\./, '');
  const isItself = host === name && !pattern.startsWith('*');
  return isItself || host.endsWith(`.${name}`);
}
