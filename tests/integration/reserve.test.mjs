// One executor is left to other tenants: whoever has many slow runs holds up nobody else's, has all executors where he
// is alone, and whoever waits so is told why.
//
// covers: src/worker/reserve.c src/worker/run_limits.c
import { test, beforeEach, afterEach } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Api } from '../harness/api.mjs';
import { TESTER } from '../harness/redis.mjs';
import { Peer } from './peer.mjs';
import { build, until } from './stack.mjs';

const WHY = /^3 runs of the tenant 'default' are being run, and no more may be: one executor is left to other tenants/;

let api;
let peer;
let held; // by app: lets the call of its run go on, which a provider that hangs has
let workers;
const tokens = {};

beforeEach(async () => {
  held = new Map();
  workers = [];
  peer = await Peer.start();
  peer.intercept = async ({ method, path: uri }) => {
    const app = /^\/repos\/acme\/(slow-\d+)$/.exec(uri)?.[1];
    if (method === 'GET' && app && !held.has(app)) await new Promise((resolve) => { held.set(app, resolve); });
    return false;
  };
  api = await Api.start();
  for (const tenant of ['default', 'one', 'two']) tokens[tenant] = api.token('deploy', { tenant }).text;
});
afterEach(async () => {
  for (const worker of workers) worker.kill('SIGKILL');
  await Promise.all(workers.map(({ ended }) => ended));
  await api.stop();
  await peer.stop();
});

const redis = (...words) => api.redis.cli(TESTER, ...words);

function startWorker(executors, ...flags) {
  const token = path.join(api.folder, 'token');
  writeFileSync(token, 'ghs_0123456789.of-the-test\n', { mode: 0o600 });
  const worker = spawn(path.join(build, 'slipway-worker'), ['--config', '/dev/null', '--executors', String(executors),
    '--github-url', peer.url, '--github-token-file', token, '--allow-loopback', 'yes', '--github-write-spacing-ms', '0',
    ...api.redis.flags('slipway-worker'), ...flags],
  { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env.PATH } });
  worker.log = '';
  worker.stderr.on('data', (bytes) => { worker.log += bytes; });
  worker.ended = new Promise((resolve) => { worker.once('exit', resolve); });
  workers.push(worker);
  return worker;
}

async function trigger(tenant, appId, workflowId, actionId, inputs) {
  const answer = await api.post(tokens[tenant], { mode: 'trigger', appId, workflowId, actionId, inputs });
  assert.equal(answer.status, 202, answer.text);
}
const greet = (tenant, app) => trigger(tenant, app, 'hello', 'greet', { greet: { text: 'hello' } });
const read = async (tenant, app, workflow, step) => (await api.get(tokens[tenant],
  `/api/deploy?appId=${app}&workflowId=${workflow}&actionId=${step}`)).body;
const done = (tenant, app) => until(async () => (await read(tenant, app, 'hello', 'greet')).status === 'done',
  `${app} of ${tenant} is done`);

const untilCounted = (count) => until(() => redis('HGET', 'slipway:{0}:running', 'tenant:default') === String(count),
  `${count} of them are counted`);

// Runs of the tenant `default`, which hang until the test lets them go.
const slow = Array.from({ length: 8 }, (_, i) => `slow-${i}`);
async function flood() {
  for (const app of slow)
    await trigger('default', app, 'site', 'repo', { repo: { owner: 'acme', name: app, fork: 'upstream/template' } });
}
const statuses = () => Promise.all(slow.map((app) => read('default', app, 'site', 'repo')));
const executing = async () => (await statuses()).filter(({ phase }) => phase === 'executing').length;
const hang = (count) => until(() => held.size === count, `${count} of them hang at the provider`);
const letGo = (app) => held.get(app)();
async function endAll() {
  for (const app of slow) {
    if (held.has(app)) letGo(app);
    else held.set(app, () => {});
  }
  await until(async () => (await statuses()).every(({ status }) => status === 'done'), 'all of them are done');
}
const verify = () => spawnSync(path.join(build, 'slipway'), ['verify', ...api.redis.flags('slipway-verify')]).status;
const hasLimit = (text) => until(() => redis('HGET', 'slipway:{0}:holds', 'tenant:default').startsWith(text),
  `the tenant is held: ${text}`);

