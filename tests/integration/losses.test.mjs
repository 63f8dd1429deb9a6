// Workers, executors and servers that are killed or hang: no run is lost, and none is counted wrongly.
//
// covers: src/worker/supervisor.c src/worker/leases.c src/worker/clean_up.c
import test from 'node:test';
import assert from 'node:assert/strict';
import { until } from './stack.mjs';
import {
  LEASE_SECONDS, assertQuiet, ended, holdFirst, holdLooks, isFork, isLook, newApp, peer, stack, startWorker, takeovers,
  triggerRepository,
} from './runs.mjs';

test('state lost when a process restarted: SIGKILL of an executor costs one crash and nothing else', async () => {
  const app = newApp();
  const hold = holdFirst(isFork);
  const worker = await startWorker();
  await triggerRepository(app);
  await hold.here;
  const [executor] = await worker.executors();
  process.kill(executor.pid, 'SIGKILL');
  // Its call has its effect a second after its end: whoever takes the run over is to find what it made.
  setTimeout(hold.let_go, 1000);
  const end = await ended(app);
  assert.equal(end.status, 'done', JSON.stringify(end.error));
  assert.equal(await takeovers(app), 1);
  assert.equal(end.attempt, 1);
  assert.equal(peer.count('POST', /forks$/), 1);
  assert.equal([...peer.repositories.keys()].filter((name) => name === `acme/${app}`).length, 1);
  await assertQuiet();
});

test('SIGKILL of a whole worker: its run is taken over by another', async () => {
  const app = newApp();
  const hold = holdFirst(isLook);
  const first = await startWorker({ lease: LEASE_SECONDS });
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
  const worker = await startWorker({ lease: LEASE_SECONDS });
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

// The call that is held ends while Redis stands still, which it does until the worker notices.
async function standStill(hold, worker) {
  const redis = await stack.daemon('redis-server');
  process.kill(redis, 'SIGSTOP');
  try {
    hold.let_go();
    await until(() => worker.log().includes(' event=redis class='), 'the worker misses Redis');
  } finally {
    process.kill(redis, 'SIGCONT');
  }
}

// That it is killed and started again is in tests/conf/restart.test.mjs and the fault suite.
test('a redis-server that stands still until the worker notices loses no run, and is no crash', async () => {
  const app = newApp();
  const hold = holdFirst(isLook);
  const worker = await startWorker({ lease: LEASE_SECONDS });
  await triggerRepository(app);
  await hold.here;
  await standStill(hold, worker);
  const end = await ended(app);
  assert.equal(end.status, 'done', JSON.stringify(end.error));
  assert.equal(end.crashes, 0);
  assert.equal(peer.count('POST', /forks$/), 1);
  await assertQuiet();
});

test('a Redis that is away for a while costs a run no attempt, and does not end one at its last', async () => {
  const app = newApp();
  const hold = holdFirst(isFork);
  await triggerRepository(app);
  await stack.redis('HSET', `slipway:{0}:app:default:${app}:site:repo`, 'attempts', '1');
  const worker = await startWorker();
  await hold.here;
  // What was made is to be written into the ledger, on the connection that is given up then.
  await standStill(hold, worker);
  const end = await ended(app);
  assert.equal(end.status, 'done', JSON.stringify(end.error));
  assert.deepEqual([end.attempt, end.crashes], [1, 0]);
  assert.equal(peer.count('POST', /forks$/), 1);
  const events = await stack.redis('LRANGE', `slipway:{0}:app:default:${app}:events`, '0', '-1');
  assert.match(events, / waiting \S+ (Redis cannot be reached|the connection to Redis was lost)/);
});

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
  const apps = Array.from({ length: 12 }, newApp);
  const hold = holdLooks();
  const worker = await startWorker({ executors: apps.length, lease: 30 });
  for (const app of apps) await triggerRepository(app);
  await until(() => hold.held.size === apps.length, 'all are being run');
  const redis = await stack.daemon('redis-server');
  process.kill(redis, 'SIGSTOP');
  try {
    // It waits for 1.5 s where it asks: for each of them that would be 18 s.
    await new Promise((resolve) => { setTimeout(resolve, 2600); });
    const [executor] = await worker.executors();
    process.kill(executor.pid, 'SIGKILL');
    await until(() => worker.log().includes('executor ended'), 'the supervisor sees its end', 10000);
  } finally {
    process.kill(redis, 'SIGCONT');
  }
  hold.letGo();
  for (const app of apps) assert.equal((await ended(app)).status, 'done');
});
