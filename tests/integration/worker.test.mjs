// Workers against a provider that misbehaves: every way an attempt may end, and every way a worker may die.
//
// covers: src/worker/main.c src/worker/supervisor.c src/worker/executor.c src/worker/attempt.c src/worker/outcome.c
// covers: src/worker/result.c src/worker/leases.c src/worker/clean_up.c src/store/workers.c
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn, execFileSync } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { build, until } from './stack.mjs';
import {
  TOKEN, assertQuiet, ended, holdFirst, isFork, isLook, newApp, peer, stack, startWorker, triggerRepository,
} from './runs.mjs';

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
  // Both by the clock of Redis: not after an executor has slept for as long as the other one waits. A test that is
  // itself too late for that tries it again.
  await until(async () => {
    const waiting = await stack.untilStatus(app, 'site', 'repo', (status) => status.phase === 'waiting');
    const other = newApp();
    await stack.trigger(other, 'hello', 'greet', { inputs: { greet: { text: 'meanwhile' } } });
    const meanwhile = await ended(other, 'greet', 'hello');
    assert.equal(meanwhile.status, 'done');
    return meanwhile.startedAt < waiting.resumeAt;
  }, 'another is run while one waits');
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

// The next worker takes the run at once.
test('SIGTERM cuts no call off that has begun towards the end of the grace: after that none is sent', async () => {
  const app = newApp();
  const hold = holdFirst(isFork);
  const first = await startWorker({ grace: 15 });
  await triggerRepository(app);
  await hold.here;
  first.kill('SIGTERM');
  await until(() => /event="no further calls to providers"/.test(first.log()), 'the end is near');
  hold.let_go();
  assert.equal(await first.ended, 0);
  assert.doesNotMatch(first.log(), /event="executor ended".*signal/);
  assert.match(peer.calls.at(-1).path, /forks$/);
  await startWorker();
  const end = await ended(app);
  assert.equal(end.status, 'done', JSON.stringify(end.error));
  assert.equal(end.crashes, 0);
  assert.equal(end.attempt, 1);
  assert.equal(peer.count('POST', /forks$/), 1);
});

// What the call was cut off for says nothing of the address that it looks at.
test('SIGTERM hands back what looks at an address, also where it may look no longer', async () => {
  const app = newApp();
  const hold = holdFirst((call) => call.path === '/health');
  const first = await startWorker({ grace: 5 });
  const check = { url: peer.url, path: '/health', within: 1, status: 404 };
  const skip = (actionId, output) => stack.post({ mode: 'skip', appId: app, workflowId: 'site', actionId, output });
  await skip('deployment', { id: 'dpl_1', url: peer.url, alias: peer.url });
  await skip('domain', { name: 'example.com', url: 'https://example.com', verified: true });
  const asked = await stack.trigger(app, 'site', 'check', { inputs: { check } });
  assert.equal(asked.status, 202, JSON.stringify(asked.body));
  await hold.here;
  first.kill('SIGTERM');
  assert.equal(await first.ended, 0);
  assert.match(first.log(), /event="no further calls to providers"/);
  const handed = await stack.status(app, 'site', 'check');
  assert.equal(handed.phase, 'queued', JSON.stringify(handed));
  hold.let_go();
  await startWorker();
  assert.equal((await ended(app, 'check')).status, 'done');
});

