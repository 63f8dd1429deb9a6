import { test } from 'node:test';
import assert from 'node:assert/strict';
import { ActionError, ProblemError, SlipwayError, triggerAndPollAction } from '../../client/slipway.js';
import { FAILED, failureOf, fakeClock, setUp, waitsOf } from './support.mjs';
import { problem } from './stub.mjs';

function problemBody(status, className, more) {
  return problem(status, className, `It is ${className}.`, more).content;
}

test('resolves with the status once done', async (context) => {
  const { stub, client } = await setUp(context);
  stub.scripts.repo = [{ phase: 'executing' }, { status: 'done', output: { url: 'https://example.com/' } }];
  const status = await client.triggerAndPollAction('site', 'acme', 'repo', { inputs: { repo: { name: 'docs' } } });
  assert.equal(status.status, 'done');
  assert.deepEqual(status.output, { url: 'https://example.com/' });
  assert.deepEqual(stub.of('trigger')[0].fields, {
    mode: 'trigger', workflowId: 'site', appId: 'acme', actionId: 'repo', inputs: { repo: { name: 'docs' } },
  });
  assert.equal(stub.of('poll')[0].method, 'GET');
});

test('the free function makes its client from the options', async (context) => {
  const { stub } = await setUp(context);
  const options = { baseUrl: `${stub.url}/`, token: 'slp_secret', pollMs: 5, force: true };
  const status = await triggerAndPollAction('site', 'acme', 'repo', options);
  assert.equal(status.status, 'done');
  assert.ok(stub.requests.every((request) => request.headers.authorization === 'Bearer slp_secret'));
  assert.equal(stub.of('trigger')[0].fields.force, true);
  assert.match(stub.of('trigger')[0].fields.triggerId, /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/);
});

test('a result that is there already needs no poll', async (context) => {
  const { stub, client } = await setUp(context);
  await client.triggerAndPollAction('site', 'acme', 'repo');
  const polls = stub.of('poll').length;
  const status = await client.triggerAndPollAction('site', 'acme', 'repo');
  assert.equal(status.reused, true);
  assert.equal(stub.of('poll').length, polls);
});

test('rejects with an ActionError when the action fails', async (context) => {
  const { stub, client } = await setUp(context);
  stub.scripts.repo = [FAILED];
  const error = await failureOf(client.triggerAndPollAction('site', 'acme', 'repo'));
  assert.ok(error instanceof ActionError && error instanceof SlipwayError);
  assert.equal(error.name, 'ActionError');
  assert.equal(error.message, FAILED.error.message);
  assert.equal(error.status.status, 'error');
  assert.equal(error.retryable, false);
  assert.deepEqual(error.error, FAILED.error);
});

test('a status word of the future is a kind of running', async (context) => {
  const { stub, client } = await setUp(context);
  stub.scripts.repo = [{ status: 'reviewing' }, { status: 'done' }];
  assert.equal((await client.triggerAndPollAction('site', 'acme', 'repo')).status, 'done');
});

test('a run that the server forgot does not last for ever', async (context) => {
  const { stub, client } = await setUp(context);
  stub.scripts.repo = [{ status: 'idle', runId: null }];
  const error = await failureOf(client.triggerAndPollAction('site', 'acme', 'repo'));
  assert.equal(error.name, 'SlipwayError');
  assert.match(error.message, /no longer knows/);
});

test('onChange hears of changes, onStatus of every answer', async (context) => {
  const { stub, client } = await setUp(context);
  stub.scripts.repo = [null, { phase: 'executing' }, null, null, { status: 'done' }];
  const changes = [];
  const answers = [];
  await client.triggerAndPollAction('site', 'acme', 'repo', {
    onChange: (status) => changes.push(status.phase ?? status.status),
    onStatus: (status) => answers.push(status.version),
  });
  assert.deepEqual(changes, ['queued', 'executing', 'done']);
  assert.deepEqual(answers, [1, 1, 2, 2, 2, 3]);
});

test('polls as a server hints that cannot wait, after it has refused to', async (context) => {
  const clock = fakeClock();
  const { stub, client } = await setUp(context, { clock, pollMs: undefined }, { waits: 'refused' });
  stub.scripts.repo = [{ nextPollMs: 7000 }, { nextPollMs: 0 }, { nextPollMs: 3 }, { status: 'done' }];
  await client.triggerAndPollAction('site', 'acme', 'repo');
  assert.deepEqual(clock.sleeps, [10, 2000, 20]);
  assert.deepEqual(waitsOf(stub), [undefined, '25', undefined, undefined, undefined]);
});

test("the caller's own pollMs goes before the hint", async (context) => {
  const clock = fakeClock();
  const { stub, client } = await setUp(context, { clock, pollMs: 50 });
  stub.scripts.repo = [{ nextPollMs: 7000 }, { status: 'done' }];
  await client.triggerAndPollAction('site', 'acme', 'repo', { pollMs: 30 });
  assert.deepEqual(clock.sleeps, [30, 30]);
  await client.triggerAndPollAction('site', 'acme', 'repo', { force: true });
  assert.deepEqual(clock.sleeps.slice(2), [50, 50]);
});

