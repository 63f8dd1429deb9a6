// One request to slipway-api as a CGI program: no socket, no web server, its log in `log`.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { build } from '../integration/stack.mjs';

// Again, for a few times, where Redis was too slow for it, as a busy machine or disk makes it: nothing was done then.
export function cgi(...words) {
  for (let tries = 1; ; tries += 1) {
    const answer = cgiOnce(...words);
    if (tries === 5 || !/Redis cannot be reached: Resource temp/.test(answer.log + answer.text)) return answer;
  }
}

function cgiOnce(flags, method, uri, body = '', env = {}) {
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
