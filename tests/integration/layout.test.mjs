// State in another layout of keys is refused by all that would read or change it, each time that Redis is another one;
// an empty Redis is taken, and marked by the first change.
//
// covers: src/store/layout.c src/store/scripts/layout.lua
import test, { before, after, beforeEach } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build, until } from './stack.mjs';
import { cgi } from '../harness/cgi.mjs';
import { RedisServer, TESTER } from '../harness/redis.mjs';

const LAYOUT = 'slipway:{0}:layout';
const folder = mkdtempSync(path.join(tmpdir(), 'slipway-layout-'));
let redis;

before(async () => {
  redis = (await new RedisServer(folder).start()).loadFunctions();
});
after(async () => {
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => redis.cli(TESTER, 'FLUSHALL'));

const command = (user, ...words) => {
  const done = spawnSync(path.join(build, 'slipway'), [...words, ...redis.flags(user)], { encoding: 'utf8' });
  return { code: done.status, text: done.stdout + done.stderr };
};
const post = (body) => cgi(redis.flags('slipway-api'), 'POST', '/api/deploy', JSON.stringify(body));
const trigger = (appId) =>
  post({ mode: 'trigger', appId, workflowId: 'hello', actionId: 'greet', inputs: { greet: { text: 'hi' } } });
const configure = (appId) => post({ mode: 'configure', appId, config: { a: 'b' } });
const readyz = () => cgi(redis.flags('slipway-api'), 'GET', '/readyz');

function startWorker() {
  const worker = spawn(path.join(build, 'slipway-worker'), [...redis.flags('slipway-worker'), '--executors', '1']);
  worker.log = '';
  worker.stderr.on('data', (bytes) => { worker.log += bytes; });
  worker.ended = new Promise((resolve) => { worker.once('exit', resolve); });
  return worker;
}

// As the versions before the layout had a number left it.
function leaveOldState() {
  redis.cli(TESTER, 'HSET', 'slipway:{0}:app:old:hello:greet', 'status', 'done', 'run', 'r');
  redis.cli(TESTER, 'ZADD', 'slipway:{0}:apps', '1', 'old');
}

const others = {
  'state without a number': [leaveOldState, /layout 1, this version needs 7/],
  'another number': [() => redis.cli(TESTER, 'SET', LAYOUT, '6'), /layout 6, this version needs 7/],
  'a number that is no text': [() => redis.cli(TESTER, 'HSET', LAYOUT, 'a', 'b'), /layout unknown, this version/],
};

for (const [name, [leave, words]] of Object.entries(others)) {
  test(`${name}: nothing is read or changed, and each says what to do`, async () => {
    leave();
    const keys = redis.cli(TESTER, 'KEYS', '*');
    for (const answer of [trigger('app'), configure('app'), readyz(),
      cgi(redis.flags('slipway-api'), 'GET', '/api/deploy?appId=old&workflowId=hello')]) {
      assert.equal(answer.status, 503, answer.text);
      assert.match(answer.body.detail, words);
      assert.match(answer.body.remedy.text, /empty database.*redis-cli --scan --pattern 'slipway:\*'/);
    }
    const worker = startWorker();
    assert.equal(await worker.ended, 78, worker.log);
    assert.match(worker.log, words);
    assert.match(worker.log, /empty database/);
    for (const word of [['verify'], ['verify', '--repair'], ['resources', 'old'], ['doctor']]) {
      const { code, text } = command('slipway-verify', ...word);
      assert.notEqual(code, 0, text);
      assert.match(text, words);
      assert.match(text, /empty database/);
    }
    assert.equal(redis.cli(TESTER, 'KEYS', '*'), keys);
  });
}

test('an empty Redis is taken as it is; the first change marks it', async () => {
  assert.equal(readyz().status, 200);
  assert.equal(command('slipway-verify', 'verify').code, 0);
  assert.equal(redis.cli(TESTER, 'KEYS', '*'), '');
  const configured = configure('app');
  assert.equal(configured.status, 200, configured.text);
  assert.equal(redis.cli(TESTER, 'GET', LAYOUT), '7');
  assert.equal(redis.cli(TESTER, 'TTL', LAYOUT), '-1');
  redis.cli(TESTER, 'FLUSHALL');
  assert.equal(trigger('app').status, 202);
  assert.equal(redis.cli(TESTER, 'GET', LAYOUT), '7');
  const again = trigger('app');
  assert.equal(again.status, 200, again.text);
  const { code, text } = command('slipway-verify', 'verify');
  assert.equal(code, 0, text);
});

test('a worker goes on where Redis is flushed, and stands still where old state is restored', async () => {
  const worker = startWorker();
  const done = (app) => redis.cli(TESTER, 'HGET', `slipway:{0}:app:default:${app}:hello:greet`, 'status') === 'done';
  try {
    await until(() => redis.cli(TESTER, 'HLEN', 'slipway:workers') === '1', 'the worker reports');
    trigger('first');
    await until(() => done('first'), 'the first run has ended');
    redis.cli(TESTER, 'FLUSHALL');
    trigger('second');
    await until(() => done('second'), 'the run after the flush has ended');
    assert.equal(redis.cli(TESTER, 'GET', LAYOUT), '7');
    assert.equal(readyz().status, 200);

    redis.cli(TESTER, 'FLUSHALL');
    leaveOldState();
    const keys = () => redis.cli(TESTER, 'KEYS', 'slipway:{0}:*').split('\n').sort().join(' ');
    redis.cli(TESTER, 'CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await until(() => /this version needs 7/.test(worker.log), 'the worker says why it stands still');
    const before = keys();
    await new Promise((resolve) => { setTimeout(resolve, 1500); });
    assert.equal(keys(), before);
    assert.equal(worker.exitCode, null);

    redis.cli(TESTER, 'FLUSHALL');
    trigger('third');
    await until(() => done('third'), 'the worker has gone on');
  } finally {
    worker.kill('SIGTERM');
    await worker.ended;
  }
});
