// Why a step waits, as a poll, the command line and a worker that stops say it.
//
// covers: src/store/waits.c src/store/shown.c src/store/scripts/turn.lua src/cli/command_run.c src/cli/status_line.c
// covers: src/worker/supervisor.c src/store/workers.c
import test, { before, after, afterEach } from 'node:test';
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Stack, slipway, until } from './stack.mjs';
import { Peer } from './peer.mjs';
import { startWorker, stopWorkers, writeToken } from './worker.mjs';

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
const because = (app, workflow, step, reason) => until(async () => {
  const status = await stack.status(app, workflow, step);
  return status.reason === reason && status;
}, `${app} ${workflow} ${step} waits because of ${reason}`);
// Whoever asks so long after this, or later, is told that reason; the machine may make the test itself ask late.
const becauseWithin = (ms, app, workflow, step, reason) => {
  const since = Date.now();
  return until(async () => {
    const sent = Date.now();
    const status = await stack.status(app, workflow, step);
    assert.ok(status.reason === reason || sent - since < ms, `${ms} ms later: ${JSON.stringify(status)}`);
    return status.reason === reason && status;
  }, `${app} ${workflow} ${step} waits because of ${reason}`);
};
const holdCalls = () => { peer.intercept = () => true; };

test('with no worker a run says so within 5 seconds, and starts when there is one', async () => {
  const app = anApp();
  assert.equal((await greet(app)).body.reason, null);
  const query = `/api/deploy?appId=${app}&workflowId=hello&actionId=greet`;
  const { headers } = await stack.get(query);
  const status = await becauseWithin(5000, app, 'hello', 'greet', 'no_worker');
  assert.equal(status.phase, 'queued');
  assert.match(status.detail, /^no worker is running/);
  const changed = await stack.get(query, { 'if-none-match': headers.get('etag') });
  assert.equal(changed.status, 200);
  const { status: unchanged } = await stack.get(query, { 'if-none-match': changed.headers.get('etag') });
  assert.equal(unchanged, 304);

  const { stdout } = await slipway('status', app, 'hello', '--url', stack.url);
  assert.match(stdout, /greet +queued .*no_worker: no worker is running/);
  await startWorker(stack, peer);
  await stack.untilStatus(app, 'hello', 'greet', 'done');
});

test('after its worker was killed a new run says within 5 seconds that none is running', async () => {
  const worker = await startWorker(stack, peer);
  await stack.untilStatus(await greetOf(anApp()), 'hello', 'greet', 'done');
  worker.kill('SIGKILL');
  await worker.ended;
  const app = await greetOf(anApp());
  const { detail } = await becauseWithin(5000, app, 'hello', 'greet', 'no_worker');
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
  const { detail } = await becauseWithin(5000, third, 'hello', 'greet', 'turn');
  assert.match(detail, /^1 run is before it; 1 executor of 1 worker /);
  await until(async () => /is busy$/.test((await stack.status(third, 'hello', 'greet')).detail), 'it is busy');
  assert.match((await stack.status(second, 'site', 'repo')).detail, /^it is next; /);
  for (const [app, workflow, step] of [[third, 'hello', 'greet'], [second, 'site', 'repo'], [first, 'site', 'repo']]) {
    await stack.post({ mode: 'cancel', appId: app, workflowId: workflow, actionId: step });
    await stack.untilStatus(app, workflow, step, 'error');
  }
});

test('while its worker is stopped an executing run says since when, and another one takes it over', async () => {
  holdCalls();
  const app = anApp();
  const worker = await startWorker(stack, peer, { lease: 10 });
  await repo(app);
  await stack.untilStatus(app, 'site', 'repo', (status) => status.phase === 'executing');
  assert.equal((await stack.status(app, 'site', 'repo')).reason, null);
  // One that looks all the time: whoever comes later cannot know that Redis was not away meanwhile.
  const known = async () => (await stack.get('/api/workers')).body.workers.length;
  const before = await known();
  await startWorker(stack, peer, { lease: 10 });
  await until(async () => (await known()) > before, 'the other one is there');
  worker.kill('SIGSTOP');
  const { phase, detail } = await becauseWithin(7000, app, 'site', 'repo', 'worker_silent');
  assert.equal(phase, 'executing');
  const [, since, by] = /^its worker \S+ has not been heard of since (\S+); .* over by (\S+)$/.exec(detail);
  assert.ok(Date.parse(by) > Date.parse(since) && Date.parse(by) < Date.now() + 12000, detail);

  peer.intercept = () => false;
  await stack.untilStatus(app, 'site', 'repo', (status) => status.status === 'done');
  const events = await stack.redis('LRANGE', `slipway:{0}:app:default:${app}:events`, '0', '-1');
  const [, taken] = /^(\d+)-\d+ .*was lost; taken over/m.exec(events);
  assert.ok(Number(taken) < Date.parse(by) + 2000, `${taken}, ${by}`);
  worker.kill('SIGCONT');
});

test('a run that is being cancelled says so until its worker has ended it', async () => {
  holdCalls();
  const app = anApp();
  await startWorker(stack, peer);
  await repo(app);
  await stack.untilStatus(app, 'site', 'repo', (status) => status.phase === 'executing');
  await stack.post({ mode: 'cancel', appId: app, workflowId: 'site', actionId: 'repo' });
  const { phase, detail } = await stack.status(app, 'site', 'repo');
  assert.equal(phase, 'executing', 'it was ended sooner than it could be asked');
  assert.match(detail, /^a cancel was asked for/);
  await stack.untilStatus(app, 'site', 'repo', 'error');
});

test('slipway run shows that it waits for a worker', async () => {
  const app = anApp();
  const input = path.join(stack.folder, 'hello.json');
  await writeFile(input, JSON.stringify({ inputs: { greet: { text: 'hello' } } }));
  const shown = slipway('run', 'hello', '--app', app, '--url', stack.url, '--input', input);
  const words = await Promise.race([shown, new Promise((resolve) => setTimeout(resolve, 100))]);
  assert.equal(words, undefined, words?.stderr);
  await until(async () => (await stack.status(app, 'hello', 'greet')).reason === 'no_worker', 'it waits');
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await startWorker(stack, peer);
  const { stdout } = await shown;
  assert.match(stdout, /greet +queued .*no_worker: no worker is running/);
});
