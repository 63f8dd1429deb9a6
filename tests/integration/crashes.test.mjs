// What is no crash of a worker: an outage of Redis, a kill long before, a signal from an operator. And credentials that
// are replaced while workers run.
//
// covers: src/base/prefork.c src/base/settings.c src/base/settings_stamp.c src/worker/supervisor.c src/api/main.c
import test, { before, after, beforeEach, afterEach } from 'node:test';
import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { Stack, childrenOf, until } from './stack.mjs';
import { Peer } from './peer.mjs';
import * as workers from './worker.mjs';

const OUTAGE_LEASE = 3; // seconds; of a worker that is to lose it
const SURE_LEASE = 20; // of one that a machine which stands still for seconds keeps from no renewal
const TOKEN = 'ghs_0123456789.the-first-token';
const NEW_TOKEN = 'ghs_9876543210.the-second-token';

let stack;
let peer;
let number = 0;

before(async () => {
  peer = await Peer.start();
  stack = await Stack.start({ flags: ['--no-emulator', '--no-worker'] });
});
after(async () => {
  await stack.stop();
  await peer.stop();
});
beforeEach(async () => {
  peer.calls = [];
  peer.intercept = () => false;
  await writeToken(TOKEN);
});
afterEach(workers.stopWorkers);

const startWorker = (options) => workers.startWorker(stack, peer, options);
const writeToken = (token) => workers.writeToken(stack, token);

function newApp() {
  number += 1;
  return `app-${number}`;
}

function triggerRepository(app) {
  return stack.trigger(app, 'site', 'repo', {
    inputs: { repo: { owner: 'acme', name: app, fork: 'upstream/template' } },
  });
}

function ended(app) {
  return stack.untilStatus(app, 'site', 'repo', (status) => ['done', 'error'].includes(status.status));
}

const isLook = (app) => (call) => call.method === 'GET' && call.path === `/repos/acme/${app}`;

// Holds each call that fits; the test lets them go one by one.
function holdAll(fits) {
  const held = [];
  peer.intercept = async (call) => {
    if (!fits(call)) return false;
    await new Promise((resolve) => { held.push(resolve); });
    return false;
  };
  return held;
}

test('three outages of Redis, each longer than a lease, in the midst of a call: no crash is counted', async () => {
  const app = newApp();
  // Those whose executor is still there.
  const held = new Set();
  peer.intercept = async (call, response) => {
    if (!isLook(app)(call)) return false;
    await new Promise((resolve) => {
      held.add(resolve);
      response.on('close', () => held.delete(resolve));
    });
    return false;
  };
  const worker = await startWorker({ lease: OUTAGE_LEASE });
  const stopped = () => worker.log().split('lease not renewed in time').length;
  await triggerRepository(app);
  const redis = await stack.daemon('redis-server');
  for (let outage = 1; outage <= 3; outage += 1) {
    await until(() => held.size === 1, 'the call is under way');
    const before = stopped();
    process.kill(redis, 'SIGSTOP');
    try {
      await until(() => stopped() > before && held.size === 0, 'the executor was stopped');
      await new Promise((resolve) => { setTimeout(resolve, OUTAGE_LEASE * 1000); });
    } finally {
      process.kill(redis, 'SIGCONT');
    }
  }
  await until(() => held.size === 1, 'it is run again');
  peer.intercept = () => false;
  held.forEach((letGo) => letGo());
  const end = await ended(app);
  assert.equal(end.status, 'done', JSON.stringify(end.error));
  assert.equal(end.crashes, 0);
  assert.equal(end.attempt, 1);
});

test('a worker that slept for longer than its lease, and whose run was taken over, has not crashed', async () => {
  const app = newApp();
  const held = holdAll(isLook(app));
  const sleeper = await startWorker({ lease: SURE_LEASE });
  await triggerRepository(app);
  await until(() => held.length === 1, 'the call is under way');
  await startWorker();
  const pids = [sleeper.pid, ...(await sleeper.executors()).map(({ pid }) => pid)];
  pids.forEach((pid) => process.kill(pid, 'SIGSTOP'));
  await until(() => held.length === 2, 'another takes it over');
  assert.equal((await stack.hash(app, 'site', 'repo')).crashes, '1');
  // The supervisor last: once awake, it may end its executors before they are woken.
  for (const pid of pids.reverse()) process.kill(pid, 'SIGCONT');
  await until(async () => (await stack.hash(app, 'site', 'repo')).crashes === '0', 'the crash is taken back');
  peer.intercept = () => false;
  held.forEach((letGo) => letGo());
  const end = await ended(app);
  assert.equal(end.status, 'done', JSON.stringify(end.error));
  assert.equal(end.crashes, 0);
});

test('six kills of an executor, a look that ended well after each two: the run goes on', async () => {
  const app = newApp();
  const worker = await startWorker();
  let looks = 0;
  peer.intercept = async (call, response) => {
    if (!call.path.startsWith(`/repos/acme/${app}/branches/`) || looks === 9) return false;
    looks += 1;
    if (looks % 3 === 0) {
      peer.send(response, 404, { message: 'Branch not found' });
      return true;
    }
    const [executor] = await worker.executors();
    process.kill(executor.pid, 'SIGKILL');
    return true;
  };
  await triggerRepository(app);
  const end = await ended(app);
  assert.equal(end.status, 'done', JSON.stringify(end.error));
  assert.equal(looks, 9);
});