test('a tenant with many slow runs leaves an executor, and another one\'s runs are done meanwhile', async () => {
  await greet('one', 'first');
  await flood();
  startWorker(4); // which knows of both before it takes the first
  await hang(3);
  for (let i = 0; i < 5; i += 1) {
    await greet('one', `app-${i}`);
    await done('one', `app-${i}`);
  }
  assert.equal(held.size, 3);
  assert.equal(await executing(), 3);
  const waiting = (await statuses()).filter(({ phase }) => phase === 'queued');
  assert.equal(waiting.length, 5);
  const said = await until(async () => {
    const { reason, detail } = await read('default', slow[7], 'site', 'repo');
    return reason === 'turn' && detail;
  }, 'it says that it waits for its turn');
  assert.match(said, WHY);
  const queue = spawnSync(path.join(build, 'slipway'), ['queue', ...api.redis.flags('slipway-verify')],
    { encoding: 'utf8' });
  assert.match(queue.stdout, /no more may be: one executor is left to other tenants/, queue.stdout + queue.stderr);

  // One that ends makes room for one, and for no more.
  const [ended] = held.keys();
  letGo(ended);
  await hang(4);
  await greet('one', 'last');
  await done('one', 'last');
  assert.equal(await executing(), 3);

  await endAll();
  assert.equal(redis('EXISTS', 'slipway:{0}:running', 'slipway:{0}:holds'), '0');
  assert.equal(verify(), 0);
});

test('a tenant alone has all executors, until there is another one: what is under way counts then', async () => {
  startWorker(4, '--lease-seconds', '600'); // in which they are counted anew
  await flood();
  await hang(4);
  assert.equal(redis('EXISTS', 'slipway:{0}:running'), '0');
  await greet('one', 'first');
  await untilCounted(4);
  letGo([...held.keys()][0]);
  await done('one', 'first');
  await greet('one', 'second');
  await done('one', 'second');
  assert.equal(await executing(), 3);
  await hasLimit('3 runs');
  assert.equal(verify(), 0);

  // He is alone again, for a while.
  redis('ZREM', 'slipway:{0}:tenants', 'one');
  await hang(5);
  assert.equal(await executing(), 4);
  redis('ZADD', 'slipway:{0}:tenants', '0', 'one');
  await untilCounted(4);
});

test('a limit of a tenant that the operator has set is kept', async () => {
  await greet('one', 'first');
  await flood();
  startWorker(4, '--run-limits', 'app=9 tenant=4');
  await hang(4);
  assert.equal(await executing(), 4);
});

test('beside a limit of another kind the executor is left as well', async () => {
  await greet('one', 'first');
  await flood();
  startWorker(4, '--run-limits', 'app=9');
  await hang(3);
  await hasLimit('3 runs');
  for (const app of ['first', 'second']) {
    if (app !== 'first') await greet('one', app);
    await done('one', app);
  }
  assert.equal(await executing(), 3);
});

test('all workers count that live, and none that has been silent', async () => {
  const beat = (executors, at) => JSON.stringify({ at: at.toISOString(), version: '0', executors, busy: 0 });
  redis('HSET', 'slipway:workers', 'dead-1', beat(50, new Date(Date.now() - 60_000)), 'odd-1', '[7]', 'odd-2',
    beat(-5, new Date()), 'odd-3', beat(1e15, new Date()));
  await greet('one', 'first');
  await flood();
  startWorker(1);
  await done('one', 'first');
  await hang(1); // in the only executor: whoever comes waits
  startWorker(1);
  await hasLimit('1 runs');
  for (const app of ['second', 'third']) {
    await greet('one', app);
    await done('one', app);
  }
  assert.equal(await executing(), 1);
});

test('a worker that is stopping counts no more, and what it still runs does', async () => {
  await greet('one', 'first');
  await flood();
  // It is given longer to end what it runs than the slowest test takes.
  for (let i = 0; i < 2; i += 1) startWorker(2, '--grace-seconds', '600');
  await done('one', 'first');
  await hang(3);
  const mostOf = (worker) => /.*runs_of_a_tenant_at_a_time=(\d+)/s.exec(worker.log)?.[1];
  await until(() => workers.every((worker) => mostOf(worker) === '3'), 'each knows of the other');
  // A heartbeat may be older than the end of the first run: what hangs at the provider is being run for certain.
  const appsHeldBy = ({ pid }) => {
    const name = redis('HKEYS', 'slipway:workers').split('\n').find((known) => known.endsWith(`-${pid}`));
    const { running = [] } = JSON.parse(redis('HGET', 'slipway:workers', name));
    return running.map((run) => run.split(' ')[1]).filter((app) => held.has(app));
  };
  const leaves = await until(() => workers.find((worker) => appsHeldBy(worker).length === 2), 'one has two of them');
  const stays = workers.find((worker) => worker !== leaves);
  const [app] = appsHeldBy(leaves);
  leaves.kill('SIGTERM');
  await until(() => mostOf(stays) === '1', 'the other one knows');
  letGo(app);
  await until(() => redis('HGET', 'slipway:{0}:running', 'tenant:default') === '2', 'one has ended');
  await greet('one', 'second');
  await done('one', 'second');
  assert.equal(await executing(), 2);
  assert.equal(held.size, 3);
});
