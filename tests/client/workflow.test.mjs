import { test } from 'node:test';
import assert from 'node:assert/strict';
import { ActionError, ProblemError, SlipwayError, runWorkflow, watchWorkflow } from '../../client/slipway.js';
import { FAILED, failureOf, setUp } from './support.mjs';

test('starts it once, and resolves with all statuses in the order of the steps', async (context) => {
  const { stub } = await setUp(context);
  stub.scripts.repo = [{ status: 'done', output: { name: 'docs' } }];
  const inputs = { repo: { name: 'docs' } };
  const after = [{ appId: 'first', workflowId: 'site' }];
  const statuses = await runWorkflow('site', 'acme', { baseUrl: stub.url, pollMs: 5, inputs, after, startId: 's-1' });
  assert.deepEqual(Object.keys(statuses), ['repo', 'project', 'webhook', 'deploy']);
  assert.ok(Object.values(statuses).every((status) => status.status === 'done'));
  assert.deepEqual(statuses.repo.output, { name: 'docs' });
  assert.deepEqual(stub.requests.filter(({ method }) => method === 'POST').map(({ fields }) => fields),
    [{ mode: 'start', workflowId: 'site', appId: 'acme', inputs, after, startId: 's-1' }]);
});

test('a start whose answer is lost is sent again, and makes one deployment', async (context) => {
  const { stub, client } = await setUp(context);
  stub.fail('start', { cut: true, late: true });
  const deployments = new Set();
  await client.runWorkflow('site', 'acme', { onDeployment: ({ deploymentId }) => deployments.add(deploymentId) });
  const ids = stub.of('start').map(({ fields }) => fields.startId);
  assert.equal(ids.length, 2);
  assert.equal(ids[0], ids[1]);
  assert.equal(deployments.size, 1);
});

test('two that start the same watch one deployment', async (context) => {
  const { stub, client } = await setUp(context);
  const seen = [new Set(), new Set()];
  const both = await Promise.all(seen.map((ids) =>
    client.runWorkflow('site', 'acme', { onDeployment: ({ deploymentId }) => ids.add(deploymentId) })));
  assert.deepEqual(seen.map((ids) => [...ids]), [['deployment-1'], ['deployment-1']]);
  assert.deepEqual(both.map(({ deploy }) => deploy.runId), ['run-1', 'run-1']);
  assert.equal(stub.of('start').length, 2);
});

test('other inputs are refused while it is live, and replace it where that is asked for', async (context) => {
  const { stub, client } = await setUp(context);
  stub.scripts.project = (run) => (run === 1 ? [] : [{ status: 'done' }]);
  const first = failureOf(client.runWorkflow('site', 'acme', { inputs: { repo: { name: 'one' } } }));
  await stub.seen(({ mode }) => mode === 'poll');
  const inputs = { repo: { name: 'two' } };
  const refused = await failureOf(client.runWorkflow('site', 'acme', { inputs }));
  assert.ok(refused instanceof ProblemError);
  assert.deepEqual([refused.class, refused.current.deploymentId], ['run_conflict', 'deployment-1']);
  const statuses = await client.runWorkflow('site', 'acme', { inputs, replace: true });
  assert.equal(statuses.deploy.status, 'done');
  assert.match((await first).message, /Another client has started "site" for "acme" with other inputs/);
});

test('started anew with the same inputs, it is watched on', async (context) => {
  const { stub, client } = await setUp(context);
  stub.scripts.project = (run) => (run === 1 ? [null, null, FAILED] : [{ status: 'done' }]);
  const seen = new Set();
  let again;
  const statuses = await client.runWorkflow('site', 'acme', {
    onDeployment: ({ deploymentId }) => seen.add(deploymentId),
    // Before the first one learns that it has failed.
    onFailure: () => {},
    onChange: ({ actionId, runId }) => {
      if (actionId === 'webhook' && runId === 'run-1') again ??= stub.restart('acme', 'site');
    },
  });
  assert.deepEqual([...seen], ['deployment-1', 'deployment-2']);
  assert.equal(statuses.project.runId, 'run-2');
});

test('onChange is called once a change, onStatus with every answer', async (context) => {
  const { stub, client } = await setUp(context);
  stub.scripts.repo = [null, { phase: 'executing' }, null, { status: 'done' }];
  const changes = [];
  let answers = 0;
  await client.runWorkflow('site', 'acme', {
    onChange: (status) => changes.push(`${status.actionId} ${status.version}`),
    onStatus: () => { answers += 1; },
  });
  const versions = changes.filter((change) => change.startsWith('repo '));
  assert.deepEqual(versions, ['repo 1', 'repo 2', 'repo 3']);
  assert.equal(new Set(changes).size, changes.length);
  assert.equal(answers, 4 * stub.of('poll').length);
});

test('an input that is wrong is told with its place, and nothing is started', async (context) => {
  const { stub, client } = await setUp(context);
  const unknown = await failureOf(client.runWorkflow('site', 'acme', { inputs: { repos: {} } }));
  assert.deepEqual(unknown.errors.map(({ place }) => place), ['/inputs/repos']);
  const errors = [
    { actionId: 'project', place: '/inputs/project/name', message: 'It is missing.' },
    { actionId: 'deploy', place: '/inputs/deploy/branch', message: 'It has no such form.' },
  ];
  stub.fail('start', { status: 422, body: { class: 'invalid_input', detail: '2 places are wrong.', errors } });
  const error = await failureOf(client.runWorkflow('site', 'acme', { inputs: { deploy: { branch: '..' } } }));
  assert.ok(error instanceof ProblemError);
  assert.deepEqual(error.errors, errors);
  assert.equal(stub.of('poll').length, 0);
});

