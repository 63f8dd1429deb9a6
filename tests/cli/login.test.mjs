// With which token a command calls the endpoint: a file, the environment, or what slipway login has kept; and that none
// goes where others could read it.
//
// covers: src/cli/command_login.c src/cli/token_file.c
import { test, before, after, beforeEach } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync }
  from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from '../integration/stack.mjs';

const token = (digit) => `sw_${digit.repeat(16)}_${digit.repeat(43)}`;
const GOOD = token('a');
const folder = mkdtempSync(path.join(tmpdir(), 'slipway-login-'));
const config = path.join(folder, 'config');
const kept = path.join(config, 'slipway/tokens');
const seen = [];
let server;
let secure;
let url;

function answer(request, response) {
  seen.push(request.headers.authorization);
  const sent = request.headers.authorization ?? '';
  const allowed = sent.startsWith('Bearer sw_') && !sent.includes('ff');
  response.writeHead(allowed ? 200 : 401, { 'content-type': 'application/json' });
  response.end(JSON.stringify(allowed ? { workflows: [], apps: [], next: null }
    : { class: 'unauthorized', detail: 'the request has no valid token', remedy: { text: 'Send a header' } }));
}

const listen = (one) => new Promise((resolve) => { one.listen(0, '127.0.0.1', () => resolve(one.address().port)); });

before(async () => {
  server = http.createServer(answer);
  url = `http://127.0.0.1:${await listen(server)}`;
  const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1',
    '-nodes', '-days', '1', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1',
    '-keyout', path.join(folder, 'key.pem'), '-out', path.join(folder, 'cert.pem')], { encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  secure = https.createServer({ key: readFileSync(path.join(folder, 'key.pem')),
    cert: readFileSync(path.join(folder, 'cert.pem')) }, answer);
  await listen(secure);
});
after(() => {
  server.close();
  secure.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  seen.length = 0;
  rmSync(config, { recursive: true, force: true });
});

