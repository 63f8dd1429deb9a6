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
async function beginAnew() {
  await stopWorker();
  await stack.redis('FLUSHALL');
  peer.calls = [];
  peer.repositories.clear();
}
beforeEach(beginAnew);

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
  startWorker(1, 12000);
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

// One that does not come for 5 s is passed over, as pace.lua says: nothing is said of the order where the machine, or
// Redis, stood still for about as long.
const HELD_UP_MS = 4000;

async function isHeldUp(ends) {
  const times = peer.calls.filter(({ method }) => method === 'POST').map(({ at }) => at);
  const attempts = ends.map(({ attempt }) => attempt);
  return times.some((at, i) => i > 0 && at - times[i - 1] > HELD_UP_MS) ||
    attempts.some((attempt, i) => attempt < ends[i].attempt);
}

test('runs that wait for their turn have it in the order in which they came, and none is passed over', async () => {
  const apps = Array.from({ length: 8 }, (_, i) => `app-${i}`);
  peer.record = (call) => { call.at = Date.now(); };
  const ends = await until(async () => {
    await beginAnew();
    for (const app of apps) await fork(app);
    startWorker(1, 700);
    await until(() => forked().length === apps.length, 'all are forked');
    const all = await Promise.all(apps.map((app) => stack.untilStatus(app, 'site', 'repo', 'done')));
    return !(await isHeldUp(all)) && all;
  }, 'nothing holds them up', 300000);
  assert.deepEqual(forked(), apps);
  assert.deepEqual(ends.map(({ attempt }) => attempt), apps.map(() => 1));
});
