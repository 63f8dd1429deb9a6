// Providers that fail, that limit and that let runs wait: what is asked again and when, and what waits meanwhile.
//
// covers: src/worker/attempt.c src/worker/outcome.c
import test from 'node:test';
import assert from 'node:assert/strict';
import { until } from './stack.mjs';
import { assertQuiet, ended, isLook, newApp, peer, stack, startWorker, triggerRepository } from './runs.mjs';

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
  let failures = 0;
  let over;
  let seen = false;
  peer.intercept = (call, response) => {
    over ??= Date.now() + 5000;
    if (seen && Date.now() > over) return false;
    failures += 1;
    if (!seen || failures % 2) response.writeHead(502, { 'content-type': 'text/html' }).end('<!DOCTYPE html>Unicorn');
    else response.destroy();
    return true;
  };
  await startWorker();
  await triggerRepository(app);
  const waiting = await stack.untilStatus(app, 'site', 'repo', (status) => status.phase === 'waiting');
  assert.equal(waiting.reason, 'provider_down', JSON.stringify(waiting));
  seen = true;
  assert.match(waiting.detail, /^GitHub has a problem of its own \(502\): GET \/repos\/acme\/[^;<]+; waiting since 20/);
  const end = await ended(app);
  assert.equal(end.status, 'done', JSON.stringify(end.error));
  assert.equal(end.attempt, 1);
  // The client itself tries a kept connection that was cut once more.
  assert.ok(failures >= 2 && failures <= 6, `${failures} failures`);
  assert.equal((await stack.hash(app, 'site', 'repo')).outage_at, undefined);
});

// The times at which the calls that failed were held, each at least until `held` has ended.
function failSlowly(fits, held = async () => {}) {
  const failed = [];
  peer.intercept = async (call, response) => {
    if (!fits(call)) return false;
    const one = { from: Date.now() };
    failed.push(one);
    await held();
    await new Promise((resolve) => { setTimeout(resolve, 400); });
    one.to = Date.now();
    peer.send(response, 502, { message: 'oops' });
    return true;
  };
  return failed;
}

// Holds calls until there are so many: each is under way before anybody knows that the provider is down.
function untilAll(count, then = () => {}) {
  const held = [];
  return async () => {
    if (held.length === count) return;
    await new Promise((resolve) => {
      held.push(resolve);
      if (held.length < count) return;
      then();
      for (const go of held) go();
    });
  };
}

test('outage: one run at a time asks whether the provider is back, and then all go on', async () => {
  const apps = Array.from({ length: 6 }, newApp);
  let over;
  const failed = failSlowly(() => over === undefined || Date.now() < over,
    untilAll(apps.length, () => { over = Date.now() + 8000; }));
  await startWorker({ executors: apps.length });
  for (const app of apps) await triggerRepository(app);
  // Each comes back by its own delay, which is about as long as the outage has lasted for it.
  const ends = await Promise.all(apps.map((app) => ended(app, 'repo', 'site', 120000)));
  for (const end of ends) {
    assert.deepEqual([end.status, end.attempt], ['done', 1], JSON.stringify(end));
  }
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
    const events = await stack.redis('LRANGE', `slipway:{0}:app:default:${app}:events`, '0', '-1');
    assert.ok(!events.includes('is down'), events);
  }
  await stack.untilStatus(poison, 'site', 'repo', (status) => status.reason === 'provider_down');
  await stack.post({ mode: 'cancel', appId: poison, workflowId: 'site', actionId: 'repo' });
});

test('outage: a run that is held back says what it last saw itself', async () => {
  const apps = Array.from({ length: 4 }, newApp);
  failSlowly(() => true, untilAll(apps.length));
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

test('rate limit: waits as long as it is told, and burns no attempt', async () => {
  const app = newApp();
  let seen = false;
  const times = []; // { at, refused }
  peer.intercept = (call, response) => {
    times.push({ at: Date.now(), refused: !seen && isLook(call) });
    if (!times.at(-1).refused) return false;
    peer.send(response, 429, { message: 'API rate limit exceeded' }, { 'retry-after': '1' });
    return true;
  };
  await startWorker();
  await triggerRepository(app);
  const waiting = await stack.untilStatus(app, 'site', 'repo', (status) => status.phase === 'waiting');
  seen = true;
  assert.equal(waiting.status, 'running');
  assert.equal(waiting.reason, 'rate_limited');
  assert.ok(Date.parse(waiting.resumeAt) - Date.parse(waiting.startedAt) >= 1000);
  const end = await ended(app);
  assert.equal(end.status, 'done', JSON.stringify(end.error));
  assert.equal(end.attempt, 1);
  // Date.now() cuts to whole milliseconds.
  const early = times.filter(({ at }, i) => times[i - 1]?.refused && at - times[i - 1].at < 999);
  assert.deepEqual(early, [], JSON.stringify(times));
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
  peer.delayMs = 0; // what is left of the queue may go by
  const last = await ended(others.at(-1));
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
  const due = async () => Number(await stack.redis('ZCARD', 'slipway:{0}:begun'));
  await until(async () => (await due()) > 4, 'more are due than are looked at');
  const other = newApp();
  await stack.trigger(other, 'hello', 'greet', { inputs: { greet: { text: 'meanwhile' } } });
  assert.equal((await ended(other, 'greet', 'hello')).status, 'done');
  ready = true;
  peer.delayMs = 0;
  for (const app of waiting) assert.equal((await ended(app)).status, 'done');
  await assertQuiet();
});
