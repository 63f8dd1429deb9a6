// Why a step waits, as a poll, the command line and a worker that stops say it.
//
// covers: src/store/waits.c src/store/shown.c src/store/scripts/turn.lua src/cli/command_run.c src/cli/status_line.c
// covers: src/worker/supervisor.c src/store/workers.c
import test, { before, after, afterEach } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { Stack, build, slipway, until } from './stack.mjs';
import { Peer } from './peer.mjs';
import { startWorker, stopWorkers, writeToken } from './worker.mjs';

// Of a worker that is stopped: long enough to ask about it before its run is taken over.
const LEASE_SECONDS = 20;

let stack;
let peer;
let apps = 0;
before(async () => {
  peer = await Peer.start();
  stack = await Stack.start({ flags: ['--no-emulator', '--no-worker'] });
  await writeToken(stack, 'ghs_0123456789.of-the-test');
});
after(async () => {
  await stack.stop();
  await peer.stop();
});
afterEach(async () => {
  peer.intercept = () => false;
  await stopWorkers();
});

const anApp = () => `app-${(apps += 1)}`;
const greet = (app) => stack.trigger(app, 'hello', 'greet', { inputs: { greet: { text: 'hello' } } });
const repo = (app) => stack.trigger(app, 'site', 'repo', {
  inputs: { repo: { owner: 'acme', fork: 'upstream/template', name: app } },
});
// For a reason that is there when its time has come, however late a busy machine lets the test ask.
const because = (app, workflow, step, reason) => until(async () => {
  const status = await stack.status(app, workflow, step);
  return status.reason === reason && status;
}, `${app} ${workflow} ${step} waits because of ${reason}`);

// As if it had stood on the queue for so much longer.
const makeOlder = (ms, app, workflow, step) =>
  stack.redis('HINCRBY', `slipway:{0}:app:default:${app}:${workflow}:${step}`, 'ready_at', String(-ms));

// As if a worker, which is stopped or gone, had been heard of so long ago.
async function makeHeard(worker, agoMs) {
  const name = `${hostname()}-${worker.pid}`;
  const beat = JSON.parse(await stack.redis('HGET', 'slipway:workers', name));
  const at = new Date(Date.now() - agoMs).toISOString();
  await stack.redis('HSET', 'slipway:workers', name, JSON.stringify({ ...beat, at }));
}

// One that others can count on.
async function startHeardWorker(options) {
  const worker = await startWorker(stack, peer, options);
  const reported = () => stack.redis('HEXISTS', 'slipway:workers', `${hostname()}-${worker.pid}`);
  await until(async () => (await reported()) === '1', 'the worker reports');
  return worker;
}
const holdCalls = () => { peer.intercept = () => true; };

test('with no worker a run says so within 5 seconds, and starts when there is one', async () => {
  // Of one that is asked about as soon as it is queued: a busy machine may come too late for that.
  const { app, query, etag } = await until(async () => {
    const fresh = anApp();
    const { body: triggered } = await greet(fresh);
    const asked = `/api/deploy?appId=${fresh}&workflowId=hello&actionId=greet`;
    const { body, headers } = await stack.get(asked);
    const isFresh = triggered.reason === null && body.reason === null;
    return isFresh && { app: fresh, query: asked, etag: headers.get('etag') };
  }, 'a run that was queued a moment ago says nothing');
  await makeOlder(5000, app, 'hello', 'greet');
  const status = await stack.status(app, 'hello', 'greet');
  assert.equal(status.reason, 'no_worker', JSON.stringify(status));
  assert.equal(status.phase, 'queued');
  assert.match(status.detail, /^no worker is running/);
  const changed = await stack.get(query, { 'if-none-match': etag });
  assert.equal(changed.status, 200);
  const { status: unchanged } = await stack.get(query, { 'if-none-match': changed.headers.get('etag') });
  assert.equal(unchanged, 304);

  const { stdout } = await slipway('status', app, 'hello', '--url', stack.url);
  assert.match(stdout, /greet +queued .*no_worker: no worker is running/);
  await startWorker(stack, peer);
  await stack.untilStatus(app, 'hello', 'greet', 'done');
});

test('after its worker was killed a new run says within 5 seconds that none is running', async () => {
  const worker = await startHeardWorker();
  await stack.untilStatus(await greetOf(anApp()), 'hello', 'greet', 'done');
  worker.kill('SIGKILL');
  await worker.ended;
  const app = await greetOf(anApp());
  await makeHeard(worker, 5000);
  await makeOlder(5000, app, 'hello', 'greet');
  const { reason, detail } = await stack.status(app, 'hello', 'greet');
  assert.equal(reason, 'no_worker', detail);
  assert.match(detail, /the last one, \S+, was last heard of at 20/);
});

