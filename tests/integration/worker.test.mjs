// Workers against a provider that misbehaves: every way an attempt may end, and every way a worker may die.
//
// covers: src/worker/main.c src/worker/supervisor.c src/worker/executor.c src/worker/attempt.c src/worker/outcome.c
// covers: src/worker/result.c src/store/workers.c
import test, { before, after, beforeEach, afterEach } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, execFileSync } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { Stack, build, until } from './stack.mjs';
import { Peer } from './peer.mjs';
import * as workers from './worker.mjs';

const TOKEN = 'ghs_0123456789.token-that-must-not-leak';
const LEASE_SECONDS = 2;

let stack;
let peer;
let number = 0;

before(async () => {
  peer = await Peer.start();
  stack = await Stack.start({ flags: ['--no-emulator', '--no-worker'] });
  await workers.writeToken(stack, TOKEN);
});
after(async () => {
  await stack.stop();
  await peer.stop();
});
beforeEach(() => {
  peer.calls = [];
  peer.intercept = () => false;
});
afterEach(workers.stopWorkers);

const startWorker = (options) => workers.startWorker(stack, peer, { lease: LEASE_SECONDS, ...options });

function newApp() {
  number += 1;
  return `app-${number}`;
}

function triggerRepository(app, name = app) {
  return stack.trigger(app, 'site', 'repo', { inputs: { repo: { owner: 'acme', name, fork: 'upstream/template' } } });
}

function ended(app, action = 'repo', workflow = 'site', boundMs = undefined) {
  return stack.untilStatus(app, workflow, action, (status) => ['done', 'error'].includes(status.status), boundMs);
}

// How often a run of the app was taken from a lost worker: the run's own count begins again after a wait or a retry.
async function takeovers(app) {
  const events = await stack.redis('XRANGE', `slipway:{0}:app:default:${app}:events`, '-', '+');
  return events.split('was lost; taken over').length - 1;
}

// At quiet, nothing of a run is left in queue, delayed or live.
async function assertQuiet() {
  await until(async () => (await stack.redis('XLEN', 'slipway:{0}:queue')) === '0', 'the queue is empty');
  assert.equal(await stack.redis('ZCARD', 'slipway:{0}:delayed'), '0');
  assert.equal(await stack.redis('ZCARD', 'slipway:{0}:live'), '0');
}

// Holds the first call that fits until it is let go; tells when it has come.
function holdFirst(fits) {
  let let_go;
  let arrived;
  const free = new Promise((resolve) => { let_go = resolve; });
  const here = new Promise((resolve) => { arrived = resolve; });
  let held = false;
  peer.intercept = async (call) => {
    if (held || !fits(call)) return false;
    held = true;
    arrived();
    await free;
    return false;
  };
  return { here, let_go };
}

const isFork = (call) => call.method === 'POST' && call.path.endsWith('/forks');
const isLook = (call) => call.method === 'GET' && /^\/repos\/acme\/[^/]+$/.test(call.path);

