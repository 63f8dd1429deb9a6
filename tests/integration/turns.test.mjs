// Changes at GitHub are spaced: what waits for its turn holds no process, says so, and keeps its place.
//
// covers: src/worker/attempt.c src/action/call.c src/store/scripts/pace.lua
import test, { before, after, beforeEach } from 'node:test';
import assert from 'node:assert/strict';
import { Stack, until } from './stack.mjs';
import { Peer } from './peer.mjs';
import { spawnWorker, writeToken } from './worker.mjs';

let stack;
let peer;
let worker;

before(async () => {
  peer = await Peer.start();
  stack = await Stack.start({ flags: ['--no-emulator', '--no-worker'] });
  await writeToken(stack, 'ghs_0123456789.of-the-test');
});
after(async () => {
  await stopWorker();
  await stack.stop();
  await peer.stop();
});
beforeEach(async () => {
  await stopWorker();
  await stack.redis('FLUSHALL');
  peer.calls = [];
  peer.repositories.clear();
});

async function stopWorker() {
  await worker?.drain();
  worker = undefined;
}

function startWorker(executors, spacingMs) {
  worker = spawnWorker(stack, peer, { executors, spacingMs });
}

const fork = (app) =>
  stack.trigger(app, 'site', 'repo', { inputs: { repo: { owner: 'acme', name: app, fork: 'upstream/template' } } });

const forked = () =>
  peer.calls.filter(({ method }) => method === 'POST').map(({ body }) => JSON.parse(body).name);

test('while a fork waits for its turn, the only executor serves another app, and the status says why', async () => {
  await fork('first');
  await fork('second');
  startWorker(1, 4500);
  const stands = (status) => !['queued', 'executing'].includes(status.phase);
  const waiting = await stack.untilStatus('second', 'site', 'repo', stands);
  assert.equal(waiting.phase, 'waiting');
  assert.equal(waiting.reason, 'turn');
  assert.match(waiting.detail, /GitHub/);
  assert.ok(Date.parse(waiting.resumeAt) > 0);
  await stack.trigger('third', 'hello', 'greet', { inputs: { greet: { text: 'meanwhile' } } });
  const hello = await stack.untilStatus('third', 'hello', 'greet', 'done');
  const second = await stack.untilStatus('second', 'site', 'repo', 'done');
  assert.ok(hello.finishedAt < second.finishedAt, `${hello.finishedAt}, ${second.finishedAt}`);
  assert.equal(second.attempt, 1);
});

test('runs that wait for their turn have it in the order in which they came, and none is passed over', async () => {
  const apps = Array.from({ length: 8 }, (_, i) => `app-${i}`);
  for (const app of apps) await fork(app);
  startWorker(1, 700);
  await until(() => forked().length === apps.length, 'all are forked', 60000);
  assert.deepEqual(forked(), apps);
  for (const app of apps) assert.equal((await stack.untilStatus(app, 'site', 'repo', 'done')).attempt, 1);
});