test('cancel aborts a call that only reads and hangs, and says so', async () => {
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

// What the call makes would be in the ledger as pending at best: one that begins before might make it again.
test('a cancel lets a call end that changes something: what it makes is known, and found by the next run', async () => {
  const app = newApp();
  // One that is looked at in the same attempt, as soon as it is there.
  const isCreate = (call) => call.method === 'POST' && call.path === '/orgs/acme/repos';
  const hold = holdFirst(isCreate);
  const wait = peer.intercept;
  peer.intercept = async (call, response) => {
    await wait(call);
    if (!isCreate(call)) return false;
    const made = { ...peer.repository('acme', app), fork: false, parent: undefined };
    peer.repositories.set(made.full_name, made);
    peer.send(response, 201, made);
    return true;
  };
  const trigger = (name) => stack.trigger(app, 'site', 'repo', { inputs: { repo: { owner: 'acme', name } } });
  const worker = await startWorker({ executors: 2 });
  await trigger(app);
  await hold.here;
  const cancel = () => stack.post({ mode: 'cancel', appId: app, workflowId: 'site', actionId: 'repo' });
  assert.equal((await cancel()).status, 202);
  await until(() => /event="run is cancelled".*killed_in_ms=10000/.test(worker.log()), 'the worker knows');
  assert.equal((await cancel()).status, 202);
  const waiting = await stack.status(app, 'site', 'repo');
  assert.deepEqual([waiting.status, waiting.reason], ['running', 'cancelling']);
  assert.equal((await trigger(`${app}-other`)).status, 409);
  hold.let_go();
  const end = await ended(app);
  assert.equal(end.error.class, 'cancelled', JSON.stringify(end.error));
  const row = JSON.parse(
    await stack.redis('HGET', `slipway:{0}:app:default:${app}:ledger`, `github:repository:acme/${app}`));
  assert.equal(row.id, String(peer.repositories.get(`acme/${app}`).id));
  assert.equal(row.created, true);
  assert.doesNotMatch(worker.log(), /event="executor killed"/);

  await trigger(app);
  assert.equal((await ended(app)).status, 'done');
  assert.equal(peer.calls.filter(isCreate).length, 1);
  await assertQuiet();
});

test('after a cancel the call that changes something may end, and no other one is sent', async () => {
  const app = newApp();
  const set = [];
  const isSet = (call) => call.method === 'POST' && call.path.endsWith('/actions/variables');
  const worker = await startWorker();
  await triggerRepository(app);
  assert.equal((await ended(app)).status, 'done');
  const hold = holdFirst(isSet);
  const wait = peer.intercept;
  peer.intercept = async (call, response) => {
    await wait(call);
    if (!call.path.includes('/actions/variables')) return false;
    if (isSet(call)) set.push(JSON.parse(call.body));
    peer.send(response, isSet(call) ? 201 : 200, isSet(call) ? {} : { total_count: set.length, variables: set });
    return true;
  };
  const variables = ['ONE', 'TWO', 'THREE'].map((name) => ({ name, value: 'a' }));
  const trigger = () => stack.trigger(app, 'site', 'variables', { inputs: { variables: { variables } } });
  assert.equal((await trigger()).status, 202);
  await hold.here;
  await stack.post({ mode: 'cancel', appId: app, workflowId: 'site', actionId: 'variables' });
  await until(() => /event="run is cancelled".*killed_in_ms=10000/.test(worker.log()), 'the worker knows');
  hold.let_go();
  assert.equal((await ended(app, 'variables')).error.class, 'cancelled');
  assert.deepEqual(set.map(({ name }) => name), ['ONE']);

  await trigger();
  assert.equal((await ended(app, 'variables')).status, 'done');
  assert.deepEqual(set.map(({ name }) => name), ['ONE', 'TWO', 'THREE']);
});

test('a cancel waits ten seconds for a call that changes something and hangs', async () => {
  const app = newApp();
  const hold = holdFirst(isFork);
  const worker = await startWorker();
  await triggerRepository(app);
  await hold.here;
  await stack.post({ mode: 'cancel', appId: app, workflowId: 'site', actionId: 'repo' });
  const end = await ended(app, 'repo', 'site', 30000);
  assert.equal(end.error.class, 'cancelled');
  assert.match(worker.log(), /event="executor killed".*why="cancelled, and it has not ended"/);
  hold.let_go();
  await assertQuiet();
});

test('no token: auth_missing, with the setting to set', async () => {
  const app = newApp();
  const worker = spawn(path.join(build, 'slipway-worker'), ['--redis-url', `unix://${stack.folder}/redis.sock`,
    '--executors', '1', '--allow-loopback', 'yes', '--github-url', peer.url,
    '--secrets-keys-file', path.join(stack.folder, 'conf', 'secrets.keys')], { stdio: 'ignore' });
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
  // The refusal is there, without it: in the error, in the log, and in Redis.
  assert.match(end.error.message, /refused Bearer \*+/);
  await until(() => /event="attempt failed".*refused Bearer \*+/.test(worker.log()), 'the refusal is in the log');
  assert.ok(!worker.log().includes(TOKEN));
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
  assert.ok(!execFileSync('ps', ['auxwwe'], { encoding: 'latin1', maxBuffer: 1 << 28 }).includes(TOKEN));
});