test("the caller's own triggerId is sent as it is, forced or not", async (context) => {
  const { stub, client } = await setUp(context);
  await client.trigger('site', 'acme', 'repo', { triggerId: 'mine-1' });
  await client.trigger('site', 'acme', 'repo', { triggerId: 'mine-2', force: true });
  assert.deepEqual(stub.of('trigger').map(({ fields }) => fields.triggerId), ['mine-1', 'mine-2']);
});

test('a forced trigger that is sent again is known again, and another one is another', async (context) => {
  const clock = fakeClock();
  const { stub, client } = await setUp(context, { clock });
  stub.fail('trigger', { status: 503, body: problemBody(503, 'outcome_unknown') });
  await client.trigger('site', 'acme', 'repo', { force: true });
  await client.trigger('site', 'acme', 'repo', { force: true });
  const ids = stub.of('trigger').map((request) => request.fields.triggerId);
  assert.equal(ids.length, 3);
  assert.equal(ids[0], ids[1]);
  assert.notEqual(ids[1], ids[2]);
});

for (const mode of ['trigger', 'poll']) {
  for (const status of [429, 503]) {
    test(`${mode}: ${status} with Retry-After in seconds`, async (context) => {
      const clock = fakeClock();
      const { stub, client } = await setUp(context, { clock });
      stub.fail(mode, { status, headers: { 'Retry-After': '17' }, body: problemBody(status, 'rate_limited') });
      await client.triggerAndPollAction('site', 'acme', 'repo');
      assert.deepEqual(clock.sleeps.filter((milliseconds) => milliseconds !== 5), [17_000]);
    });

    test(`${mode}: ${status} with Retry-After as a date`, async (context) => {
      const clock = fakeClock();
      const { stub, client } = await setUp(context, { clock });
      // The server's clock is years off: only the difference counts.
      const headers = { Date: 'Sun, 06 Nov 1994 08:49:37 GMT', 'Retry-After': 'Sun, 06 Nov 1994 08:50:07 GMT' };
      stub.fail(mode, { status, headers, body: problemBody(status, 'rate_limited') });
      await client.triggerAndPollAction('site', 'acme', 'repo');
      assert.deepEqual(clock.sleeps.filter((milliseconds) => milliseconds !== 5), [30_000]);
    });
  }
}

for (const [what, value] of [
  ['nonsense', 'in 5 minutes'],
  ['zero', '0'],
  ['the past', 'Sun, 06 Nov 1994 08:49:37 GMT'],
]) {
  test(`Retry-After: ${what} leaves the choice to us`, async (context) => {
    const clock = fakeClock();
    const { stub, client } = await setUp(context, { clock, pollMs: 1000 });
    stub.fail('trigger', { status: 503, headers: { 'Retry-After': value } });
    await client.trigger('site', 'acme', 'repo');
    assert.equal(clock.sleeps.length, 1);
    assert.ok(clock.sleeps[0] >= 500 && clock.sleeps[0] <= 1000);
  });
}

test('what fails in passing while polling is not a failure of the action', async (context) => {
  const { stub, client } = await setUp(context);
  const retries = [];
  stub.fail('poll', { cut: true });
  stub.fail('poll', { cut: 'body' });
  stub.fail('poll', { status: 502, headers: { 'Content-Type': 'text/html' }, body: '<h1>Bad Gateway</h1>' });
  stub.fail('poll', { status: 503, body: problemBody(503, 'unavailable') });
  stub.fail('poll', { status: 504 });
  stub.fail('poll', { status: 200, headers: { 'Content-Type': 'text/html' }, body: '<h1>Welcome to the hotel</h1>' });
  const status = await client.triggerAndPollAction('site', 'acme', 'repo', { onRetry: (retry) => retries.push(retry) });
  assert.equal(status.status, 'done');
  assert.deepEqual(retries.map(({ error }) => error.status), [undefined, undefined, 502, 503, 504, undefined]);
  assert.match(retries[2].error.message, /^The server responded with 502 \(Bad Gateway\)/);
});

test('gives up when failures outlast the patience', async (context) => {
  const clock = fakeClock();
  const { stub, client } = await setUp(context, { clock, pollMs: 1000, patienceMs: 20_000 });
  await client.trigger('site', 'acme', 'repo');
  for (let count = 0; count < 50; count += 1) {
    stub.fail('poll', { status: 502, body: '<h1>Bad Gateway</h1>' });
  }
  const error = await failureOf(client.poll('site', 'acme', 'repo'));
  assert.equal(error.name, 'SlipwayError');
  assert.equal(error.cause.status, 502);
  assert.equal(Math.round(clock.now()), 20_000);
  assert.ok(clock.sleeps.length < 10, 'backs off');
});