const SIGNALS = ['SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGALRM'];

test(`${SIGNALS.join(', ')} to a worker and its executor amid an action: all ends well, nothing crashed`, async () => {
  const held = holdAll((call) => call.method === 'GET' && /^\/repos\/acme\/[^/]+$/.test(call.path));
  const pool = await Promise.all(SIGNALS.map(() => startWorker({ lease: SURE_LEASE })));
  const apps = SIGNALS.map(newApp);
  for (const app of apps) await triggerRepository(app);
  await until(() => held.length === apps.length, 'the calls are under way');
  // Whichever of them has taken it.
  const works = await Promise.all(apps.map(async (app, i) => {
    const { worker: name } = await stack.hash(app, 'site', 'repo');
    const worker = pool.find(({ pid }) => name === `${hostname()}-${pid}`);
    return { signal: SIGNALS[i], app, worker, executor: (await worker.executors())[0].pid };
  }));
  for (const { signal, worker, executor } of works) {
    process.kill(executor, signal);
    process.kill(worker.pid, signal);
  }
  // The supervisors still do their work: they see the next one, and renew the leases beyond their first end.
  const leases = () => Promise.all(apps.map(async (app) => (await stack.hash(app, 'site', 'repo')).lease_until));
  for (let time = 1; time <= 2; time += 1) {
    const before = await leases();
    await until(async () => {
      await new Promise((resolve) => { setTimeout(resolve, 200); });
      return (await leases()).every((now, i) => now > before[i]);
    }, 'all leases are renewed');
  }
  for (const { signal, worker, executor } of works) {
    assert.equal(worker.gone(), false, worker.log());
    assert.deepEqual((await worker.executors()).map(({ pid }) => pid), [executor], signal);
  }
  assert.equal(held.length, SIGNALS.length);
  peer.intercept = () => false;
  held.forEach((letGo) => letGo());
  for (const { signal, app } of works) {
    const end = await ended(app);
    assert.equal(end.status, 'done', `${signal} ${JSON.stringify(end.error)}`);
    assert.equal(end.crashes, 0);
    assert.equal(end.attempt, 1);
  }
});

for (const signal of SIGNALS) {
  test(`${signal} to the web tier and its handlers: no request fails, and the supervisor stays`, async () => {
    const api = await stack.daemon('slipway-api');
    const handlers = await childrenOf(api);
    for (const { pid } of [...handlers, { pid: api }]) {
      process.kill(pid, signal);
      for (let i = 0; i < 5; i += 1) assert.equal((await stack.get('/healthz')).status, 200);
    }
    assert.equal(await stack.daemon('slipway-api'), api);
    const wasThere = ({ pid }) => handlers.some((handler) => handler.pid === pid);
    if (signal === 'SIGHUP') {
      // All of them, for the next test takes those that it finds.
      await until(async () => {
        const now = await childrenOf(api);
        return now.length === handlers.length && !now.some(wasThere);
      }, 'as many fresh handlers as there were before');
    } else {
      assert.equal((await childrenOf(api)).filter(wasThere).length, handlers.length);
    }
    assert.equal((await stack.get('/healthz')).status, 200);
  });
}

test('a token that is replaced in its file is used by the next attempt, without a restart or a signal', async () => {
  const app = newApp();
  peer.intercept = (call, response) => {
    if (call.headers.authorization === `Bearer ${NEW_TOKEN}`) return false;
    peer.send(response, 401, { message: 'Bad credentials' });
    return true;
  };
  const worker = await startWorker({ executors: 2 });
  await triggerRepository(app);
  assert.equal((await ended(app)).error.class, 'auth_expired');
  await writeToken(NEW_TOKEN);
  await until(() => worker.log().includes('credentials read again'), 'the worker has seen the file');
  await triggerRepository(app);
  const end = await ended(app);
  assert.equal(end.status, 'done', JSON.stringify(end.error));
});

test('an action that is under way keeps its token and its process; the next one has the new token', async () => {
  const first = newApp();
  const second = newApp();
  const held = holdAll(isLook(first));
  const worker = await startWorker();
  await triggerRepository(first);
  await until(() => held.length === 1, 'the call is under way');
  await writeToken(NEW_TOKEN);
  await until(() => worker.log().includes('credentials read again'), 'the worker has seen the file');
  await triggerRepository(second);
  peer.intercept = () => false;
  held[0]();
  const end = await ended(first);
  assert.equal(end.status, 'done', JSON.stringify(end.error));
  assert.equal(end.crashes, 0);
  assert.equal((await ended(second)).status, 'done');
  const tokens = (app) => new Set(
    peer.calls.filter((call) => call.path.startsWith(`/repos/acme/${app}`)).map((call) => call.headers.authorization),
  );
  assert.deepEqual([...tokens(second)], [`Bearer ${NEW_TOKEN}`]);
});

test('a file that cannot be used leaves the token before it in use, and the log says why', async () => {
  const app = newApp();
  const worker = await startWorker();
  await writeToken('');
  await until(() => worker.log().includes('the previous ones stay in use'), 'the worker has seen the file');
  await triggerRepository(app);
  const end = await ended(app);
  assert.equal(end.status, 'done', JSON.stringify(end.error));
  assert.equal(peer.calls.at(-1).headers.authorization, `Bearer ${TOKEN}`);
});
