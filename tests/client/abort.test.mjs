import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { SlipwayClient } from '../../client/slipway.js';
import { assertNoListeners, failureOf, setUp, stoppedClock } from './support.mjs';

const MODULE = new URL('../../client/slipway.js', import.meta.url).href;
const REASON = new Error('changed my mind');

test('aborted before: rejects without a request', async (context) => {
  const { stub, client } = await setUp(context);
  const signal = AbortSignal.abort(REASON);
  assert.equal(await failureOf(client.triggerAndPollAction('site', 'acme', 'repo', { signal })), REASON);
  assert.equal(await failureOf(client.runWorkflow('site', 'acme', { signal })), REASON);
  assert.equal(stub.requests.length, 0);
});

for (const mode of ['trigger', 'poll']) {
  test(`aborted during the fetch of a ${mode}`, async (context) => {
    const { stub, client } = await setUp(context);
    const controller = new AbortController();
    stub.fail(mode, { hang: true });
    const failure = failureOf(client.triggerAndPollAction('site', 'acme', 'repo', { signal: controller.signal }));
    await stub.seen((request) => request.mode === mode);
    controller.abort(REASON);
    assert.equal(await failure, REASON);
    assertNoListeners(controller.signal);
  });
}

test('the fetch is told, and one that does not listen holds nobody up', async () => {
  const controller = new AbortController();
  let told;
  const fetch = (_, { signal }) => {
    told = signal;
    return new Promise(() => {});
  };
  const client = new SlipwayClient({ fetch });
  const failure = failureOf(client.trigger('site', 'acme', 'repo', { signal: controller.signal }));
  controller.abort(REASON);
  assert.equal(await failure, REASON);
  assert.equal(told.reason, REASON);
  assertNoListeners(controller.signal);
});

test('aborted while sleeping between polls', async (context) => {
  // An hour on the real clock: only a prompt end lets the test end.
  const { stub, client } = await setUp(context, { pollMs: 3_600_000 });
  const controller = new AbortController();
  const reported = Promise.withResolvers?.() ?? withResolvers();
  const options = { signal: controller.signal, onStatus: () => reported.resolve() };
  const failure = failureOf(client.triggerAndPollAction('site', 'acme', 'repo', options));
  await reported.promise;
  await new Promise(setImmediate);
  controller.abort(REASON);
  assert.equal(await failure, REASON);
  assert.equal(stub.of('poll').length, 0);
  assertNoListeners(controller.signal);
});

test('aborted while waiting as Retry-After says', async (context) => {
  const clock = stoppedClock();
  const { stub, client } = await setUp(context, { clock });
  const controller = new AbortController();
  stub.fail('trigger', { status: 429, headers: { 'Retry-After': '3600' } });
  const failure = failureOf(client.trigger('site', 'acme', 'repo', { signal: controller.signal }));
  assert.equal(await clock.asleep, 3_600_000);
  controller.abort(REASON);
  assert.equal(await failure, REASON);
});

test('an abort whose reason is undefined or an error of ours is the reason still', async (context) => {
  const { stub, client } = await setUp(context);
  const ours = await failureOf(new SlipwayClient({ baseUrl: 'http://127.0.0.1:9', patienceMs: 0 }).workflows());
  assert.equal(ours.retryable, true);
  const controller = new AbortController();
  stub.fail('workflows', { hang: true });
  const failure = failureOf(client.workflows({ signal: controller.signal }));
  await stub.seen((request) => request.mode === 'workflows');
  controller.abort(ours);
  assert.equal(await failure, ours);
  assert.equal(stub.requests.length, 1);
});

test('a workflow whose watching is aborted is not cancelled, and is told to nobody any more', async (context) => {
  const { stub, client } = await setUp(context);
  const controller = new AbortController();
  stub.scripts.project = [];
  let heard = 0;
  const options = { signal: controller.signal, onStatus: () => { heard += 1; } };
  const failure = failureOf(client.runWorkflow('site', 'acme', options));
  await stub.seen((request) => request.mode === 'poll');
  controller.abort();
  assert.equal((await failure).name, 'AbortError');
  const [before, polls] = [heard, stub.of('poll').length];
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual([heard, stub.of('poll').length, stub.of('cancel').length], [before, polls, 0]);
  assertNoListeners(controller.signal);
  assert.equal((await client.poll('site', 'acme')).deployment.status, 'running');
});

test('listeners are gone after success and failure', async (context) => {
  const { stub, client } = await setUp(context);
  const { signal } = new AbortController();
  stub.fail('poll', { cut: true });
  await client.runWorkflow('site', 'acme', { signal });
  stub.fail('poll', { status: 403 });
  await failureOf(client.poll('site', 'acme', 'repo', { signal }));
  assertNoListeners(signal);
});

for (const [what, script] of [
  ['success', `await client.runWorkflow('site', 'acme', { pollMs: 5 });`],
  ['a problem', `await client.trigger('site', 'acme', 'deploy').catch(() => {});`],
  ['abort in a sleep', `
    const controller = new AbortController();
    const onStatus = () => setImmediate(() => controller.abort());
    const options = { signal: controller.signal, pollMs: 3600000, onStatus };
    await client.triggerAndPollAction('site', 'acme', 'repo', options).catch(() => {});`],
  ['abort in a fetch', `
    const controller = new AbortController();
    const failure = client.workflows({ signal: controller.signal }).catch(() => {});
    setImmediate(() => controller.abort());
    await failure;`],
  ['a server that is gone', `
    await new SlipwayClient({ baseUrl: 'http://127.0.0.1:9', patienceMs: 0 }).workflows().catch(() => {});`],
]) {
  test(`nothing keeps a process alive after ${what}`, { timeout: 30_000 }, async (context) => {
    const { stub } = await setUp(context);
    const source = `import { SlipwayClient } from '${MODULE}';
      const client = new SlipwayClient({ baseUrl: '${stub.url}' });
      ${script}
      const left = process.getActiveResourcesInfo().filter((name) => name === 'Timeout');
      console.log(left.length);`;
    const parameters = ['--input-type=module', '--eval', source];
    const child = spawn(process.execPath, parameters, { stdio: ['ignore', 'pipe', 'inherit'] });
    context.after(() => child.kill());
    const closed = once(child, 'close');
    const output = (await child.stdout.setEncoding('utf8').toArray()).join('');
    assert.deepEqual([...(await closed)], [0, null]);
    assert.equal(output, '0\n');
  });
}

function withResolvers() {
  let resolve;
  const promise = new Promise((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
