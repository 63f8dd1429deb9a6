// Keys of the queue and of a run that a hand has written over: what is lost is that one, and no other run.
//
// covers: src/worker/leases.c src/worker/belief.c src/store/workers.c
import test from 'node:test';
import assert from 'node:assert/strict';
import { until } from './stack.mjs';
import {
  LEASE_SECONDS, assertQuiet, ended, holdLooks, newApp, stack, startWorker, triggerRepository,
} from './runs.mjs';

test('a key that a hand has written over costs its own run, and no other its lease', async () => {
  const apps = [newApp(), newApp(), newApp()];
  const hold = holdLooks();
  await startWorker({ executors: apps.length, lease: LEASE_SECONDS });
  for (const app of apps) await triggerRepository(app);
  await until(() => hold.held.size === apps.length, 'all are being run');
  // The one that the supervisor asks about first.
  const running = async () => {
    const beats = (await stack.redis('HVALS', 'slipway:workers')).split('\n').filter(Boolean).map(JSON.parse);
    const all = beats.flatMap((beat) => beat.running ?? []).map((run) => run.split(' ')[1]);
    return all.filter((app) => apps.includes(app));
  };
  await until(async () => (await running()).length === apps.length, 'its heartbeat has them all');
  const [broken] = await running();
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

test('a run of which a hand has made no text ends, and no executor with it', async () => {
  const [broken, other] = [newApp(), newApp()];
  for (const app of [broken, other]) await triggerRepository(app);
  const key = `slipway:{0}:app:default:${broken}:site:repo`;
  await stack.redis('EVAL', "return redis.call('HSET', KEYS[1], 'input', '{\\255}')", '1', key);
  const worker = await startWorker();
  const { status, error } = await ended(broken);
  assert.equal(status, 'error');
  assert.equal(error.class, 'forged');
  assert.match(error.message, /no text/);
  assert.equal((await ended(other)).status, 'done');
  assert.doesNotMatch(worker.log(), /executor ended/);
  await assertQuiet();
});

test('an index that a hand has written over keeps no worker from saying that it is there', async () => {
  await startWorker();
  const beats = () => stack.redis('HGETALL', 'slipway:workers');
  await stack.redis('SET', 'slipway:{0}:live', 'text');
  for (let i = 0; i < 2; i += 1) {
    const before = await beats();
    await until(async () => (await beats()) !== before, 'it says so again');
  }
  await stack.redis('DEL', 'slipway:{0}:live');
});

for (const key of ['ready', 'begun', 'live', 'delayed']) {
  test(`${key} that a hand has written over and then deleted: every run ends`, async () => {
    const executing = newApp();
    const queued = newApp();
    const hold = holdLooks();
    await startWorker({ lease: LEASE_SECONDS });
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
