import { test } from 'node:test';
import assert from 'node:assert/strict';
import { SlipwayClient, triggerAndPollAction } from '../../client/slipway.js';
import { failureOf, setUp } from './support.mjs';
import { SITE } from './stub.mjs';

test('polls with the ETag of the last answer, and takes 304 for unchanged', async (context) => {
  const { stub, client } = await setUp(context);
  stub.scripts.repo = [null, null, { phase: 'executing' }];
  await client.trigger('site', 'acme', 'repo');
  const answers = [];
  for (let count = 0; count < 3; count += 1) {
    answers.push(await client.poll('site', 'acme', 'repo'));
  }
  assert.equal(answers[1], answers[0]);
  assert.notEqual(answers[2], answers[1]);
  assert.equal(answers[2].phase, 'executing');
  assert.deepEqual(stub.of('poll').map(({ headers }) => headers['if-none-match']), [undefined, '"v1"', '"v1"']);
});

test('the ETag of one action is not sent for another', async (context) => {
  const { stub, client } = await setUp(context);
  await client.poll('site', 'acme', 'repo');
  await client.poll('site', 'other', 'repo');
  await client.poll('site', 'acme');
  assert.ok(stub.of('poll').every(({ headers }) => headers['if-none-match'] === undefined));
});

test('without an action polls the whole workflow, in the order of its steps', async (context) => {
  const { stub, client } = await setUp(context);
  const answer = await client.poll('site', 'acme');
  assert.deepEqual(answer.actions.map((status) => status.actionId), SITE.steps.map((step) => step.id));
  assert.ok(answer.actions.every((status) => status.status === 'idle'));
  assert.deepEqual(stub.of('poll')[0].fields, { appId: 'acme', workflowId: 'site' });
  assert.equal(await client.poll('site', 'acme'), answer);
});

test('ids are escaped in the address', async (context) => {
  const { stub, client } = await setUp(context);
  await client.poll('site', 'a&actionId=b c', 'repo');
  assert.deepEqual(stub.of('poll')[0].fields, { appId: 'a&actionId=b c', workflowId: 'site', actionId: 'repo' });
});

test('lists the workflows', async (context) => {
  const { client } = await setUp(context);
  assert.deepEqual(await client.workflows(), [SITE]);
});

test('configure merges, and gives what is stored', async (context) => {
  const { stub, client } = await setUp(context);
  await client.configure('acme', { inputs: { repo: { name: 'docs', owner: 'acme' } }, secrets: { KEY: 'hidden' } });
  const stored = await client.configure('acme', { inputs: { repo: { owner: null } } });
  assert.deepEqual(stored.inputs, { repo: { name: 'docs' } });
  assert.deepEqual(stored.secrets, ['KEY']);
  assert.deepEqual(Object.keys(stub.of('configure')[1].fields), ['mode', 'appId', 'inputs']);
});

test('cancel ends what runs', async (context) => {
  const { client, stub } = await setUp(context);
  const { runId } = await client.trigger('site', 'acme', 'repo');
  assert.equal((await client.cancel('site', 'acme', 'repo', { runId })).error.class, 'cancelled');
  assert.equal(stub.of('cancel')[0].fields.runId, runId);
});

test('a base that cannot work is refused at once', async () => {
  assert.throws(() => new SlipwayClient({ baseUrl: 'ftp://example.com' }), TypeError);
  assert.throws(() => new SlipwayClient({ baseUrl: 'example.com' }), TypeError);
  assert.throws(() => new SlipwayClient(), /baseUrl is needed/);
  assert.ok((await failureOf(triggerAndPollAction('site', 'acme', 'repo'))) instanceof TypeError);
});

test('a base may have a path, and a fetch of its own may take relative addresses', async () => {
  const addresses = [];
  const fetch = async (address) => {
    addresses.push(address);
    return new Response('{"workflows":[]}');
  };
  await new SlipwayClient({ fetch }).workflows();
  await new SlipwayClient({ fetch, baseUrl: '/slipway/' }).workflows();
  await new SlipwayClient({ fetch, baseUrl: 'https://example.com/slipway//' }).workflows();
  const path = '/api/workflows';
  assert.deepEqual(addresses, [path, `/slipway${path}`, `https://example.com/slipway${path}`]);
});