test('done: a fork is made, awaited and recorded', async () => {
  const app = newApp();
  await startWorker();
  assert.equal((await triggerRepository(app)).status, 202);
  const status = await ended(app);
  assert.equal(status.status, 'done', JSON.stringify(status));
  assert.equal(status.output.fullName, `acme/${app}`);
  assert.equal(status.output.created, true);
  assert.equal(status.attempt, 1);
  assert.equal(peer.count('POST', /forks$/), 1);
  // Awaited: GitHub answers 202, and the branch is looked at before the step is done.
  assert.ok(peer.count('GET', /\/branches\//) >= 1);
  for (const call of peer.calls) assert.equal(call.headers.authorization, `Bearer ${TOKEN}`);
  assert.match(peer.calls[0].headers['user-agent'], /^slipway\//);
  await assertQuiet();
});

test('no durable record of what was deployed: the ledger outlives the run', async () => {
  const app = newApp();
  await startWorker();
  await triggerRepository(app);
  const status = await ended(app);
  const entry = JSON.parse(
    await stack.redis('HGET', `slipway:{0}:app:default:${app}:ledger`, `github:repository:acme/${app}`));
  assert.equal(entry.id, String(status.output.id));
  assert.equal(entry.created, true);
  assert.equal(entry.run, status.runId);
  assert.equal(Number(await stack.redis('TTL', `slipway:{0}:app:default:${app}:ledger`)), -1);
  // The run is forgotten, and found to be ours all the same: nothing is made a second time.
  assert.ok(Number(await stack.redis('TTL', `slipway:{0}:app:default:${app}:site:repo`)) > 0);
  await stack.redis('DEL', `slipway:{0}:app:default:${app}:site:repo`);
  await triggerRepository(app);
  assert.equal((await ended(app)).status, 'done');
  assert.equal(peer.count('POST', /forks$/), 1);
  const after = JSON.parse(
    await stack.redis('HGET', `slipway:{0}:app:default:${app}:ledger`, `github:repository:acme/${app}`));
  assert.equal(after.created, true);
});

test('adopted where it is ours, refused where it is foreign', async () => {
  const mine = newApp();
  const foreign = newApp();
  peer.repositories.set(`acme/${mine}`, peer.repository('acme', mine, 'upstream/template'));
  peer.repositories.set(`acme/${foreign}`, { ...peer.repository('acme', foreign, 'somebody/else') });
  await startWorker();
  await triggerRepository(mine);
  await triggerRepository(foreign);
  const adopted = await ended(mine);
  assert.equal(adopted.status, 'done', JSON.stringify(adopted.error));
  assert.equal(adopted.output.created, false);
  const refused = await ended(foreign);
  assert.equal(refused.error.class, 'conflict_foreign');
  assert.match(refused.error.remedy.text, /adopt/);
  assert.equal(refused.error.remedy.inputKey, 'adopt');
  assert.equal(peer.count('POST', /forks$/), 0);
  await assertQuiet();
});

for (const [status, body, className] of [
  [401, { message: 'Bad credentials' }, 'auth_expired'],
  [403, { message: 'Resource not accessible by integration' }, 'scope_missing'],
  [404, { message: 'Not Found' }, 'not_found'],
  [422, { message: 'Validation Failed', errors: [{ code: 'custom', message: 'no' }] }, 'invalid_input'],
]) {
  test(`a provider that answers ${status} ends the run as ${className}`, async () => {
    const app = newApp();
    peer.intercept = (call, response) => {
      if (!isFork(call)) return false;
      peer.send(response, status, body, { 'x-github-request-id': 'R:1' });
      return true;
    };
    await startWorker();
    await triggerRepository(app);
    const end = await ended(app);
    assert.equal(end.error.class, className, JSON.stringify(end.error));
    assert.equal(end.error.retryable, false);
    assert.ok(end.error.message.length > 10);
    assert.equal(end.attempt, 1);
    assert.equal(peer.count('POST', /forks$/), 1);
    await assertQuiet();
    const hash = await stack.hash(app, 'site', 'repo');
    assert.equal(hash.status, 'error');
    assert.equal(hash.lease, undefined);
  });
}

test('retry: where no outage is waited for, a provider that fails twice is asked again, an attempt each', async () => {
  const app = newApp();
  let failures = 0;
  peer.intercept = (call, response) => {
    if (!isLook(call) || failures === 2) return false;
    failures += 1;
    peer.send(response, 500, { message: 'oops' });
    return true;
  };
  await startWorker({ outage: 0 });
  await triggerRepository(app);
  const end = await ended(app);
  assert.equal(end.status, 'done', JSON.stringify(end.error));
  assert.equal(end.attempt, 3);
});

test('outage: a provider that is down for some seconds is waited for, and burns no attempt', async () => {
  const app = newApp();
  const over = Date.now() + 5000;
  let failures = 0;
  peer.intercept = (call, response) => {
    if (Date.now() > over) return false;
    failures += 1;
    if (failures % 2) response.writeHead(502, { 'content-type': 'text/html' }).end('<!DOCTYPE html>Unicorn');
    else response.destroy();
    return true;
  };
  await startWorker();
  await triggerRepository(app);
  const waiting = await stack.untilStatus(app, 'site', 'repo', (status) => status.phase === 'waiting');
  assert.equal(waiting.reason, 'provider_down', JSON.stringify(waiting));
  assert.match(waiting.detail, /^GitHub has a problem of its own \(502\): GET \/repos\/acme\/[^;<]+; waiting since 20/);
  const end = await ended(app);
  assert.equal(end.status, 'done', JSON.stringify(end.error));
  assert.equal(end.attempt, 1);
  // The client itself tries a kept connection that was cut once more.
  assert.ok(failures >= 2 && failures <= 6, `${failures} failures`);
  assert.equal((await stack.hash(app, 'site', 'repo')).outage_at, undefined);
});

// The times at which the calls that failed were held.
function failSlowly(fits) {
  const failed = [];
  peer.intercept = async (call, response) => {
    if (!fits(call)) return false;
    const one = { from: Date.now() };
    failed.push(one);
    await new Promise((resolve) => { setTimeout(resolve, 400); });
    one.to = Date.now();
    peer.send(response, 502, { message: 'oops' });
    return true;
  };
  return failed;
}

test('outage: one run at a time asks whether the provider is back, and then all go on', async () => {
  const apps = Array.from({ length: 6 }, newApp);
  const over = Date.now() + 9000;
  const failed = failSlowly(() => Date.now() < over);
  await startWorker({ executors: apps.length });
  for (const app of apps) await triggerRepository(app);
  // Each comes back by its own delay, which is about as long as the outage has lasted for it.
  const ends = await Promise.all(apps.map((app) => ended(app, 'repo', 'site', 120000)));
  for (const end of ends) assert.deepEqual([end.status, end.attempt], ['done', 1], JSON.stringify(end));
  // The first of each was under way before anybody knew.
  const asked = failed.slice(apps.length);
  assert.ok(asked.length >= 1 && asked.length <= 4, `${asked.length} calls`);
  for (const one of asked)
    assert.equal(failed.filter((other) => other !== one && other.from < one.to && one.from < other.to).length, 0);
  assert.equal(await stack.redis('KEYS', 'slipway:outage:*'), '');
});

test('outage: one run whose request breaks the provider keeps no other app out', async () => {
  const poison = newApp();
  const failed = failSlowly((call) => call.path.includes(poison));
  await startWorker({ executors: 2 });
  await triggerRepository(poison);
  await until(() => failed.length >= 3, 'it has failed three times');
  const others = Array.from({ length: 3 }, newApp);
  for (const app of others) {
    await triggerRepository(app);
    assert.equal((await ended(app)).status, 'done');
    const events = await stack.redis('XRANGE', `slipway:{0}:app:default:${app}:events`, '-', '+');
    assert.ok(!events.includes('is down'), events);
  }
  await stack.untilStatus(poison, 'site', 'repo', (status) => status.reason === 'provider_down');
  await stack.post({ mode: 'cancel', appId: poison, workflowId: 'site', actionId: 'repo' });
});

test('outage: a run that is held back says what it last saw itself', async () => {
  const apps = Array.from({ length: 4 }, newApp);
  failSlowly(() => true);
  await startWorker({ executors: apps.length });
  for (const app of apps) await triggerRepository(app);
  const held = await until(async () => {
    const all = await Promise.all(apps.map((app) => stack.hash(app, 'site', 'repo')));
    return all.find((run) => run.detail?.includes('is down'));
  }, 'one is held back', 60000);
  assert.match(held.detail, /^GitHub is down: .* status 502; this run last saw: .*\(502\).*; waiting since/);
  for (const app of apps) {
    const answer = await stack.post({ mode: 'cancel', appId: app, workflowId: 'site', actionId: 'repo' });
    assert.equal(answer.status, 202);
    await ended(app);
  }
  for (const key of (await stack.redis('KEYS', 'slipway:outage:*')).split('\n')) await stack.redis('DEL', key);
});

test('outage: one that lasts too long ends the run with what it is, at once', async () => {
  const app = newApp();
  peer.intercept = (call, response) => {
    peer.send(response, 503, { message: 'Unavailable' });
    return true;
  };
  await startWorker({ outage: 3 });
  await triggerRepository(app);
  const end = await ended(app);
  assert.equal(end.error.class, 'provider_unavailable', JSON.stringify(end.error));
  assert.equal(end.attempt, 1);
  assert.match(end.error.message, /; waited since 20/);
  assert.match(end.error.remedy.text, /status page/);
  await assertQuiet();
});

test('a trigger after an error starts with fresh counters', async () => {
  const app = newApp();
  peer.intercept = (call, response) => {
    if (!isFork(call)) return false;
    peer.send(response, 401, { message: 'Bad credentials' });
    return true;
  };
  await startWorker();
  const first = await triggerRepository(app);
  await ended(app);
  peer.intercept = () => false;
  const second = await triggerRepository(app);
  assert.equal(second.status, 202);
  assert.notEqual(second.body.runId, first.body.runId);
  const end = await ended(app);
  assert.equal(end.status, 'done');
  assert.equal(end.attempt, 1);
});

test('rate limit: waits as long as it is told, and burns no attempt', async () => {
  const app = newApp();
  let limited = false;
  const times = [];
  peer.intercept = (call, response) => {
    times.push(Date.now());
    if (limited || !isLook(call)) return false;
    limited = true;
    peer.send(response, 429, { message: 'API rate limit exceeded' }, { 'retry-after': '1' });
    return true;
  };
  await startWorker();
  await triggerRepository(app);
  const waiting = await stack.untilStatus(app, 'site', 'repo', (status) => status.phase === 'waiting');
  assert.equal(waiting.status, 'running');
  assert.equal(waiting.reason, 'rate_limited');
  assert.ok(Date.parse(waiting.resumeAt) - Date.parse(waiting.startedAt) >= 1000);
  const end = await ended(app);
  assert.equal(end.status, 'done', JSON.stringify(end.error));
  assert.equal(end.attempt, 1);
  // Date.now() cuts to whole milliseconds.
  const refused = times.findIndex((time, i) => isLook(peer.calls[i]));
  assert.ok(times[refused + 1] - times[refused] >= 999, `${times}`);
});

test('waiting holds no process: one executor serves another while one waits', async () => {
  const app = newApp();
  let ready = false;
  peer.intercept = (call, response) => {
    if (ready || !call.path.includes(`/${app}/branches/`)) return false;
    peer.send(response, 404, { message: 'Branch not found' });
    return true;
  };
  const worker = await startWorker({ executors: 1 });
  const before = await worker.executors();
  await triggerRepository(app);
  const waiting = await stack.untilStatus(app, 'site', 'repo', (status) => status.phase === 'waiting');
  await stack.trigger(app, 'hello', 'greet', { inputs: { greet: { text: 'meanwhile' } } });
  const meanwhile = await ended(app, 'greet', 'hello');
  assert.equal(meanwhile.status, 'done');
  // Both by the clock of Redis: not after an executor has slept for as long as the other one waits.
  assert.ok(meanwhile.startedAt < waiting.resumeAt, `${meanwhile.startedAt} is not before ${waiting.resumeAt}`);
  assert.equal((await stack.status(app, 'site', 'repo')).status, 'running');
  ready = true;
  assert.equal((await ended(app)).status, 'done');
  // Nor by another process, in the place of one that was killed as it slept on.
  assert.deepEqual(await worker.executors(), before);
  assert.doesNotMatch(worker.log(), /event="executor (killed|ended)"/);
});

test('waiting for a limit of ten minutes holds no process: the only executor serves others at once', async () => {
  const app = newApp();
  peer.intercept = (call, response) => {
    peer.send(response, 429, { message: 'API rate limit exceeded' }, { 'retry-after': '600' });
    return true;
  };
  const worker = await startWorker({ executors: 1 });
  const before = await worker.executors();
  await triggerRepository(app);
  await stack.untilStatus(app, 'site', 'repo', (status) => status.phase === 'waiting');
  for (const text of ['one', 'two']) {
    await stack.trigger(app, 'hello', 'greet', { inputs: { greet: { text } } });
    const meanwhile = await ended(app, 'greet', 'hello');
    assert.equal(meanwhile.output.text, text);
  }
  assert.equal((await stack.status(app, 'site', 'repo')).phase, 'waiting');
  assert.deepEqual(await worker.executors(), before);
  assert.doesNotMatch(worker.log(), /event="executor (killed|ended)"/);
  await stack.post({ mode: 'cancel', appId: app, workflowId: 'site', actionId: 'repo' });
  // It would hold all that comes after.
  for (const key of (await stack.redis('KEYS', 'slipway:limit:*')).split('\n')) await stack.redis('DEL', key);
});

test('a look of a run that waits does not go to the end of a long queue', async () => {
  const app = newApp();
  let looks = 0;
  peer.intercept = (call, response) => {
    if (!call.path.includes(`/${app}/branches/`) || looks === 1) return false;
    looks += 1;
    peer.send(response, 404, { message: 'Branch not found' });
    return true;
  };
  await startWorker({ executors: 1 });
  await triggerRepository(app);
  await stack.untilStatus(app, 'site', 'repo', (status) => status.phase === 'waiting');
  peer.delayMs = 100;
  const others = Array.from({ length: 30 }, newApp);
  for (const other of others) await triggerRepository(other);
  const waited = await ended(app);
  const last = await ended(others.at(-1));
  peer.delayMs = 0;
  assert.equal(waited.status, 'done', JSON.stringify(waited.error));
  assert.ok(waited.finishedAt < last.startedAt, `${waited.finishedAt}, ${last.startedAt}`);
  await assertQuiet();
});

test('runs that come due more often than the only executor looks at them keep no new one from its turn', async () => {
  const waiting = Array.from({ length: 16 }, newApp);
  let ready = false;
  peer.intercept = (call, response) => {
    if (ready || !call.path.includes('/branches/')) return false;
    peer.send(response, 404, { message: 'Branch not found' });
    return true;
  };
  await startWorker({ executors: 1 });
  for (const app of waiting) await triggerRepository(app);
  for (const app of waiting) await stack.untilStatus(app, 'site', 'repo', (status) => status.phase === 'waiting');
  peer.delayMs = 400;
  await until(async () => Number(await stack.redis('ZCARD', 'slipway:{0}:due')) > 4, 'more are due than are looked at');
  const other = newApp();
  await stack.trigger(other, 'hello', 'greet', { inputs: { greet: { text: 'meanwhile' } } });
  assert.equal((await ended(other, 'greet', 'hello')).status, 'done');
  ready = true;
  peer.delayMs = 0;
  for (const app of waiting) assert.equal((await ended(app)).status, 'done');
  await assertQuiet();
});

test('lost answer: the provider made it and the answer was cut; one object, and done', async () => {
  const app = newApp();
  let cut = false;
  peer.intercept = (call, response) => {
    if (cut || !isFork(call)) return false;
    cut = true;
    peer.fork(call);
    response.destroy();
    return true;
  };
  await startWorker();
  await triggerRepository(app);
  const end = await ended(app);
  assert.equal(end.status, 'done', JSON.stringify(end.error));
  assert.equal(peer.count('POST', /forks$/), 1);
});

test('state lost when a process restarted: SIGKILL of an executor costs one crash and nothing else', async () => {
  const app = newApp();
  const hold = holdFirst(isFork);
  const worker = await startWorker();
  await triggerRepository(app);
  await hold.here;
  const [executor] = await worker.executors();
  process.kill(executor.pid, 'SIGKILL');
  hold.let_go();
  const end = await ended(app);
  assert.equal(end.status, 'done', JSON.stringify(end.error));
  assert.equal(await takeovers(app), 1);
  assert.equal(end.attempt, 1);
  assert.equal([...peer.repositories.keys()].filter((name) => name === `acme/${app}`).length, 1);
  await assertQuiet();
});

test('SIGKILL of a whole worker: its run is taken over by another', async () => {
  const app = newApp();
  const hold = holdFirst(isLook);
  const first = await startWorker();
  await triggerRepository(app);
  await hold.here;
  const second = await startWorker();
  first.kill('SIGKILL');
  await first.ended;
  hold.let_go();
  const end = await ended(app);
  assert.equal(end.status, 'done', JSON.stringify(end.error));
  assert.equal(await takeovers(app), 1);
  await until(() => second.log().includes('event="run ended"'), 'the second one tells of the end');
  assert.match(second.log(), new RegExp(`event="run ended".* run=${end.runId} .*status=done`));
  assert.ok(!first.log().includes('event="run ended"'));
  await assertQuiet();
});

test('three crashes end a run as worker_lost', async () => {
  const app = newApp();
  const worker = await startWorker();
  peer.intercept = async (call) => {
    if (!call.path.endsWith(`/${app}`)) return false;
    const [executor] = await worker.executors();
    if (executor) process.kill(executor.pid, 'SIGKILL');
    return true;
  };
  await triggerRepository(app);
  const end = await ended(app);
  assert.equal(end.error.class, 'worker_lost', JSON.stringify(end));
  assert.equal(end.crashes, 3);
  await assertQuiet();
});

test('SIGTERM hands back what does not finish within the grace; no attempt and no crash is counted', async () => {
  const app = newApp();
  const hold = holdFirst(isLook);
  const first = await startWorker({ grace: 0 });
  await triggerRepository(app);
  await hold.here;
  first.kill('SIGTERM');
  assert.equal(await first.ended, 0);
  const handed = await stack.status(app, 'site', 'repo');
  assert.equal(handed.phase, 'queued');
  hold.let_go();
  await startWorker();
  const end = await ended(app);
  assert.equal(end.status, 'done', JSON.stringify(end.error));
  assert.equal(end.crashes, 0);
  assert.equal(end.attempt, 1);
});

test('SIGTERM lets the current action finish within the grace', async () => {
  const app = newApp();
  const hold = holdFirst((call) => call.path.endsWith(`/${app}`));
  const worker = await startWorker({ grace: 25 });
  peer.repositories.set(`acme/${app}`, peer.repository('acme', app, 'upstream/template'));
  await triggerRepository(app);
  await hold.here;
  worker.kill('SIGTERM');
  hold.let_go();
  assert.equal(await worker.ended, 0);
  assert.equal((await stack.status(app, 'site', 'repo')).status, 'done');
});

test('cancel aborts a call that hangs, and says so', async () => {
  const app = newApp();
  const hold = holdFirst(isLook);
  await startWorker();
  await triggerRepository(app);
  await hold.here;
  const answer = await stack.post({ mode: 'cancel', appId: app, workflowId: 'site', actionId: 'repo' });
  assert.equal(answer.status, 202);
  const end = await ended(app);
  assert.equal(end.error.class, 'cancelled');
  hold.let_go();
  await assertQuiet();
});

// That it is killed and started again is in tests/conf/restart.test.mjs and the fault suite.
test('a redis-server that stands still until the worker notices loses no run, and is no crash', async () => {
  const app = newApp();
  const hold = holdFirst(isLook);
  const worker = await startWorker();
  await triggerRepository(app);
  await hold.here;
  const redis = await stack.daemon('redis-server');
  process.kill(redis, 'SIGSTOP');
  try {
    hold.let_go();
    await until(() => worker.log().includes(' event=redis class='), 'the worker misses Redis');
  } finally {
    process.kill(redis, 'SIGCONT');
  }
  const end = await ended(app);
  assert.equal(end.status, 'done', JSON.stringify(end.error));
  assert.equal(end.crashes, 0);
  assert.equal(peer.count('POST', /forks$/), 1);
  await assertQuiet();
});

// Holds every first look at a repository; gives what is held, and a function that lets all go.
function holdLooks() {
  let letGo;
  const free = new Promise((resolve) => { letGo = resolve; });
  const held = new Set();
  peer.intercept = async (call) => {
    if (!isLook(call) || held.has(call.path)) return false;
    held.add(call.path);
    await free;
    return false;
  };
  return { held, letGo };
}

test('a key that a hand has written over costs its own run, and no other its lease', async () => {
  const apps = [newApp(), newApp(), newApp()];
  const hold = holdLooks();
  await startWorker({ executors: apps.length });
  for (const app of apps) await triggerRepository(app);
  await until(() => hold.held.size === apps.length, 'all are being run');
  // The one that the supervisor asks about first.
  const pending = (await stack.redis('XPENDING', 'slipway:{0}:queue', 'workers', '-', '+', '10')).split('\n');
  const entry = pending[pending.findIndex((line) => /^.+-\d+-0$/.test(line)) - 1];
  const entryOf = (app) => stack.redis('HGET', `slipway:{0}:app:default:${app}:site:repo`, 'entry');
  const entries = await Promise.all(apps.map(entryOf));
  const broken = apps[entries.indexOf(entry)];
  assert.ok(broken, `${entry} is none of ${entries}`);
  await stack.redis('SET', `slipway:{0}:app:default:${broken}:site:repo`, 'text', 'EX', '100');
  await new Promise((resolve) => { setTimeout(resolve, LEASE_SECONDS * 1500); });
  hold.letGo();
  for (const app of apps.filter((one) => one !== broken)) {
    const end = await ended(app);
    assert.equal(end.status, 'done', JSON.stringify(end.error));
    assert.equal(end.crashes, 0);
  }
  await stack.redis('DEL', `slipway:{0}:app:default:${broken}:site:repo`);
  await assertQuiet();
});

for (const key of ['queue', 'live', 'delayed']) {
  test(`${key} that a hand has written over and then deleted: every run ends`, async () => {
    const executing = newApp();
    const queued = newApp();
    const hold = holdLooks();
    await startWorker();
    await triggerRepository(executing);
    await until(() => hold.held.size === 1, 'it is being run');
    await triggerRepository(queued);
    await stack.redis('DEL', `slipway:{0}:${key}`);
    await stack.redis('SET', `slipway:{0}:${key}`, 'text');
    const refused = await triggerRepository(newApp());
    assert.equal(refused.status, 500);
    assert.match(refused.body.remedy.text, /slipway verify/);
    await new Promise((resolve) => { setTimeout(resolve, LEASE_SECONDS * 1500); });
    await stack.redis('DEL', `slipway:{0}:${key}`);
    hold.letGo();
    for (const app of [executing, queued]) assert.equal((await ended(app)).status, 'done');
    await assertQuiet();
  });
}

test('while Redis hangs, a worker that is told to stop is gone before its unit kills it', async () => {
  const apps = Array.from({ length: 6 }, newApp);
  const hold = holdLooks();
  const worker = await startWorker({ executors: apps.length, grace: 0, lease: 30 });
  for (const app of apps) await triggerRepository(app);
  await until(() => hold.held.size === apps.length, 'all are being run');
  const redis = await stack.daemon('redis-server');
  process.kill(redis, 'SIGSTOP');
  let seconds = 0;
  try {
    const began = Date.now();
    worker.kill('SIGTERM');
    const late = setTimeout(() => process.kill(redis, 'SIGCONT'), 34000);
    await worker.ended;
    clearTimeout(late);
    seconds = (Date.now() - began) / 1000;
  } finally {
    process.kill(redis, 'SIGCONT');
  }
  hold.letGo();
  // The unit gives it 35 s.
  assert.ok(seconds < 30, `${seconds} s`);
});

test('while Redis hangs, the supervisor asks it once and not for each executor', async () => {
  const apps = Array.from({ length: 6 }, newApp);
  const hold = holdLooks();
  const worker = await startWorker({ executors: apps.length, lease: 30 });
  for (const app of apps) await triggerRepository(app);
  await until(() => hold.held.size === apps.length, 'all are being run');
  const redis = await stack.daemon('redis-server');
  process.kill(redis, 'SIGSTOP');
  try {
    await new Promise((resolve) => { setTimeout(resolve, 2600); });
    const [executor] = await worker.executors();
    process.kill(executor.pid, 'SIGKILL');
    await until(() => worker.log().includes('executor ended'), 'the supervisor sees its end', 4000);
  } finally {
    process.kill(redis, 'SIGCONT');
  }
  hold.letGo();
  for (const app of apps) assert.equal((await ended(app)).status, 'done');
});

test('no token: auth_missing, with the setting to set', async () => {
  const app = newApp();
  const worker = spawn(path.join(build, 'slipway-worker'), ['--redis-url', `unix://${stack.folder}/redis.sock`,
    '--executors', '1', '--allow-loopback', 'yes', '--github-url', peer.url], { stdio: 'ignore' });
  await triggerRepository(app);
  const end = await ended(app);
  worker.kill('SIGTERM');
  await new Promise((resolve) => { worker.once('exit', resolve); });
  assert.equal(end.error.class, 'auth_missing');
  assert.match(end.error.remedy.text, /SLIPWAY_GITHUB_TOKEN_FILE/);
});

test('GitHub access through a personal token: it appears in no log, no Redis value, no process list', async () => {
  const app = newApp();
  const worker = await startWorker();
  // A provider that echoes the credential in its refusal.
  peer.intercept = (call, response) => {
    if (!isFork(call)) return false;
    peer.send(response, 422, { message: `refused ${call.headers.authorization}` });
    return true;
  };
  await triggerRepository(app);
  const end = await ended(app);
  assert.equal(end.status, 'error');
  assert.ok(!JSON.stringify(end).includes(TOKEN));
  assert.ok(!worker.log().includes(TOKEN));
  // The refusal is there, without it: in the error, in the log, and in Redis.
  assert.match(end.error.message, /refused Bearer \*+/);
  assert.match(worker.log(), /event="attempt failed".*refused Bearer \*+/);
  assert.match((await stack.hash(app, 'site', 'repo')).error, /refused Bearer \*+/);
  const [executor] = await worker.executors();
  for (const pid of [worker.pid, executor.pid]) {
    assert.ok(!(await readFile(`/proc/${pid}/cmdline`, 'utf8')).includes(TOKEN));
    assert.ok(!(await readFile(`/proc/${pid}/environ`, 'utf8')).includes(TOKEN));
  }
  for (const folder of ['log', 'redis', 'redis/appendonlydir']) {
    for (const entry of await readdir(path.join(stack.folder, folder), { withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const bytes = await readFile(path.join(stack.folder, folder, entry.name));
      assert.ok(!bytes.includes(TOKEN), entry.name);
    }
  }
  assert.ok(!execFileSync('ps', ['auxwwe'], { encoding: 'latin1' }).includes(TOKEN));
});
