// Polls that wait for a change at the server, and what a client does where that is not possible.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { SlipwayClient } from '../../client/slipway.js';
import { FAILED, failureOf, fakeClock, setUp, waitsOf } from './support.mjs';

const withClock = { pollMs: undefined };

test('whoever follows an action asks once and then waits for each change', async (context) => {
  const clock = fakeClock();
  const { stub, client } = await setUp(context, { clock, ...withClock });
  stub.scripts.repo = [null, null, null, { phase: 'executing' }, null, null, { status: 'done' }];
  const changes = [];
  await client.triggerAndPollAction('site', 'acme', 'repo', {
    onChange: (status) => changes.push(status.phase ?? status.status),
  });
  assert.deepEqual(changes, ['queued', 'executing', 'done']);
  assert.deepEqual(waitsOf(stub), [undefined, '25', '25']);
  assert.ok(clock.sleeps.every((milliseconds) => milliseconds <= 10), `${clock.sleeps}`);
});

test('whoever follows a workflow does too, from its first poll on', async (context) => {
  const clock = fakeClock();
  const { stub, client } = await setUp(context, { clock, ...withClock });
  stub.scripts.repo = [null, null, { phase: 'executing' }, { status: 'done', output: {} }];
  const statuses = await client.runWorkflow('site', 'acme');
  assert.equal(statuses.deploy.status, 'done');
  assert.equal(waitsOf(stub)[0], undefined);
  assert.ok(waitsOf(stub).slice(1).every((wait) => wait === '25'));
  assert.ok(clock.sleeps.every((milliseconds) => milliseconds <= 10), `${clock.sleeps}`);
});

test('what another poll of the same client has seen meanwhile is not waited for', async (context) => {
  let meanwhile;
  const clock = { ...fakeClock(), sleep: async () => { meanwhile = await client.poll('site', 'acme', 'repo'); } };
  const { stub, client } = await setUp(context, { clock, ...withClock });
  stub.scripts.repo = [null, { status: 'done' }];
  const status = await client.triggerAndPollAction('site', 'acme', 'repo');
  assert.equal(meanwhile.status, 'done');
  assert.equal(status, meanwhile);
  assert.deepEqual(waitsOf(stub), [undefined, undefined, undefined]);
});

test('an action that fails meanwhile is told at once', async (context) => {
  const { stub, client } = await setUp(context, withClock);
  stub.scripts.repo = [null, null, FAILED];
  const error = await failureOf(client.triggerAndPollAction('site', 'acme', 'repo'));
  assert.equal(error.name, 'ActionError');
});

test('a server that answers the same at once is asked as it hints, and may wait again later', async (context) => {
  const clock = fakeClock();
  const { stub, client } = await setUp(context, { clock, ...withClock }, { waits: 'ignored' });
  stub.scripts.repo = [{ nextPollMs: 700 }, null, null, { status: 'done' }];
  await client.triggerAndPollAction('site', 'acme', 'repo');
  assert.deepEqual(clock.sleeps, [10, 700, 700]);
  assert.deepEqual(waitsOf(stub), [undefined, '25', '25', '25']);
});

test("whoever chose how often to ask is not made to wait", async (context) => {
  const clock = fakeClock();
  const { stub, client } = await setUp(context, { clock, pollMs: 50 });
  await client.triggerAndPollAction('site', 'acme', 'repo');
  assert.ok(waitsOf(stub).every((wait) => wait === undefined));
});

test('a wait that is cut off is no failure: it is asked without waiting, and nobody is told', async (context) => {
  const clock = fakeClock();
  const { stub, client } = await setUp(context, { clock, ...withClock });
  await client.trigger('site', 'acme', 'repo');
  await client.poll('site', 'acme', 'repo');
  for (const fault of [{ cut: true }, { status: 504, body: '' }, { status: 503, body: '{}' }, { cut: 'body' }]) {
    stub.fail('poll', fault);
    await client.poll('site', 'acme', 'repo', { waitMs: 25000, patienceMs: 0, onRetry: () => assert.fail('told') });
  }
  assert.deepEqual(waitsOf(stub).slice(1), ['25', undefined, '25', undefined, '25', undefined, '25', undefined]);
  assert.deepEqual(clock.sleeps, []);
});

test('where something in between cuts long waits off, they become shorter', async (context) => {
  let time = 0;
  const clock = { ...fakeClock(), now: () => time };
  const waits = [];
  const answer = () => new Response('{"status":"running"}', { headers: { ETag: '"x"' } });
  const fetch = async (address) => {
    const wait = new URL(address).searchParams.get('wait');
    waits.push(wait);
    if (wait === null) return answer();
    time += Math.min(Number(wait) * 1000, 10_000);
    return Number(wait) > 10 ? new Response('', { status: 504 }) : new Response(null, { status: 304 });
  };
  const client = new SlipwayClient({ baseUrl: 'http://x', clock, fetch });
  for (let polls = 0; polls < 4; polls += 1) await client.poll('site', 'acme', 'repo', { waitMs: 25000 });
  assert.deepEqual(waits, [null, '25', null, '12', null, '6']);
});

test('a poll waits only for what it knows, and no longer than the request may take', async (context) => {
  const { stub, client } = await setUp(context, { requestTimeoutMs: 8000 });
  await client.poll('site', 'acme', 'repo', { waitMs: 25000 });
  await client.poll('site', 'acme', 'repo', { waitMs: 25000 });
  await client.poll('site', 'acme', 'repo', { waitMs: 2500 });
  await client.poll('site', 'acme', 'repo', { waitMs: 900 });
  await client.poll('site', 'acme', 'repo');
  assert.deepEqual(waitsOf(stub), [undefined, '3', '2', undefined, undefined]);
  const short = await setUp(context, { requestTimeoutMs: 5500 });
  await short.client.poll('site', 'acme', 'repo');
  await short.client.poll('site', 'acme', 'repo', { waitMs: 25000 });
  assert.deepEqual(waitsOf(short.stub), [undefined, undefined]);
});

test('whoever aborts a wait gets an answer at once', async (context) => {
  const { stub, client } = await setUp(context);
  await client.poll('site', 'acme', 'repo');
  stub.fail('poll', { hang: true });
  const controller = new AbortController();
  const polled = client.poll('site', 'acme', 'repo', { waitMs: 25000, signal: controller.signal });
  await stub.seen(({ fields }) => fields.wait === '25');
  controller.abort(new Error('enough'));
  assert.equal((await failureOf(polled)).message, 'enough');
  assert.equal(stub.of('poll').length, 2);
});
