import { createServer, type IncomingHttpHeaders, request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { listen } from './loopback.ts';

/** Stands before a server of this machine, and encodes each of its answers, whoever asked for that. */
export interface Gateway {
  readonly url: string;
  /** What is asked from now on is asked there. */
  leadTo(url: string): void;
  /** The headers of each request. */
  readonly received: IncomingHttpHeaders[];
  close(): void;
}

export async function startGzippingGateway(): Promise<Gateway> {
  const received: IncomingHttpHeaders[] = [];
  let target = '';
  const server = createServer((message, response) => {
    const { method, headers } = message;
    received.push(headers);
    const onward = request(new URL(message.url ?? '', target), { method, headers }, async (answer) => {
      const body = gzipSync(Buffer.concat(await answer.toArray()));
      const { 'content-length': _, 'transfer-encoding': __, ...others } = answer.headers;
      response.writeHead(answer.statusCode ?? 502, { ...others, 'content-encoding': 'gzip' }).end(body);
    });
    onward.on('error', () => response.destroy());
    message.pipe(onward);
  });
  const { port, close } = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    leadTo(url) {
      target = url;
    },
    received,
    close,
  };
}
