// conf/nginx and conf/dev/nginx.conf.in, tried on a private nginx: limits, problem documents, headers.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect as connectTls, getCiphers } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { freePort } from '../integration/stack.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CONF = path.join(ROOT, 'conf/nginx');
const BODY_LIMIT = 262144;
const HOST = 'deploy.example.org';
const directory = mkdtempSync(path.join(tmpdir(), 'slipway-nginx-'));
let port;
let nginx;

async function until(condition, what) {
  const end = Date.now() + 60_000;
  while (!(await condition())) {
    assert.ok(Date.now() < end, `${what} in 60 s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function request(method, target, { body, headers, localAddress } = {}) {
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', method, path: target, headers, localAddress, agent: false };
    const sent = http.request(options, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => {
        resolve({ status: answer.statusCode, headers: answer.headers, text: Buffer.concat(parts).toString() });
      });
      answer.on('error', reject);
    });
    // nginx may answer and close before it has read all of a body that it refuses: the answer decides, not the write.
    sent.on('error', (error) => (sent.res ? undefined : reject(error)));
    sent.end(body);
  });
}

// The answer to bytes that no HTTP client would send.
function rawRequest(bytes) {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (part) => (text += part));
    socket.on('close', () => {
      const [head, body] = text.split('\r\n\r\n');
      const [statusLine, ...lines] = head.split('\r\n');
      const headers = Object.fromEntries(lines.map((line) => {
        const [name, ...value] = line.split(': ');
        return [name.toLowerCase(), value.join(': ')];
      }));
      resolve({ status: Number(statusLine.split(' ')[1]), headers, text: body });
    });
    socket.on('error', reject);
  });
}

function assertProblem(answer, status, errorClass) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  assert.equal(answer.headers['cache-control'], 'no-store');
  const problem = JSON.parse(answer.text);
  assert.equal(problem.type, 'about:blank');
  assert.equal(problem.status, status);
  assert.equal(problem.class, errorClass);
  assert.ok(problem.title && problem.detail);
  if (problem.remedy) assert.ok(problem.remedy.text);
}

// A FastCGI responder of one answer. Gives the request's parameters and its number of body bytes to `respond`.
function fastcgiBackend(respond) {
  const record = (type, content) => {
    const header = Buffer.from([1, type, 0, 1, content.length >> 8, content.length & 255, 0, 0]);
    return Buffer.concat([header, content]);
  };
  const readLength = (buffer, at) =>
    buffer[at] < 128 ? [buffer[at], at + 1] : [buffer.readUInt32BE(at) & 0x7fffffff, at + 4];
  return net.createServer((socket) => {
    let pending = Buffer.alloc(0);
    let params = {};
    let bodySize = 0;
    socket.on('error', () => {});
    socket.on('data', (part) => {
      pending = Buffer.concat([pending, part]);
      while (pending.length >= 8) {
        const size = pending.readUInt16BE(4);
        const whole = 8 + size + pending[6];
        if (pending.length < whole) return;
        const [type, content] = [pending[1], pending.subarray(8, 8 + size)];
        for (let at = 0; type === 4 && at < size; ) {
          let nameSize, valueSize;
          [nameSize, at] = readLength(content, at);
          [valueSize, at] = readLength(content, at);
          const name = content.toString('latin1', at, at + nameSize);
          params[name] = content.toString('latin1', at + nameSize, at + nameSize + valueSize);
          at += nameSize + valueSize;
        }
        if (type === 5) bodySize += size;
        if (type === 5 && size === 0) {
          const answer = Buffer.from(respond(params, bodySize));
          socket.write(Buffer.concat([record(6, answer), record(6, Buffer.alloc(0)), record(3, Buffer.alloc(8))]));
          params = {};
          bodySize = 0;
        }
        pending = pending.subarray(whole);
      }
    });
  });
}

async function withBackend(respond, use) {
  const backend = fastcgiBackend(respond);
  const sockets = new Set();
  backend.on('connection', (socket) => sockets.add(socket));
  await new Promise((resolve) => backend.listen(path.join(directory, 'api.sock'), resolve));
  try {
    await use();
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => backend.close(resolve));
  }
}

before(async () => {
  const client = path.join(directory, 'client');
  mkdirSync(path.join(directory, 'log'));
  mkdirSync(path.join(client, 'empty'), { recursive: true });
  writeFileSync(path.join(client, 'index.html'), '<!doctype html><title>page</title>');
  writeFileSync(path.join(client, 'slipway.mjs'), 'export {};');
  port = await freePort();
  const values = { DIR: directory, PORT: port, CLIENT: client, CONF };
  const template = readFileSync(path.join(ROOT, 'conf/dev/nginx.conf.in'), 'utf8');
  const file = path.join(directory, 'nginx.conf');
  writeFileSync(file, template.replace(/@([A-Z]+)@/g, (_, name) => values[name]));
  const log = path.join(directory, 'log/nginx-error.log');
  nginx = spawn('nginx', ['-e', log, '-p', directory, '-c', file], { stdio: ['ignore', 'inherit', 'inherit'] });
  await until(() => {
    assert.equal(nginx.exitCode, null, 'nginx runs');
    return request('GET', '/').then(() => true, () => false);
  }, 'nginx answers');
});

after(async () => {
  if (nginx && nginx.exitCode === null) {
    const ended = new Promise((resolve) => nginx.on('exit', resolve));
    process.kill(nginx.pid, 'SIGTERM');
    await ended;
  }
  rmSync(directory, { recursive: true, force: true });
});

test('the page has its type, its policy and a cache rule', async () => {
  const page = await request('GET', '/');
  assert.equal(page.status, 200);
  assert.match(page.headers['content-type'], /^text\/html/);
  assert.match(page.headers['content-security-policy'], /default-src 'self'.*frame-ancestors 'none'/);
  assert.equal(page.headers['x-content-type-options'], 'nosniff');
  assert.equal(page.headers['referrer-policy'], 'no-referrer');
  assert.equal(page.headers['cache-control'], 'no-cache');
  assert.equal(page.headers['retry-after'], undefined);
  assert.equal(page.headers.allow, undefined);
  assert.match((await request('GET', '/slipway.mjs')).headers['content-type'], /^text\/javascript/);
  assert.equal((await request('HEAD', '/')).status, 200);
});

test('a backend that is gone is a 503 problem with Retry-After', async () => {
  for (const [method, target] of [['POST', '/api/deploy'], ['GET', '/api/deploy?appId=a'], ['GET', '/healthz'],
    ['GET', '/readyz'], ['GET', '/metrics']]) {
    const answer = await request(method, target, { body: method === 'POST' ? '{}' : undefined });
    assertProblem(answer, 503, 'api_unavailable');
    assert.equal(answer.headers['retry-after'], '2');
    assert.match(answer.headers['content-security-policy'], /default-src 'self'/);
  }
});

test('one byte over 256 KiB is a 413, announced or chunked', async () => {
  const body = Buffer.alloc(BODY_LIMIT + 1, ' ');
  assertProblem(await request('POST', '/api/deploy', { body, headers: { 'Content-Length': body.length } }), 413,
    'payload_too_large');
  assertProblem(await request('POST', '/api/deploy', { body, headers: { 'Transfer-Encoding': 'chunked' } }), 413,
    'payload_too_large');
});

test('exactly 256 KiB reaches the backend, with the parameters that it needs', async () => {
  let seen;
  const respond = (params, bodySize) => {
    seen = { params, bodySize };
    return 'Status: 200\r\nContent-Type: application/json\r\n\r\n{}';
  };
  await withBackend(respond, async () => {
    const headers = { 'Content-Type': 'application/json', Authorization: 'Bearer x' };
    const answer = await request('POST', '/api/deploy?x=1', { body: Buffer.alloc(BODY_LIMIT, ' '), headers });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.equal(seen.bodySize, BODY_LIMIT);
    const { REQUEST_ID, ...params } = seen.params;
    assert.match(REQUEST_ID, /^[0-9a-f]{32}$/);
    const wanted = { GATEWAY_INTERFACE: 'CGI/1.1', REQUEST_METHOD: 'POST', QUERY_STRING: 'x=1',
      CONTENT_TYPE: 'application/json', CONTENT_LENGTH: String(BODY_LIMIT), DOCUMENT_URI: '/api/deploy',
      REQUEST_URI: '/api/deploy?x=1', SERVER_PROTOCOL: 'HTTP/1.1', REMOTE_ADDR: '127.0.0.1',
      HTTP_AUTHORIZATION: 'Bearer x' };
    for (const [name, value] of Object.entries(wanted)) assert.equal(params[name], value, name);
    assert.equal(params.HTTPS, undefined);
  });
});

test('one id of nginx names a request in the answer, at the backend and in the access log', async () => {
  const seen = [];
  const respond = (params) => {
    seen.push(params.REQUEST_ID);
    return 'Status: 200\r\nContent-Type: application/json\r\n\r\n{}';
  };
  const forged = 'f'.repeat(32);
  const answers = [];
  await withBackend(respond, async () => {
    const headers = { 'X-Request-Id': forged, 'Request-Id': forged };
    answers.push(await request('GET', '/api/workflows', { headers }));
    answers.push(await request('GET', '/api/workflows'));
  });
  assert.deepEqual(answers.map((answer) => answer.headers['x-request-id']), seen);
  // What nginx answers by itself has one too.
  answers.push(await request('GET', '/nothing'), await request('GET', '/api/workflows'));
  assert.deepEqual(answers.map((answer) => answer.status), [200, 200, 404, 503]);
  const log = path.join(directory, 'log/nginx-access.log');
  const ids = answers.map((answer) => answer.headers['x-request-id']);
  assert.equal(new Set([...ids, forged]).size, 5);
  await until(() => readFileSync(log, 'utf8').includes(ids[3]), 'the last one is in the access log');
  for (const id of ids) {
    assert.match(id, /^[0-9a-f]{32}$/);
    const lines = readFileSync(log, 'utf8').split('\n').filter((line) => line.endsWith(` request=${id}`));
    assert.equal(lines.length, 1, id);
  }
});

test('connections to the backend are kept, also those of many polls that end at once', async () => {
  const MANY = 600;
  const accepted = [];
  let held = [];
  const backend = net.createServer((socket) => {
    accepted.push(socket);
    // A kept connection's next request begins with the same eight bytes as its first.
    socket.on('error', () => {}).on('data', (part) => {
      if (part[1] !== 1) return;
      held.push(socket);
      if (held.length < MANY) return;
      const answer = Buffer.from('Status: 204\r\n\r\n');
      const out = Buffer.from([1, 6, 0, 1, 0, answer.length, 0, 0]);
      const end = Buffer.from([1, 3, 0, 1, 0, 8, 0, 0, ...Buffer.alloc(8)]);
      for (const each of held) each.write(Buffer.concat([out, answer, end]));
      held = [];
    });
  });
  const where = { path: path.join(directory, 'api.sock'), backlog: 4096 };
  await new Promise((resolve) => { backend.listen(where, resolve); });
  try {
    for (let round = 0; round < 3; round++) {
      // Of many addresses, for a single one has a limit.
      const sent = Array.from({ length: MANY }, (_, at) => request('GET', '/api/deploy',
        { localAddress: `127.1.${round}.${1 + (at % 200)}` }));
      assert.deepEqual([...new Set((await Promise.all(sent)).map((answer) => answer.status))], [204]);
      assert.equal(accepted.length, MANY, `after round ${round + 1}`);
    }
  } finally {
    for (const socket of accepted) socket.destroy();
    await new Promise((resolve) => { backend.close(resolve); });
  }
});

test("the backend's own errors pass untouched", async () => {
  for (const status of [404, 413, 429, 503]) {
    const body = `{"status":${status},"class":"its_own"}`;
    const respond = () =>
      `Status: ${status}\r\nContent-Type: application/problem+json\r\nRetry-After: 77\r\n\r\n${body}`;
    await withBackend(respond, async () => {
      const answer = await request('GET', '/api/deploy');
      assert.equal(answer.status, status);
      assert.equal(answer.text, body);
      assert.equal(answer.headers['retry-after'], '77');
    });
  }
});

test('the page takes GET and HEAD only', async () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const answer = await request(method, '/', { body: method === 'POST' ? 'x' : undefined });
    assertProblem(answer, 405, 'method_not_allowed');
    assert.equal(answer.headers.allow, 'GET, HEAD');
  }
  const traced = await rawRequest('TRACE /api/deploy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  assertProblem(traced, 405, 'method_not_allowed');
  assert.equal(traced.headers.allow, 'GET, POST');
});

test('what is not there, forbidden, hidden or internal is a 404', async () => {
  for (const target of ['/nothing', '/empty/', '/.git/config', '/problems/503', '/api']) {
    assertProblem(await request('GET', target), 404, 'not_found');
  }
});

test('an address that is too long is a 414, headers that are too large a 431, no HTTP at all a 400', async () => {
  assertProblem(await request('GET', `/${'a'.repeat(9000)}`), 414, 'invalid_request');
  assertProblem(await request('GET', '/', { headers: { 'X-Large': 'a'.repeat(9000) } }), 431, 'invalid_request');
  assertProblem(await rawRequest('GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n'), 400, 'invalid_request');
  assertProblem(await rawRequest('GET / HTTP/1.1\r\n\r\n'), 400, 'invalid_request');
});

// The production sample in a folder of its own, with a certificate of that kind, listening on sockets.
function production(kind) {
  const prefix = path.join(directory, `production-${kind}`);
  cpSync(CONF, path.join(prefix, 'slipway'), { recursive: true });
  const [certificate, key] = [path.join(prefix, 'cert.pem'), path.join(prefix, 'key.pem')];
  const kinds = { ec: ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'], rsa: ['rsa:2048'] };
  const made = spawnSync('openssl', ['req', '-x509', '-newkey', ...kinds[kind], '-nodes', '-days', '1', '-subj',
    '/CN=deploy.example.org', '-keyout', key, '-out', certificate]);
  assert.equal(made.status, 0, String(made.stderr));
  const sample = path.join(prefix, 'slipway/slipway.conf');
  writeFileSync(sample, readFileSync(sample, 'utf8')
    .replace(/^(\s*ssl_certificate) .*/m, `$1 "${certificate}";`)
    .replace(/^(\s*ssl_certificate_key) .*/m, `$1 "${key}";`)
    .replace(/access_log \S+/, `access_log "${prefix}/access.log"`)
    // nginx -t binds what it is told to listen on: no port of this machine's own, and it may have no IPv6.
    .replace(/^\s*listen \[::\].*\n/gm, '')
    .replace(/listen \d+/g, `listen unix:${prefix}/listen.sock`).replace(/listen.sock ssl/g, 'listen-tls.sock ssl'));
  const main = path.join(prefix, 'nginx.conf');
  const top = `daemon off;\npid ${prefix}/nginx.pid;\nerror_log stderr;\nevents {}\nhttp {\n\taccess_log off;\n`;
  writeFileSync(main, top +
    ['client_body', 'fastcgi', 'proxy', 'scgi', 'uwsgi'].map((name) => `\t${name}_temp_path ${prefix}/${name};\n`)
      .join('') + '\tinclude slipway/slipway.conf;\n}\n');
  const [plain, socket] = ['listen.sock', 'listen-tls.sock'].map((name) => path.join(prefix, name));
  return { plain, socket, words: ['-e', 'stderr', '-p', prefix, '-c', main] };
}

test('the production sample is one that nginx takes', () => {
  const checked = spawnSync('nginx', ['-t', ...production('ec').words]);
  assert.equal(checked.status, 0, String(checked.stderr));
  assert.doesNotMatch(String(checked.stderr), /\[warn\](?!.*"user" directive)/);
});

// What a client that offers this is given, such as "TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256"; undefined: no connection.
function handshake(socket, offer) {
  return new Promise((resolve) => {
    const names = { servername: HOST, rejectUnauthorized: false };
    const client = connectTls({ path: socket, ...names, ...offer }, () => {
      resolve({ name: `${client.getProtocol()} ${client.getCipher().name}`, key: client.getEphemeralKeyInfo() });
      client.destroy();
    });
    client.once('error', () => resolve(undefined));
  });
}

for (const kind of ['ec', 'rsa']) {
  test(`TLS of the production sample, with ${kind} keys, takes what has forward secrecy and is authenticated only`,
    async () => {
      const { socket, words } = production(kind);
      const server = spawn('nginx', words, { stdio: 'ignore' });
      const ended = new Promise((resolve) => { server.once('exit', resolve); });
      const ordinary = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' };
      try {
        while (!(await handshake(socket, {}))) await new Promise((resolve) => { setTimeout(resolve, 20); });
        const taken = [];
        for (const cipher of getCiphers().map((name) => name.toUpperCase())) {
          if (cipher.startsWith('TLS_')) continue;
          const offer = { ...ordinary, ciphers: `${cipher}:@SECLEVEL=0` };
          const given = await handshake(socket, offer).catch(() => undefined);
          if (given) taken.push(cipher);
        }
        const sign = kind === 'ec' ? 'ECDSA' : 'RSA';
        assert.deepEqual(taken.sort(), [`ECDHE-${sign}-AES128-GCM-SHA256`, `ECDHE-${sign}-AES256-GCM-SHA384`,
          `ECDHE-${sign}-CHACHA20-POLY1305`]);
        const modern = await handshake(socket, { minVersion: 'TLSv1.3' });
        assert.match(modern.name, /^TLSv1\.3 /);
        const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' };
        assert.equal(await handshake(socket, old), undefined);
      } finally {
        server.kill('SIGTERM');
        await ended;
      }
    });
}

// All that comes back for these bytes, on a connection that nginx ends; with TLS by that name where there is one.
function exchange(socket, bytes, servername) {
  return new Promise((resolve) => {
    let text = '';
    const client = servername ? connectTls({ path: socket, servername, rejectUnauthorized: false }, () => {
      client.write(bytes);
    }) : net.connect(socket, () => client.write(bytes));
    client.on('data', (part) => (text += part)).on('error', () => {}).on('close', () => resolve(text));
  });
}

test('the production sample answers to its own name alone, with TLS and without', async () => {
  const { plain, socket, words } = production('ec');
  const server = spawn('nginx', words, { stdio: 'ignore' });
  const ended = new Promise((resolve) => { server.once('exit', resolve); });
  const ask = (host) => `GET / HTTP/1.1\r\n${host === undefined ? '' : `Host: ${host}\r\n`}Connection: close\r\n\r\n`;
  try {
    await until(() => handshake(socket, {}), 'nginx answers');
    for (const servername of ['', 'example.org', 'deploy.example.org.evil.example', 'localhost']) {
      for (const version of ['TLSv1.2', 'TLSv1.3']) {
        const offer = { servername, minVersion: version, maxVersion: version };
        assert.equal(await handshake(socket, offer), undefined, `${servername} ${version}`);
      }
    }
    assert.match(await exchange(plain, ask(HOST)), /^HTTP\/1\.1 308 .*Location: https:\/\/deploy\.example\.org\/\r\n/s);
    assert.match(await exchange(socket, ask(HOST), HOST), /^HTTP\/1\.1 .*Strict-Transport-Security: max-age=31536000/s);
    for (const host of ['example.org', '127.0.0.1', '[::1]', `${HOST}.evil.example`, '_']) {
      assert.equal(await exchange(plain, ask(host)), '', host);
      assert.equal(await exchange(socket, ask(host), HOST), '', host);
    }
  } finally {
    server.kill('SIGTERM');
    await ended;
  }
});

// The shipped limit, by addresses that a proxy would name. What the limit lets through is forbidden.
test('one client is an address of IPv4, and a /64 of IPv6 however it is written', async () => {
  const prefix = path.join(directory, 'networks');
  mkdirSync(prefix);
  const socket = path.join(prefix, 'listen.sock');
  const temporary = ['client_body', 'fastcgi', 'proxy', 'scgi', 'uwsgi'];
  writeFileSync(path.join(prefix, 'nginx.conf'), `daemon off;
pid ${prefix}/nginx.pid;
events { worker_connections 2048; }
http {
${temporary.map((name) => `${name}_temp_path ${prefix}/${name};`).join('\n')}
access_log off;
include ${CONF}/slipway-http.conf;
server {
  listen unix:${socket} backlog=1024;
  set_real_ip_from unix:;
  real_ip_header X-Client;
  limit_req zone=slipway_client burst=100 nodelay;
  location / { deny all; }
}
}
`);
  const server = spawn('nginx', ['-e', path.join(prefix, 'log'), '-p', prefix, '-c', path.join(prefix, 'nginx.conf')],
    { stdio: 'ignore' });
  const ended = new Promise((resolve) => { server.once('exit', resolve); });
  const refused = async (addressOf) => {
    const texts = await Promise.all(Array.from({ length: 600 }, (_, i) => exchange(socket,
      `GET / HTTP/1.1\r\nHost: x\r\nX-Client: ${addressOf(i)}\r\nConnection: close\r\n\r\n`)));
    for (const text of texts) assert.match(text, /^HTTP\/1\.1 (403|429) /);
    return texts.filter((text) => text.startsWith('HTTP/1.1 429')).length;
  };
  const hex = (number) => number.toString(16);
  try {
    await until(() => exchange(socket, 'GET / HTTP/1.0\r\n\r\n'), 'nginx answers');
    // Also with what a pattern or a variable might take for something else: a line's end, a dollar, a zero.
    for (const network of ['2001:db8:1:2', '2001:db8:a0a:a', '2001:db8:2431:5c5c', '2001:db8:0:0', 'fd00:0:0:1']) {
      const addressOf = (i) => `${network}:${i % 2 ? `0:0:0:${hex(i + 1)}` : `${hex(i + 1)}:1:1:1`}`;
      assert.ok(await refused(addressOf) > 0, network);
    }
    assert.equal(await refused((i) => `2001:db8:7:${hex(i)}::1`), 0);
    assert.equal(await refused((i) => `2001:db8:${hex(i + 16)}:a::a`), 0);
    assert.equal(await refused((i) => `198.18.${i >> 8}.${i & 255}`), 0);
    assert.ok(await refused(() => '198.51.100.1') > 0);
  } finally {
    server.kill('SIGTERM');
    await ended;
  }
});
