// How a worker shares Redis among its executors: they have none of their own, what several ask goes out together, a
// slow action holds up no other, and nothing is taken ahead.
//
// covers: src/worker/dispatch.c src/worker/service.c src/worker/executor.c src/worker/protocol.c
import test, { before, after, beforeEach, afterEach } from 'node:test';
import assert from 'node:assert/strict';
import { readdir, readlink } from 'node:fs/promises';
import { Stack, until } from './stack.mjs';
import { Peer } from './peer.mjs';
import * as workers from './worker.mjs';

let stack;
let peer;

before(async () => {
  peer = await Peer.start();
  stack = await Stack.start({ flags: ['--no-emulator', '--no-worker'] });
});
after(async () => {
  await stack.stop();
  await peer.stop();
});
beforeEach(async () => {
  peer.intercept = () => false;
  await workers.writeToken(stack, 'ghs_0123456789.a-token');
});
afterEach(workers.stopWorkers);

const startWorker = (options) => workers.startWorker(stack, peer, options);
const greet = (app) => stack.trigger(app, 'hello', 'greet', { inputs: { greet: { text: app } } });
const statusOf = (app, workflow, step) => stack.untilStatus(app, workflow, step, () => true);
const untilDone = (app) => stack.untilStatus(app, 'hello', 'greet', (status) => status.status === 'done');

// Holds the first look of each app; returns a function that lets all go.
function holdLooks() {
  const held = [];
  peer.intercept = async (call) => {
    if (call.method !== 'GET' || !call.path.startsWith('/repos/acme/')) return false;
    await new Promise((resolve) => { held.push(resolve); });
    return false;
  };
  return {
    held,
    letGo: () => {
      peer.intercept = () => false;
      for (const go of held) go();
    },
  };
}

function makeRepository(app) {
  return stack.trigger(app, 'site', 'repo', {
    inputs: { repo: { owner: 'acme', name: app, fork: 'upstream/template' } },
  });
}

// Beside the standard streams, which are the test's.
async function socketsOf(pid) {
  const names = (await readdir(`/proc/${pid}/fd`)).filter((name) => Number(name) > 2);
  const links = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')));
  return links.filter((link) => link.startsWith('socket:'));
}

async function readsOf() {
  return Number((await stack.redis('INFO', 'stats')).match(/total_reads_processed:(\d+)/)[1]);
}

// Of one question of the test's own: the least of some, for the workers read beside it.
async function readsOfQuestion() {
  const all = [];
  for (let i = 0; i < 8; i += 1) all.push(await readsOf());
  return Math.min(...all.slice(1).map((reads, i) => reads - all[i]));
}

test('an executor has one socket, which leads to its supervisor; a worker has two connections to Redis', async () => {
  const worker = await startWorker({ executors: 4 });
  for (let i = 0; i < 8; i += 1) await greet(`sockets-${i}`);
  for (let i = 0; i < 8; i += 1) await untilDone(`sockets-${i}`);
  for (const { pid } of await worker.executors()) assert.equal((await socketsOf(pid)).length, 1, `process ${pid}`);
  const clients = (await stack.redis('CLIENT', 'LIST')).split('\n').filter((line) => line.includes(`-${worker.pid}`));
  assert.equal(clients.length, 2, clients.join('\n'));
});

test('a run whose action is slow holds up no other', async () => {
  await startWorker({ executors: 2 });
  const hold = holdLooks();
  await makeRepository('slow');
  await until(() => hold.held.length === 1, 'the slow one is under way');
  for (let i = 0; i < 20; i += 1) await greet(`beside-${i}`);
  for (let i = 0; i < 20; i += 1) await untilDone(`beside-${i}`);
  assert.equal((await statusOf('slow', 'site', 'repo')).phase, 'executing');
  hold.letGo();
  const slow = await stack.untilStatus('slow', 'site', 'repo', (status) => status.status !== 'running');
  assert.equal(slow.status, 'done');
});

test('nothing is taken ahead of an executor that could begin it', async () => {
  await startWorker({ executors: 1 });
  const hold = holdLooks();
  await makeRepository('first');
  await until(() => hold.held.length === 1, 'the first is under way');
  await greet('ahead');
  await new Promise((resolve) => { setTimeout(resolve, 1500); });
  assert.equal((await statusOf('ahead', 'hello', 'greet')).phase, 'queued');
  await startWorker({ executors: 1 }); // another worker has it at once
  await untilDone('ahead');
  hold.letGo();
});

// Where each result comes alone, on a slow machine, it still goes out with the take that follows: one read a run, and
// not one a command.
test('what the executors ask at a time goes out together: a run takes hardly more than one read of Redis', async () => {
  const count = 300;
  for (let i = 0; i < count; i += 1) await greet(`many-${i}`);
  const before = await readsOf();
  await startWorker({ executors: 16 });
  let asked = 1;
  await until(async () => {
    asked += 1;
    return (await stack.redis('ZCARD', 'slipway:{0}:live')) === '0';
  }, 'all are done');
  const reads = (await readsOf()) - before - asked * (await readsOfQuestion());
  assert.ok(reads < 1.5 * count, `${reads} reads for ${count} runs`);
  assert.equal((await statusOf('many-7', 'hello', 'greet')).status, 'done');
});
