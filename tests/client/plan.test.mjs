// A run that is followed, and another client's that takes its place: its result is never given as one's own.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { ProblemError, SlipwayClient } from '../../client/slipway.js';
import { failureOf, fakeClock } from './support.mjs';

// A server whose step `plan` (or any other) has one run at a time. `polled` is called before each poll is answered, and
// may put another client's run in the place of ours with `place`.
function server(polled) {
  let run = { runId: null, status: 'idle' };
  let runs = 0;
  const seen = { posts: 0, polls: 0 };
  const place = (text, status = 'done') => {
    run = { runId: `run-${(runs += 1)}`, status, output: { text }, error: null };
    return run;
  };
  const answer = (status, content) =>
    new Response(JSON.stringify(content), { status, headers: { 'content-type': 'application/json' } });
  const shown = () => ({ workflowId: 'site', appId: 'acme', actionId: 'plan', version: 1, nextPollMs: 5, ...run });
  const fetch = async (_url, { method, body }) => {
    if (method === 'GET') {
      polled(seen, { place, end: () => { run.status = 'done'; } });
      seen.polls += 1;
      return answer(200, shown());
    }
    seen.posts += 1;
    if (run.status === 'running')
      return answer(409, { class: 'run_conflict', detail: 'It is already running.', current: shown() });
    place(JSON.parse(body).inputs.whose, 'running');
    return answer(202, shown());
  };
  return { seen, client: new SlipwayClient({ baseUrl: 'http://127.0.0.1', fetch, clock: fakeClock() }) };
}

const inputs = { whose: 'ours' };

test("another client's plan in the place of ours is waited for, and ours made again", async () => {
  const { seen, client } = server(({ polls }, { place, end }) => {
    if (polls === 0) place('theirs', 'running');
    if (polls > 2) end();
  });
  assert.deepEqual(await client.plan('site', 'acme', { inputs }), { text: 'ours' });
  assert.equal(seen.posts, 2);
});

test('a plan while another one is running has its turn after that', async () => {
  const { seen, client } = server(({ polls }, { end }) => { if (polls > 1) end(); });
  const both = [client.plan('site', 'acme', { inputs: { whose: 'first' } }), client.plan('site', 'acme', { inputs })];
  assert.deepEqual((await Promise.all(both)).map(({ text }) => text).sort(), ['first', 'ours']);
  assert.ok(seen.posts >= 3);
});

test('after some plans that others took the place of, the error names the run that stands there', async () => {
  const { seen, client } = server((_, { place }) => place('theirs'));
  const error = await failureOf(client.plan('site', 'acme', { inputs }));
  assert.ok(error instanceof ProblemError);
  assert.equal(error.class, 'run_conflict');
  assert.match(error.message, /"plan" of "acme" again: the run run-\d+ is in the place of run-\d+/);
  assert.equal(error.message.includes(error.current.runId), true);
  assert.equal(seen.posts, 5);
});

test("another client's run of a step is never the result of the one that was triggered", async () => {
  for (const status of ['running', 'done', 'error']) {
    const { seen, client } = server(({ polls }, { place, end }) => (polls === 0 ? place('theirs', status) : end()));
    const error = await failureOf(client.triggerAndPollAction('site', 'acme', 'repo', { inputs }));
    assert.deepEqual([error.name, error.class, error.current.status], ['ProblemError', 'run_conflict', status]);
    assert.ok(error.remedy.text);
    assert.equal(seen.posts, 1, 'a trigger changes things, and is not sent again by itself');
  }
});
