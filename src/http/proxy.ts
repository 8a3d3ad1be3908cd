import { isIPv4 } from 'node:net';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy for a URL: from HTTP_PROXY or HTTPS_PROXY, by the URL's scheme, unless NO_PROXY has the host; lower case
 * goes before upper case. Loopback is never proxied.
 * @returns undefined for none, or the variable's name where its value is no URL of a proxy.
 */
export function proxyFor(url: URL, environment: Environment): URL | { readonly invalid: string } | undefined {
  const variable = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const value = read(environment, variable).trim();
  if (value === '' || isLoopback(url.hostname) || isExcepted(url, read(environment, 'NO_PROXY')))
    return undefined;
  const proxy = URL.parse(value.includes('://') ? value : `http://${value}`);
  return proxy !== null && isUsable(proxy) ? proxy : { invalid: variable };
}

function isUsable({ protocol, hostname, username, password, pathname, search, hash }: URL): boolean {
  try {
    // A stray percent sign would come to light only when the credentials are sent.
    decodeURIComponent(username + password);
  } catch {
    return false;
  }
  const isBare = pathname === '/' && search === '' && hash === '';
  return /^https?:$/.test(protocol) && hostname !== '' && isBare;
}

function read(environment: Environment, variable: string): string {
  return environment[variable.toLowerCase()] || environment[variable] || '';
}

function isLoopback(host: string): boolean {
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '[::1]' ||
    (isIPv4(host) && host.startsWith('127.'))
  );
}

/** NO_PROXY lists hosts and suffixes (`example.com`, `.example.com`, `*.example.com`), each with a port or not, or `*`. */
function isExcepted(url: URL, list: string): boolean {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      if (entry === '*') return true;
      const [, host = '', onlyPort = port] = /^(.+?)(?::(\d+))?$/.exec(entry) ?? [];
      return onlyPort === port && covers(host, url.hostname);
    });
}

function covers(pattern: string, host: string): boolean {
  const name = pattern.replace(/^\*?\./, '');
  if (name === '') return false;
  const bare = host.replace(/^\[|\]$/g, '');
  return bare === name || host === name || bare.endsWith(`.${name}`);
}
