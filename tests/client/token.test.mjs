// The token of a client: a text, or a function that is asked when one is needed, and once more when it was refused.
import test from 'node:test';
import assert from 'node:assert/strict';
import { SlipwayClient } from '../../client/slipway.js';

const json = (status, content) => new Response(JSON.stringify(content), { status,
  headers: { 'content-type': status === 200 ? 'application/json' : 'application/problem+json' } });

// A server that takes the tokens of the list only; `seen` is what it was sent.
function server(valid) {
  const seen = [];
  const fetch = async (url, { headers }) => {
    seen.push(headers.get('authorization'));
    const token = seen.at(-1)?.slice('Bearer '.length);
    return valid.includes(token) ? json(200, { workflows: [] }) : json(401, { class: 'unauthorized', title: 'No' });
  };
  return { seen, fetch };
}

// A function that gives these one after another, the last one for good; `asked` counts.
function giver(...tokens) {
  const give = async () => {
    give.asked += 1;
    const next = tokens[Math.min(give.asked, tokens.length) - 1];
    if (next instanceof Error) throw next;
    return next;
  };
  give.asked = 0;
  return give;
}

const client = (fetch, token, more = {}) =>
  new SlipwayClient({ baseUrl: 'https://x.example', fetch, token, patienceMs: 0, ...more });

test('a text is sent with each request; none is sent where there is none', async () => {
  const { seen, fetch } = server(['a']);
  await client(fetch, 'a').workflows();
  await assert.rejects(client(fetch, undefined).workflows(), { status: 401 });
  await assert.rejects(client(fetch, '').workflows(), { status: 401 });
  assert.deepEqual(seen, ['Bearer a', null, null]);
});

test('a refused text is not sent again', async () => {
  const { seen, fetch } = server([]);
  await assert.rejects(client(fetch, 'a', { patienceMs: 1000 }).workflows(), { status: 401 });
  assert.equal(seen.length, 1);
});

test('a function is asked once, for all requests', async () => {
  const give = giver('a');
  const { seen, fetch } = server(['a']);
  const one = client(fetch, give);
  await Promise.all([one.workflows(), one.workflows()]);
  await one.workflows();
  assert.equal(give.asked, 1);
  assert.deepEqual(seen, ['Bearer a', 'Bearer a', 'Bearer a']);
});

test('where what it gave is refused it is asked once more, once for all that wait', async () => {
  const give = giver('old', 'new');
  const { seen, fetch } = server(['new']);
  const one = client(fetch, give);
  await Promise.all([one.workflows(), one.workflows(), one.workflows()]);
  assert.equal(give.asked, 2);
  await one.workflows();
  assert.equal(give.asked, 2);
  assert.deepEqual(seen.slice(-1), ['Bearer new']);
});

test('where the next one is refused too, that is the answer', async () => {
  const give = giver('old', 'older');
  const { seen, fetch } = server([]);
  await assert.rejects(client(fetch, give).workflows(), { status: 401, class: 'unauthorized' });
  assert.deepEqual(seen, ['Bearer old', 'Bearer older']);
  const same = giver('old');
  const again = server([]);
  await assert.rejects(client(again.fetch, same).workflows(), { status: 401 });
  assert.deepEqual(again.seen, ['Bearer old']);
});

test('where the function fails the request does, with its reason; the next request asks it again', async () => {
  const reason = new Error('my server is away');
  const give = giver(reason, 'a');
  const { seen, fetch } = server(['a']);
  const one = client(fetch, give);
  await assert.rejects(one.workflows(), (error) => error.name === 'SlipwayError' && error.cause === reason);
  assert.deepEqual(seen, []);
  await one.workflows();
  assert.deepEqual(seen, ['Bearer a']);
});

test('within its patience the client asks a failing function again', async () => {
  const give = giver(new Error('away'), new Error('away'), 'a');
  const { seen, fetch } = server(['a']);
  await client(fetch, give, { patienceMs: 60_000, pollMs: 1 }).workflows();
  assert.deepEqual(seen, ['Bearer a']);
});

test('a function that fails while two requests wait for it fails both, and leaves nothing unhandled', async () => {
  const give = giver('old', new Error('away'));
  const { fetch } = server([]);
  const one = client(fetch, give);
  const results = await Promise.allSettled([one.workflows(), one.workflows()]);
  assert.deepEqual(results.map(({ status }) => status), ['rejected', 'rejected']);
});
