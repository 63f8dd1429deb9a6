// /readyz and /metrics beside a redis-server with conf/redis as shipped: 503 for what makes requests fail, words for
// what does not, and nothing that Redis itself says.
//
// covers: src/api/route_readyz.c src/api/route_healthz.c src/api/route_metrics.c
// covers: src/store/workers.c src/store/scripts/probe.lua
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build, freePort, until } from '../integration/stack.mjs';
import { cgi } from '../harness/cgi.mjs';
import { RedisServer, TESTER } from '../harness/redis.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'slipway-ready-'));
let redis;

const readyz = (server = redis, flags = server.flags('slipway-api')) => cgi(flags, 'GET', '/readyz');
const workers = () =>
  Number(/^slipway_workers (\d+)$/m.exec(cgi(redis.flags('slipway-api'), 'GET', '/metrics').text)[1]);
const beat = (at) => JSON.stringify({ at: at.toISOString(), version: '0.1.0', executors: 1, busy: 0 });

before(async () => {
  redis = (await new RedisServer(folder).start()).loadFunctions();
});
after(async () => {
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

function assertUnready({ status, text, body, log }, words, hidden) {
  assert.equal(status, 503, text);
  assert.match(body.detail, words);
  for (const word of hidden) {
    assert.ok(!text.includes(word), `${word} in ${text}`);
    assert.ok(log.includes(word), `${word} not in the log: ${log}`);
  }
}

test('a replica is not ready, whether it takes writes or not', async () => {
  const port = await freePort();
  redis.cli(TESTER, 'CONFIG', 'SET', 'port', String(port));
  const own = path.join(folder, 'replica');
  mkdirSync(own);
  const replica = new RedisServer(own, {
    lines: [`replicaof 127.0.0.1 ${port}`, `masteruser ${TESTER}`, `masterauth ${redis.users.password(TESTER)}`],
  });
  await replica.start();
  try {
    await until(() => /master_link_status:up/.test(replica.cli(TESTER, 'INFO', 'replication')), 'the replica follows');
    for (const writable of ['no', 'yes']) {
      replica.cli(TESTER, 'CONFIG', 'SET', 'replica-read-only', writable === 'yes' ? 'no' : 'yes');
      const answer = readyz(replica);
      assertUnready(answer, /is a replica/, []);
      assert.match(answer.body.remedy.text, /address of the master/);
    }
    assert.equal(readyz().status, 200);
    replica.cli(TESTER, 'REPLICAOF', 'NO', 'ONE');
    assert.equal(readyz(replica).status, 200);
  } finally {
    await replica.stop();
    redis.cli(TESTER, 'CONFIG', 'SET', 'port', '0');
  }
});

test('where Redis would refuse the scripts that change runs it is not ready; its words are in the log alone', () => {
  redis.cli(TESTER, 'CONFIG', 'SET', 'min-replicas-to-write', '1');
  const few = readyz();
  redis.cli(TESTER, 'CONFIG', 'SET', 'min-replicas-to-write', '0');
  assertUnready(few, /refuses what Slipway needs \(failed check: scripts\)/, ['NOREPLICAS']);
  const shipped = readFileSync(redis.users.acl, 'utf8').match(/^user slipway-api (on .*)$/m)[1];
  const words = shipped.match(/\([^)]*\)|\S+/g);
  const setRights = (rights) => redis.cli(TESTER, 'ACL', 'SETUSER', 'slipway-api', 'reset', ...rights);
  setRights(words.filter((word) => !word.includes('+fcall')));
  const denied = readyz();
  setRights(words.filter((word) => !word.startsWith('%R~')));
  const elsewhere = readyz();
  setRights(words);
  assertUnready(denied, /refuses what Slipway needs/, ['NOPERM', 'fcall']);
  assertUnready(elsewhere, /refuses what Slipway needs/, ['NOPERM']);
  assert.equal(readyz().status, 200);
});

test('a login that is refused and a Redis that is away are told without what Redis or the system said', () => {
  const flags = ['--redis-url', `unix://slipway-api:wrong@${redis.socket}`];
  assertUnready(cgi([], 'GET', '/readyz', '', { SLIPWAY_REDIS_URL: flags[1] }), /cannot be reached or refuses/,
    ['WRONGPASS']);
  assertUnready(readyz(redis, ['--redis-url', `unix://${folder}/nowhere.sock`]), /cannot be reached or refuses/,
    ['No such file']);
});

test('what cannot be asked is a warning in the body, not a 503', () => {
  redis.cli(TESTER, 'ACL', 'SETUSER', 'slipway-api', '-acl|dryrun', '-config|get');
  const { status, body } = readyz();
  redis.cli(TESTER, 'ACL', 'SETUSER', 'slipway-api', '+acl|dryrun', '+config|get');
  assert.equal(status, 200);
  for (const what of ['default user', 'waiting for the disk'])
    assert.ok(body.warnings.includes(`Redis does not let slipway-api check: ${what}`), `${body.warnings}`);
});

test('no worker that lives is a warning in the body, and the metric counts those that report', async () => {
  assert.deepEqual(readyz().body, {
    status: 'ok', workers: 0, warnings: ['no worker is running: triggered steps stay queued until one starts'],
  });
  const all = [0, 1, 2].map(() =>
    spawn(path.join(build, 'slipway-worker'), [...redis.flags('slipway-worker'), '--executors', '1'],
      { stdio: 'ignore' }));
  const ended = all.map((worker) => new Promise((resolve) => { worker.once('exit', resolve); }));
  await until(() => workers() === 3, 'three workers report');
  // As workers that were killed a minute ago leave their rows.
  for (let i = 0; i < 12; i += 1) {
    redis.cli('slipway-worker', 'HSET', 'slipway:workers', `gone-${i}`, beat(new Date(Date.now() - 60000)));
  }
  assert.equal(workers(), 3);
  assert.deepEqual(readyz().body, { status: 'ok', workers: 3, warnings: [] });
  for (const worker of all) worker.kill('SIGTERM');
  await Promise.all(ended);
  assert.equal(workers(), 0);
  assert.equal(readyz().body.warnings.length, 1);
});

test('a worker reports by the clock of Redis, whatever its own says', async () => {
  const worker = spawn(path.join(build, 'slipway-worker'), [...redis.flags('slipway-worker'), '--executors', '1'], {
    stdio: 'ignore',
    env: {
      ...process.env,
      LD_PRELOAD: '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
      FAKETIME: '-2h',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      ASAN_OPTIONS: 'verify_asan_link_order=0', // a build with sanitizers wants to be the first
    },
  });
  const ended = new Promise((resolve) => { worker.once('exit', resolve); });
  await until(() => workers() === 1, 'it counts as one that lives');
  const names = redis.cli('slipway-ops', 'HKEYS', 'slipway:workers').split('\n');
  const at = JSON.parse(redis.cli('slipway-ops', 'HGET', 'slipway:workers',
    names.find((name) => !name.startsWith('gone-')))).at;
  worker.kill('SIGTERM');
  await ended;
  assert.ok(Math.abs(Date.parse(at) - Date.now()) < 3600000, at);
});

test('a report from a time to come, as Redis with its clock set back has it, is of no worker that lives', () => {
  redis.cli('slipway-worker', 'HSET', 'slipway:workers', 'ahead', beat(new Date(Date.now() + 3600000)));
  assert.equal(workers(), 0);
  const found = spawnSync(path.join(build, 'slipway'), ['doctor', ...redis.flags('slipway-verify')],
    { encoding: 'utf8' });
  assert.match(found.stdout, /^fault +workers +none is running; \d+ stopped reporting/m);
});
