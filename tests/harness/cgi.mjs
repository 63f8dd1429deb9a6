// One request to slipway-api as a CGI program: no socket, no web server, its log in `log`.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { build } from '../integration/stack.mjs';

export function cgi(flags, method, uri, body = '', env = {}) {
  const done = spawnSync(path.join(build, 'slipway-api'), ['--development', 'yes', ...flags], {
    input: body,
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH,
      GATEWAY_INTERFACE: 'CGI/1.1',
      REQUEST_METHOD: method,
      REQUEST_URI: uri,
      DOCUMENT_URI: uri.split('?')[0],
      QUERY_STRING: uri.split('?')[1] ?? '',
      CONTENT_TYPE: 'application/json',
      CONTENT_LENGTH: String(Buffer.byteLength(body)),
      ...env,
    },
  });
  const [head, ...rest] = done.stdout.split('\r\n\r\n');
  const text = rest.join('\r\n\r\n');
  return {
    status: Number(/^Status: (\d+)/m.exec(head)?.[1]),
    text,
    body: /json/.test(head) ? JSON.parse(text) : undefined,
    log: done.stderr,
    exit: done.status,
    headers: { get: (name) => new RegExp(`^${name}: (.*?)\\r?$`, 'mi').exec(head)?.[1] }, // as that of fetch
  };
}
