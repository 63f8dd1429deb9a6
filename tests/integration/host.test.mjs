// Who a private Slipway answers: pages and programs that call it by a name of this machine's loopback. A page elsewhere
// whose own name leads to this machine (DNS rebinding) would read and change everything else.
//
// covers: src/api/host.c
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import path from 'node:path';
import { Stack } from './stack.mjs';
import { get, open } from './fastcgi.mjs';

const CONFIGURE = JSON.stringify({ mode: 'configure', appId: 'victim', config: { stolen: 'yes' } });

let stack;
before(async () => { stack = await Stack.start({ flags: ['--no-emulator', '--no-worker'] }); });
after(() => stack.stop());

// With a Host of our choice, which fetch does not let us have.
function send(method, target, headers = {}, body = undefined) {
  return new Promise((resolve, reject) => {
    const request = http.request({ port: stack.port, host: '127.0.0.1', method, path: target, headers }, (response) => {
      let text = '';
      response.on('data', (piece) => { text += piece; });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

const configure = (headers) => send('POST', '/api/deploy', headers, CONFIGURE);
const stored = () => stack.redis('EXISTS', 'slipway:{0}:app:default:victim:payload');

test('a name that is not of the loopback is refused for page, API and metrics, and changes nothing', async () => {
  for (const host of ['evil.example', `evil.example:${stack.port}`, '127.0.0.1.evil.example', 'localhost.evil.example',
    '10.0.0.1', '[fe80::1]', '0.0.0.0']) {
    for (const target of ['/', '/slipway.js', '/api/workflows', '/api/deploy?appId=a&workflowId=hello', '/metrics',
      '/readyz', '/nothing']) {
      const answer = await send('GET', target, { host });
      assert.equal(answer.status, 421, `${host} ${target}`);
      assert.equal(answer.headers['content-type'], 'application/problem+json');
      assert.equal(answer.headers['cache-control'], 'no-store');
      const problem = JSON.parse(answer.text);
      assert.equal(problem.class, 'misdirected');
      assert.match(problem.remedy.text, /localhost/);
    }
    assert.equal((await configure({ host, 'content-type': 'application/json' })).status, 421, host);
  }
  assert.equal(await stored(), '0');
});

test('each name of the loopback is answered, with any port and in any case', async () => {
  for (const host of ['localhost', 'LocalHost', `localhost:${stack.port}`, '127.0.0.1', '127.0.0.1:1', '127.8.9.10',
    '[::1]', `[::1]:${stack.port}`]) {
    for (const target of ['/', '/api/workflows', '/readyz']) {
      assert.equal((await send('GET', target, { host })).status, 200, `${host} ${target}`);
    }
  }
});

test('slipway-api itself refuses such a name, whatever web server is before it', async () => {
  const socket = await open(path.join(stack.folder, 'api.sock'));
  for (const [host, status] of [['evil.example', 421], ['127.0.0.1.evil.example:80', 421], ['127.0.0.1:8080', 200],
    ['localhost', 200], ['[::1]:1', 200]]) {
    const answer = await get(socket, '/api/workflows', { HTTP_HOST: host });
    assert.match(answer, new RegExp(`^Status: ${status}\r\n`), host);
  }
  // These give nothing away, and whoever balances a load asks for them by whatever name.
  assert.match(await get(socket, '/healthz', { HTTP_HOST: 'evil.example' }), /^Status: 200/);
  socket.destroy();
});

test('what a page elsewhere can send without a preflight is refused, and no page elsewhere may read', async () => {
  const origin = 'https://evil.example';
  // The content types that need no preflight, and none at all.
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x',
    'text/plain; application/json', undefined]) {
    const answer = await configure({ origin, ...(type && { 'content-type': type }) });
    assert.equal(answer.status, 415, type);
  }
  const preflight = await send('OPTIONS', '/api/deploy', { origin, 'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type' });
  assert.equal(preflight.status, 405);
  const read = await send('GET', '/api/deploy?appId=a&workflowId=hello', { origin });
  for (const { headers } of [preflight, read]) {
    assert.deepEqual(Object.keys(headers).filter((name) => name.startsWith('access-control')), []);
  }
  assert.equal(await stored(), '0');
});