test('success in between renews the patience', async (context) => {
  const clock = fakeClock();
  const { stub, client } = await setUp(context, { clock, pollMs: 1000, patienceMs: 5000 });
  stub.scripts.repo = [null, null, null, null, { status: 'done' }];
  const poll = client.poll.bind(client);
  client.poll = (...parameters) => {
    stub.fail('poll', { cut: true });
    stub.fail('poll', { cut: true });
    return poll(...parameters);
  };
  assert.equal((await client.triggerAndPollAction('site', 'acme', 'repo')).status, 'done');
  assert.ok(clock.now() > 5000);
});

test('a wait longer than the patience is granted if the server asks for it', async (context) => {
  const clock = fakeClock();
  const { stub, client } = await setUp(context, { clock, patienceMs: 1000 });
  stub.fail('trigger', { status: 429, headers: { 'Retry-After': '600' } });
  assert.equal((await client.trigger('site', 'acme', 'repo')).status, 'running');
  assert.deepEqual(clock.sleeps, [600_000]);
});

test('a budget is waited for, unless it is used up for longer than the patience', async (context) => {
  const clock = fakeClock();
  const { stub, client } = await setUp(context, { clock });
  stub.fail('trigger', { status: 429, headers: { 'Retry-After': '40' }, body: problemBody(429, 'over_budget') });
  assert.equal((await client.trigger('site', 'acme', 'repo')).status, 'running');
  assert.deepEqual(clock.sleeps, [40_000]);
  stub.fail('trigger', { status: 429, headers: { 'Retry-After': '40000' }, body: problemBody(429, 'over_budget') });
  const error = await failureOf(client.trigger('site', 'acme', 'repo'));
  assert.equal(error.class, 'over_budget');
  assert.equal(error.retryAfterMs, 40_000_000);
  assert.deepEqual(clock.sleeps, [40_000]);
});

test('without patience the first failure is the answer', async (context) => {
  const { stub, client } = await setUp(context, { patienceMs: 0 });
  stub.fail('trigger', { status: 503, body: problemBody(503, 'unavailable') });
  const error = await failureOf(client.trigger('site', 'acme', 'repo'));
  assert.ok(error instanceof ProblemError);
  assert.equal(error.class, 'unavailable');
});

test('a trigger of unknown outcome is sent again and starts nothing twice', async (context) => {
  const { stub, client } = await setUp(context);
  stub.fail('trigger', { late: true, status: 503, body: problemBody(503, 'outcome_unknown') });
  stub.fail('trigger', { late: true, cut: true });
  const status = await client.triggerAndPollAction('site', 'acme', 'repo');
  assert.equal(status.runId, 'run-1');
  assert.equal(stub.of('trigger').length, 3);
});

test('a request without an answer is cut off and sent again', async (context) => {
  const { stub, client } = await setUp(context, { requestTimeoutMs: 20 });
  stub.fail('poll', { hang: true });
  assert.equal((await client.triggerAndPollAction('site', 'acme', 'repo')).status, 'done');
});

test('4xx rejects at once with all that the problem document says', async (context) => {
  const { stub, client } = await setUp(context);
  const more = {
    errors: [{ place: '/inputs/repo/owner', message: 'must be a string' }],
    remedy: { text: 'Give the name of an owner.' },
  };
  stub.fail('trigger', { status: 422, body: problemBody(422, 'invalid_input', more) });
  const error = await failureOf(client.triggerAndPollAction('site', 'acme', 'repo'));
  assert.ok(error instanceof ProblemError && error instanceof SlipwayError);
  const { name, status, class: className, title, detail, errors, remedy, retryable } = error;
  assert.deepEqual({ name, status, className, title, detail, retryable }, {
    name: 'ProblemError', status: 422, className: 'invalid_input', title: 'invalid_input',
    detail: 'It is invalid_input.', retryable: false,
  });
  assert.deepEqual({ errors, remedy }, more);
  assert.equal(stub.requests.length, 1);
});

test('needs_not_done names the needs', async (context) => {
  const { client } = await setUp(context);
  const error = await failureOf(client.trigger('site', 'acme', 'deploy'));
  assert.deepEqual(error.needs, ['project', 'webhook']);
});

for (const [what, body] of [['HTML', '<h1>Forbidden</h1>'], ['nothing', ''], ['an array', '[]'], ['null', 'null'],
  ['wrong types', '{"title":1,"detail":[],"errors":"x","remedy":"y"}']]) {
  test(`4xx with ${what} for a body is a ProblemError still`, async (context) => {
    const { stub, client } = await setUp(context);
    stub.fail('poll', { status: 403, body });
    const error = await failureOf(client.poll('site', 'acme', 'repo'));
    assert.ok(error instanceof ProblemError);
    assert.equal(error.status, 403);
    assert.equal(error.class, null);
    assert.deepEqual(error.errors, []);
    assert.equal(error.remedy, null);
    assert.ok(error.message.includes('403'));
  });
}

test('a redirect is not followed', async (context) => {
  const { stub, client } = await setUp(context);
  stub.fail('trigger', { status: 302, headers: { Location: 'https://login.example.com/' } });
  const error = await failureOf(client.trigger('site', 'acme', 'repo'));
  assert.match(error.message, /redirects to https:\/\/login\.example\.com\//);
});
