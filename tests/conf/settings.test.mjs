// What the programs do with settings that they cannot use: they end at once with 78 and the reason.
//
// covers: src/api/main.c src/worker/main.c src/cli/command.c
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build, until } from '../integration/stack.mjs';

const EX_CONFIG = 78;
const programs = [['slipway-api'], ['slipway-worker'], ['slipway', 'verify'], ['slipway', 'doctor'],
  ['slipway', 'resources', 'app']];

// With a bound, for a program that stays up fails the test.
function start([program, ...words], env, ...flags) {
  return spawnSync(path.join(build, program), [...words, ...flags],
    { encoding: 'utf8', env: { ...process.env, ...env }, timeout: 60000 });
}

test('a URL of Redis that no connection could use ends every program that needs Redis with 78 and the reason', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'slipway-settings-'));
  const urls = [['localhost:6379', /scheme/], ['rediss://h', /TLS/], ['redis://::1', /brackets/],
    ['redis://h:x', /port/], ['unix://redis.sock', /absolute/], ['', /is empty/]];
  for (const words of programs) {
    for (const [url, reason] of urls) {
      const flags = words[0] === 'slipway-api' ? ['--listen', path.join(folder, 'api.sock')] : [];
      const done = start(words, { SLIPWAY_REDIS_URL: url }, ...flags);
      assert.equal(done.status, EX_CONFIG, `${words} ${url}: ${done.stdout}${done.stderr}`);
      assert.match(done.stderr, /SLIPWAY_REDIS_URL/);
      assert.match(done.stderr, reason);
    }
  }
  rmSync(folder, { recursive: true });
});

test('another setting that is wrong ends them with 78 as well', () => {
  for (const words of programs) {
    const done = start(words, { SLIPWAY_RETENTION_DAYS: 'many' });
    assert.equal(done.status, EX_CONFIG, `${words}: ${done.stdout}${done.stderr}`);
    assert.match(done.stderr, /SLIPWAY_RETENTION_DAYS/);
  }
});

test('an address of a provider that is there and empty ends a worker with 78, not each run that calls it', () => {
  for (const name of ['SLIPWAY_GITHUB_URL', 'SLIPWAY_VERCEL_URL']) {
    const done = start(['slipway-worker'], { [name]: '' });
    assert.equal(done.status, EX_CONFIG, `${name}: ${done.stdout}${done.stderr}`);
    assert.match(done.stderr, new RegExp(`${name} \\(environment\\) is empty`));
  }
});

test('an address of IPv6 in brackets is connected to', async (t) => {
  let met = 0;
  const server = createServer((socket) => {
    met += 1;
    socket.destroy();
  });
  const listens = await new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(0, '::1', () => resolve(true));
  });
  if (!listens) return t.skip('there is no IPv6 on this machine');
  const child = spawn(path.join(build, 'slipway'), ['verify', '--redis-url', `redis://[::1]:${server.address().port}`],
    { stdio: 'ignore' });
  const code = await new Promise((resolve) => { child.once('exit', resolve); });
  server.close();
  assert.equal(code, 69);
  assert.ok(met > 0);
  return undefined;
});

test('a password in the URL is warned of at the start, and stands in no /proc and in nothing printed', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'slipway-settings-'));
  const url = 'unix://slipway-api:hush-hush@/nowhere/redis.sock';
  const keys = path.join(folder, 'keys');
  assert.equal(start(['slipway', 'key', keys], {}).status, 0);
  const daemons = [['slipway-api', ['--listen', path.join(folder, 'api.sock')]],
    ['slipway-worker', ['--secrets-keys-file', keys]]];
  for (const [program, flags] of daemons) {
    const printed = start([program], { SLIPWAY_REDIS_URL: url }, '--print-config');
    assert.match(printed.stdout, /^SLIPWAY_REDIS_URL=unix:\/\/slipway-api:\*\*\*@\/nowhere\/redis.sock$/m);
    const child = spawn(path.join(build, program), flags, { env: { ...process.env, SLIPWAY_REDIS_URL: url } });
    let log = '';
    child.stderr.on('data', (bytes) => { log += bytes; });
    const ended = new Promise((resolve) => { child.once('exit', resolve); });
    await until(() => /event=started/.test(log), 'it has started');
    assert.match(log, /level=warning .*a URL has a password in it.* setting=SLIPWAY_REDIS_URL/);
    for (const name of ['environ', 'cmdline']) {
      assert.ok(!readFileSync(`/proc/${child.pid}/${name}`, 'utf8').includes('hush-hush'), name);
    }
    child.kill('SIGTERM');
    await ended;
    assert.ok(!log.includes('hush-hush'));
    const flagged = start([program], {}, '--redis-url', url);
    assert.equal(flagged.status, EX_CONFIG);
    assert.match(flagged.stderr, /everybody on this machine can read/);
    assert.ok(!flagged.stderr.includes('hush-hush'));
  }
  const asked = start(['slipway', 'doctor'], { SLIPWAY_REDIS_URL: url });
  assert.match(asked.stdout, /now unix:\/\/slipway-api:\*\*\*@\/nowhere/);
  assert.ok(!(asked.stdout + asked.stderr).includes('hush-hush'));
  rmSync(folder, { recursive: true });
});

test('a worker without keys, by which workers know each other, ends with 78 and says which command makes them', () => {
  const done = start(['slipway-worker'], { SLIPWAY_REDIS_URL: 'unix:///nowhere/redis.sock' });
  assert.equal(done.status, EX_CONFIG, done.stderr);
  assert.match(done.stderr, /SLIPWAY_SECRETS_KEYS is not set.*slipway key FILE/);
});

test('a token that others may read ends the worker with 78 and says chmod', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'slipway-settings-'));
  const token = path.join(folder, 'token');
  writeFileSync(token, 'ghp_a-token\n');
  chmodSync(token, 0o644);
  const done = start(['slipway-worker'], { SLIPWAY_GITHUB_TOKEN_FILE: token });
  assert.equal(done.status, EX_CONFIG);
  assert.match(done.stderr, /SLIPWAY_GITHUB_TOKEN_FILE: others than its owner may read or write/);
  assert.match(done.stderr, new RegExp(`chmod 600 ${token}`));
  rmSync(folder, { recursive: true });
});
