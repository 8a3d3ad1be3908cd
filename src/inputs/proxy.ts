import { proxyFor } from '../http/proxy.ts';
import type { Form } from './form.ts';

/** The proxy that the environment asks for, on the way to a URL. */
export function readProxy({ environment, problems, onSecret }: Form, url: URL): URL | undefined {
  const proxy = proxyFor(url, environment);
  if (proxy === undefined || proxy instanceof URL) {
    onSecret(...secretsOf(proxy));
    return proxy;
  }
  const problem = `${proxy.invalid} (environment): it is no address of the form http(s)://[user:password@]host[:port]`;
  // The controller's way and GitHub's may lead through the same proxy.
  if (!problems.includes(problem)) problems.push(problem);
  return undefined;
}

/** A proxy's password, as it stands in the URL, as it is meant, and as it is sent. */
function secretsOf(proxy: URL | undefined): string[] {
  if (proxy === undefined || proxy.username + proxy.password === '') return [];
  const [user, password] = [decodeURIComponent(proxy.username), decodeURIComponent(proxy.password)];
  const basic = Buffer.from(`${user}:${password}`).toString('base64');
  // A token may stand in the place of the user.
  const token = password === '' ? [proxy.username, user] : [];
  return [proxy.password, password, basic, ...token].filter((secret) => secret !== '');
}