test('a step that another client runs again meanwhile does not pass for ours', async (context) => {
  const { stub, client } = await setUp(context);
  const other = { runId: 'of another client', status: 'done' };
  stub.scripts.project = [{ phase: 'executing' }, other];
  const during = await failureOf(client.runWorkflow('site', 'acme'));
  assert.match(during.message, /Another client has run "project" of "acme" again/);
  // It was done, and the steps after it went on.
  stub.scripts = { repo: [{ status: 'done' }, other] };
  const later = await failureOf(client.runWorkflow('site', 'blog'));
  assert.match(later.message, /Another client has run "repo" of "blog" again/);
  // A result that a person gives is no run.
  stub.scripts = { repo: [{ status: 'done' }, { runId: 'by hand', reason: 'given', status: 'done' }] };
  assert.equal((await client.runWorkflow('site', 'hand')).deploy.status, 'done');
});

test('a step that was run alone when all was done already does not pass for ours', async (context) => {
  const { stub, client } = await setUp(context);
  stub.scripts.webhook = [{ status: 'done', deploymentId: undefined }];
  const error = await failureOf(client.runWorkflow('site', 'acme'));
  assert.match(error.message, /Another client has run "webhook" of "acme" again/);
});

test('a failed step lets its siblings end, and what needs it waits', async (context) => {
  const { stub, client } = await setUp(context);
  stub.scripts.project = [FAILED];
  stub.scripts.webhook = [null, null, null, null, null, { status: 'done' }];
  const told = [];
  const onFailure = (actionId, error) => told.push([actionId, error]);
  const error = await failureOf(client.runWorkflow('site', 'acme', { onFailure }));
  assert.ok(error instanceof ActionError);
  assert.equal(error.status.actionId, 'project');
  assert.deepEqual(told, [['project', error]]);
  assert.deepEqual(Object.entries(error.statuses).map(([id, { status, reason }]) => [id, status, reason]), [
    ['repo', 'done', null], ['project', 'error', null], ['webhook', 'done', null], ['deploy', 'running', 'need_failed'],
  ]);
  assert.deepEqual(Object.keys(error.failures), ['project']);
});

test('retried, it goes on where it failed', async (context) => {
  const { stub, client } = await setUp(context);
  stub.scripts.project = (run) => (run === 1 ? [FAILED] : [{ status: 'done' }]);
  await failureOf(client.runWorkflow('site', 'acme'));
  const { deploymentId } = await client.retry('site', 'acme');
  const statuses = await client.watchWorkflow('site', 'acme');
  assert.deepEqual([statuses.repo.runId, statuses.project.runId], ['run-1', 'run-2']);
  assert.ok(Object.values(statuses).every((status) => status.deploymentId === deploymentId));
});

test('watchWorkflow follows what another client started, starts nothing, and gives the outcome of an ended one', async (
  context,
) => {
  const { stub, client } = await setUp(context);
  const none = await failureOf(client.watchWorkflow('site', 'acme'));
  assert.match(none.message, /"acme" has no deployment of "site"/);
  const deployment = await client.start('site', 'acme', { inputs: { repo: { name: 'docs' } } });
  const seen = [];
  const statuses = await watchWorkflow('site', 'acme', { baseUrl: stub.url, pollMs: 5,
    onDeployment: ({ deploymentId, status }) => seen.push([deploymentId, status]) });
  assert.equal(statuses.deploy.status, 'done');
  assert.deepEqual([seen[0], seen.at(-1)],
    [[deployment.deploymentId, 'running'], [deployment.deploymentId, 'done']]);
  const polls = stub.of('poll').length;
  await client.watchWorkflow('site', 'acme');
  assert.ok(stub.of('poll').length <= polls + 2);
  assert.equal(stub.of('start').length, 1);
  // One with other inputs that takes its place is watched on: whichever is the latest.
  stub.scripts.project = [FAILED];
  await client.start('site', 'acme', { inputs: {} });
  assert.ok((await failureOf(client.watchWorkflow('site', 'acme'))) instanceof ActionError);
});

test('state that the server has lost ends the watching', async (context) => {
  const { stub, client } = await setUp(context);
  stub.scripts.repo = [];
  const failure = failureOf(client.runWorkflow('site', 'acme'));
  await stub.seen(({ mode }) => mode === 'poll');
  stub.forget();
  const error = await failure;
  assert.ok(error instanceof SlipwayError);
  assert.match(error.message, /no longer knows the deployment of "acme"/);
});

test('an unknown workflow', async (context) => {
  const { client } = await setUp(context);
  assert.match((await failureOf(client.runWorkflow('sight', 'acme'))).message, /no workflow "sight"/);
});

test('a listener that throws ends the watching with its error', async (context) => {
  const { client } = await setUp(context);
  const reason = new Error('in the listener');
  const onChange = () => {
    throw reason;
  };
  assert.equal(await failureOf(client.runWorkflow('site', 'acme', { onChange })), reason);
});