async function greetOf(app) {
  assert.equal((await greet(app)).status, 202);
  return app;
}

test('behind others a run says how many are before it, and what holds it', async () => {
  holdCalls();
  await startWorker(stack, peer);
  const [first, second, third] = [anApp(), anApp(), anApp()];
  await repo(first);
  await stack.untilStatus(first, 'site', 'repo', (status) => status.phase === 'executing');
  await repo(second);
  await greet(third);
  const { detail } = await because(third, 'hello', 'greet', 'turn');
  assert.match(detail, /^1 run is before it; 1 executor of 1 worker /);
  await until(async () => /is busy$/.test((await stack.status(third, 'hello', 'greet')).detail), 'it is busy');
  assert.match((await because(second, 'site', 'repo', 'turn')).detail, /^it is next; /);
  for (const [app, workflow, step] of [[third, 'hello', 'greet'], [second, 'site', 'repo'], [first, 'site', 'repo']]) {
    await stack.post({ mode: 'cancel', appId: app, workflowId: workflow, actionId: step });
    await stack.untilStatus(app, workflow, step, 'error');
  }
});

test('while its worker is stopped an executing run says since when, and another one takes it over', async () => {
  holdCalls();
  const app = anApp();
  const worker = await startHeardWorker({ lease: LEASE_SECONDS });
  await repo(app);
  await stack.untilStatus(app, 'site', 'repo', (status) => status.phase === 'executing');
  await because(app, 'site', 'repo', null);
  // One that looks all the time: whoever comes later cannot know that Redis was not away meanwhile.
  await startHeardWorker({ lease: LEASE_SECONDS });
  worker.kill('SIGSTOP');
  await makeHeard(worker, 7000);
  // The other one has to be heard of as well.
  const { phase, reason, detail } = await stack.untilStatus(app, 'site', 'repo', (status) => {
    assert.equal(status.reason, 'worker_silent', JSON.stringify(status));
    return /another worker/.test(status.detail) && status;
  });
  assert.deepEqual([phase, reason], ['executing', 'worker_silent']);
  const [, since, by] = /^its worker \S+ has not been heard of since (\S+); .* over by (\S+)$/.exec(detail);
  assert.ok(Date.parse(by) > Date.parse(since), detail);
  assert.ok(Date.parse(by) < Date.now() + (LEASE_SECONDS + 2) * 1000, detail);

  peer.intercept = () => false;
  await stack.untilStatus(app, 'site', 'repo', (status) => status.status === 'done');
  const events = await stack.redis('LRANGE', `slipway:{0}:app:default:${app}:events`, '0', '-1');
  const [, taken] = /^(\d+)-\d+ .*was lost; taken over/m.exec(events);
  assert.ok(Number(taken) < Date.parse(by) + 10000, `${taken}, ${by}`);
  worker.kill('SIGCONT');
});

test('a run that is being cancelled says so until its worker has ended it', async () => {
  holdCalls();
  const app = anApp();
  const worker = await startHeardWorker();
  await repo(app);
  await stack.untilStatus(app, 'site', 'repo', (status) => status.phase === 'executing');
  // It looks for a cancel when it goes on, and passes for one that is there until then.
  worker.kill('SIGSTOP');
  await makeHeard(worker, -10000);
  await stack.post({ mode: 'cancel', appId: app, workflowId: 'site', actionId: 'repo' });
  const { phase, detail } = await stack.status(app, 'site', 'repo');
  assert.equal(phase, 'executing');
  assert.match(detail, /^a cancel was asked for/);
  worker.kill('SIGCONT');
  await stack.untilStatus(app, 'site', 'repo', 'error');
});

test('slipway run shows that it waits for a worker', async () => {
  const app = anApp();
  const input = path.join(stack.folder, 'hello.json');
  await writeFile(input, JSON.stringify({ inputs: { greet: { text: 'hello' } } }));
  const shown = spawn(path.join(build, 'slipway'),
    ['run', 'hello', '--app', app, '--url', stack.url, '--input', input]);
  let output = '';
  shown.stdout.on('data', (bytes) => { output += bytes; });
  const ended = new Promise((resolve) => { shown.once('close', resolve); });
  await until(() => /greet +queued .*no_worker: no worker is running/.test(output), 'it says so');
  await startWorker(stack, peer);
  assert.equal(await ended, 0, output);
});