// Not spawnSync: the server is in this process.
function slipway(words, { input = '', env = {} } = {}) {
  return new Promise((resolve) => {
    const child = spawn(path.join(build, 'slipway'), words, { env: { PATH: process.env.PATH, XDG_CONFIG_HOME: config,
      ...env } });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (bytes) => { stdout += bytes; });
    child.stderr.on('data', (bytes) => { stderr += bytes; });
    child.on('close', (code) => resolve({ code, stdout, stderr }));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}
const workflows = (at, options) => slipway(['workflows', '--url', at], options);
const login = (at, text, ...words) => slipway(['login', '--url', at, ...words], { input: `${text}\n` });

test('a token is kept for its endpoint, for its owner alone, and used for that endpoint alone', async () => {
  const done = await login(url, GOOD);
  assert.equal(done.code, 0, done.stderr);
  assert.equal(done.stdout, `The token ${'a'.repeat(16)} is kept for ${url}.\n`);
  assert.equal(statSync(kept).mode & 0o777, 0o600);
  assert.equal(statSync(path.dirname(kept)).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(path.dirname(kept)), ['tokens']);
  seen.length = 0;
  assert.equal((await workflows(url)).code, 0);
  assert.equal((await workflows(`${url}/`)).code, 0);
  assert.deepEqual(seen, [`Bearer ${GOOD}`, `Bearer ${GOOD}`]);
  seen.length = 0;
  const other = await workflows(url.replace('127.0.0.1', 'localhost'));
  assert.deepEqual(seen, [undefined]);
  assert.equal(other.code, 77);
  assert.match(other.stderr, /no valid token[^]*slipway login/);
});

test('another login takes its place, others stay, and --forget removes it', async () => {
  const localhost = url.replace('127.0.0.1', 'localhost');
  await login(url, GOOD);
  await login(localhost, token('b'));
  await login(`${url}/`, token('c'));
  assert.deepEqual(readFileSync(kept, 'utf8').trim().split('\n').sort(), [`${localhost} ${token('b')}`,
    `${url} ${token('c')}`].sort());
  assert.equal((await slipway(['login', '--forget', '--url', url])).code, 0);
  assert.equal(readFileSync(kept, 'utf8'), `${localhost} ${token('b')}\n`);
  assert.equal(statSync(kept).mode & 0o777, 0o600);
});

test('what is no token, or is refused, is not kept', async () => {
  for (const text of ['', 'sw_x', `${GOOD}x`, GOOD.slice(0, -1), token('f')]) {
    const done = await login(url, text);
    assert.notEqual(done.code, 0, text);
    assert.equal(existsSync(kept), false);
    assert.equal(text !== '' && text.length > 20 && (done.stdout + done.stderr).includes(text), false);
  }
});

test('a file and the environment go over what is kept', async () => {
  await login(url, GOOD);
  const file = path.join(folder, 'token');
  writeFileSync(file, `${token('b')}\n`, { mode: 0o600 });
  seen.length = 0;
  await slipway(['workflows', '--url', url, '--token-file', file]);
  await workflows(url, { env: { SLIPWAY_TOKEN_FILE: file } });
  await workflows(url, { env: { SLIPWAY_TOKEN: token('c') } });
  await slipway(['apps', '--url', url, '--token-file', file]);
  assert.deepEqual(seen, ['b', 'b', 'c', 'b'].map((digit) => `Bearer ${token(digit)}`));
});

test('files that others may read are refused, before anything is sent', async () => {
  await login(url, GOOD);
  chmodSync(kept, 0o644);
  seen.length = 0;
  const done = await workflows(url);
  assert.equal(done.code, 64);
  assert.match(done.stderr, /others than its owner may read/);
  const file = path.join(folder, 'open');
  writeFileSync(file, GOOD, { mode: 0o644 });
  assert.equal((await slipway(['workflows', '--url', url, '--token-file', file])).code, 78);
  assert.deepEqual(seen, []);
});

test('no token goes over a network by plain http', async () => {
  for (const at of ['http://slipway.example', 'http://192.0.2.1:8080', 'http://localhost.example']) {
    const done = await workflows(at, { env: { SLIPWAY_TOKEN: GOOD } });
    assert.equal(done.code, 64, done.stderr);
    assert.match(done.stderr, /not an https URL/);
  }
});

test('what would end the header is no token', async () => {
  const done = await workflows(url, { env: { SLIPWAY_TOKEN: `${token('b')}\r\nX: y` } });
  assert.notEqual(done.code, 0);
  assert.deepEqual(seen, []);
});

test('a certificate of an authority of ones own is taken with --ca-file, and only with it', async () => {
  const at = `https://localhost:${secure.address().port}`;
  const ca = path.join(folder, 'cert.pem');
  const env = { SLIPWAY_TOKEN: GOOD };
  const without = await workflows(at, { env });
  assert.equal(without.code, 69, without.stderr);
  assert.deepEqual(seen, []);
  assert.equal((await slipway(['workflows', '--url', at, '--ca-file', ca], { env })).code, 0);
  assert.equal((await workflows(at, { env: { ...env, SLIPWAY_CA_FILE: ca } })).code, 0);
  assert.deepEqual(seen, [`Bearer ${GOOD}`, `Bearer ${GOOD}`]);
  const missing = await slipway(['workflows', '--url', at, '--ca-file', path.join(folder, 'none.pem')], { env });
  assert.notEqual(missing.code, 0);
});

test('on a terminal the token is not shown', async () => {
  const child = spawn('script', ['-qec', `${path.join(build, 'slipway')} login --url ${url}`, '/dev/null'],
    { env: { PATH: process.env.PATH, XDG_CONFIG_HOME: config }, stdio: ['pipe', 'pipe', 'ignore'] });
  let output = '';
  child.stdout.on('data', (bytes) => {
    if (!output.includes('Token: ') && `${output}${bytes}`.includes('Token: ')) child.stdin.write(`${GOOD}\n`);
    output += bytes;
  });
  const code = await new Promise((resolve) => { child.on('close', resolve); });
  assert.equal(code, 0, output);
  assert.match(output, /is kept for/);
  assert.equal(output.includes(GOOD.slice(20)), false);
});
