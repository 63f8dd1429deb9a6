import { test } from 'node:test';
import assert from 'node:assert/strict';
import { ActionError, ProblemError, runWorkflow } from '../../client/slipway.js';
import { FAILED, failureOf, setUp } from './support.mjs';
import { SITE } from './stub.mjs';

function triggered(stub) {
  return stub.of('trigger').map(({ fields }) => fields.actionId);
}

test('triggers in the order of the needs and resolves with all statuses', async (context) => {
  const { stub } = await setUp(context);
  stub.scripts.repo = [{ status: 'done', output: { name: 'docs' } }];
  const statuses = await runWorkflow('site', 'acme', { baseUrl: stub.url, pollMs: 5 });
  assert.deepEqual(Object.keys(statuses), ['repo', 'project', 'webhook', 'deploy']);
  assert.ok(Object.values(statuses).every((status) => status.status === 'done'));
  assert.deepEqual(statuses.repo.output, { name: 'docs' });
  const order = triggered(stub);
  assert.deepEqual([order[0], order[3]], ['repo', 'deploy']);
  assert.deepEqual(order.slice(1, 3).sort(), ['project', 'webhook']);
});

test('independent steps run side by side', async (context) => {
  const { stub, client } = await setUp(context);
  stub.scripts.project = [];
  stub.scripts.webhook = [];
  const controller = new AbortController();
  const failure = failureOf(client.runWorkflow('site', 'acme', { signal: controller.signal }));
  // Neither of them ever ends, so both can be seen only if neither waits for the other.
  await Promise.all(['project', 'webhook'].map((actionId) =>
    stub.seen(({ mode, fields }) => mode === 'poll' && fields.actionId === actionId)));
  controller.abort();
  await failure;
});

test('needs that are defined later are waited for as well', async (context) => {
  const workflow = { id: 'site', steps: [...SITE.steps].reverse() };
  const { stub, client } = await setUp(context, {}, { workflows: [workflow] });
  const statuses = await client.runWorkflow('site', 'acme');
  assert.deepEqual(Object.keys(statuses), ['deploy', 'webhook', 'project', 'repo']);
  assert.equal(triggered(stub)[0], 'repo');
  assert.equal(triggered(stub)[3], 'deploy');
});

test('onChange is called once a change', async (context) => {
  const { stub, client } = await setUp(context);
  stub.scripts.repo = [null, { phase: 'executing' }, null, { status: 'done' }];
  const seen = [];
  await client.runWorkflow('site', 'acme', { onChange: (status) => seen.push(`${status.actionId} ${status.version}`) });
  assert.deepEqual(seen.slice(0, 3), ['repo 1', 'repo 2', 'repo 3']);
  assert.equal(new Set(seen).size, seen.length);
  assert.equal(seen.length, 3 * 4);
});

test('each step gets its own input only', async (context) => {
  const { stub, client } = await setUp(context);
  await client.runWorkflow('site', 'acme', { inputs: { repo: { name: 'docs' }, project: { framework: 'none' } } });
  const sent = Object.fromEntries(stub.of('trigger').map(({ fields }) => [fields.actionId, fields.inputs]));
  assert.deepEqual(sent, {
    repo: { repo: { name: 'docs' } },
    project: { project: { framework: 'none' } },
    webhook: undefined,
    deploy: undefined,
  });
});

test('an input that no step reads is refused before anything starts', async (context) => {
  const { stub, client } = await setUp(context);
  const error = await failureOf(client.runWorkflow('site', 'acme', { inputs: { repos: {} } }));
  assert.deepEqual(error.errors.map(({ place }) => place), ['/inputs/repos']);
  assert.deepEqual(triggered(stub), []);
});

test('an input that is wrong in the last step is told with its place before the first is started', async (context) => {
  const { stub, client } = await setUp(context);
  const errors = [
    { actionId: 'project', place: '/inputs/project/name', message: 'It is missing.' },
    { actionId: 'deploy', place: '/inputs/deploy/branch', message: 'It has no such form.' },
  ];
  stub.fail('validate', { status: 422, body: { class: 'invalid_input', detail: '2 places are wrong.', errors } });
  const inputs = { deploy: { branch: '..' } };
  const error = await failureOf(client.runWorkflow('site', 'acme', { inputs }));
  assert.ok(error instanceof ProblemError);
  assert.deepEqual(error.errors, errors);
  assert.deepEqual(stub.of('validate').map(({ fields }) => fields.inputs), [inputs]);
  assert.deepEqual(triggered(stub), []);
});

test('a step that another client runs again meanwhile does not pass for ours', async (context) => {
  const { stub, client } = await setUp(context);
  const other = { runId: 'of another client', status: 'done' };
  stub.scripts.project = [{ phase: 'executing' }, other];
  const during = await failureOf(client.runWorkflow('site', 'acme'));
  assert.match(during.message, /Another client has run "project" of "acme" again/);
  assert.ok(!triggered(stub).includes('deploy'));
  // It was done, and the steps after it went on.
  stub.scripts = { repo: [{ status: 'done' }, other] };
  const later = await failureOf(client.runWorkflow('site', 'blog'));
  assert.match(later.message, /Another client has run "repo" of "blog" again/);
});

test('a failed step lets its siblings end and starts nothing that needs it', async (context) => {
  const { stub, client } = await setUp(context);
  stub.scripts.project = [FAILED];
  stub.scripts.webhook = [null, null, null, null, null, { status: 'done' }];
  const error = await failureOf(client.runWorkflow('site', 'acme'));
  assert.ok(error instanceof ActionError);
  assert.equal(error.status.actionId, 'project');
  assert.deepEqual(Object.entries(error.statuses).map(([id, { status }]) => [id, status]),
    [['repo', 'done'], ['project', 'error'], ['webhook', 'done']]);
  assert.deepEqual(Object.keys(error.failures), ['project']);
  assert.ok(!triggered(stub).includes('deploy'));
});

test('what does not need the failed step is still run', async (context) => {
  const announce = { id: 'announce', action: 'chat.message', inputKey: null, needs: ['webhook'], input: {} };
  const steps = [...SITE.steps, announce];
  const { stub, client } = await setUp(context, {}, { workflows: [{ id: 'site', steps }] });
  stub.scripts.project = [FAILED];
  const error = await failureOf(client.runWorkflow('site', 'acme'));
  assert.equal(error.statuses.announce.status, 'done');
});

test('a refused trigger fails the workflow in the same way, and a failed action goes before it', async (context) => {
  const { stub, client } = await setUp(context);
  stub.fail('trigger', { status: 422, body: { class: 'invalid_input', detail: 'Wrong.' } }, 'project');
  const told = [];
  const onFailure = (actionId, error) => told.push([actionId, error]);
  const refused = await failureOf(client.runWorkflow('site', 'acme', { onFailure }));
  assert.deepEqual(told, [['project', refused]]);
  assert.ok(refused instanceof ProblemError);
  assert.equal(refused.statuses.webhook.status, 'done');
  assert.deepEqual(Object.keys(refused.failures), ['project']);

  stub.fail('trigger', { status: 422 }, 'project');
  stub.scripts.webhook = [FAILED];
  const failed = await failureOf(client.runWorkflow('site', 'acme', { force: true }));
  assert.ok(failed instanceof ActionError);
  assert.deepEqual(Object.keys(failed.failures).sort(), ['project', 'webhook']);
});

test('a second run goes on where the first one failed', async (context) => {
  const { stub, client } = await setUp(context);
  stub.scripts.project = (run) => (run === 1 ? [FAILED] : [{ status: 'done' }]);
  await failureOf(client.runWorkflow('site', 'acme'));
  const statuses = await client.runWorkflow('site', 'acme');
  assert.equal(statuses.repo.reused, true);
  assert.deepEqual([statuses.repo.runId, statuses.project.runId], ['run-1', 'run-2']);
});

test('an unknown workflow', async (context) => {
  const { client } = await setUp(context);
  assert.match((await failureOf(client.runWorkflow('sight', 'acme'))).message, /no workflow "sight"/);
});

test('steps that can never start are named, and nothing is started', async (context) => {
  const steps = [
    { id: 'first', action: 'x.y', inputKey: null, needs: [], input: {} },
    { id: 'hen', action: 'x.y', inputKey: null, needs: ['egg'], input: {} },
    { id: 'egg', action: 'x.y', inputKey: null, needs: ['hen'], input: {} },
    { id: 'lost', action: 'x.y', inputKey: null, needs: ['nothing'], input: {} },
  ];
  const { stub, client } = await setUp(context, {}, { workflows: [{ id: 'farm', steps }] });
  assert.match((await failureOf(client.runWorkflow('farm', 'acme'))).message, /hen, egg, lost/);
  assert.deepEqual(triggered(stub), []);
});

test('a listener that throws ends the run with its error', async (context) => {
  const { client } = await setUp(context);
  const reason = new Error('in the listener');
  const onChange = () => {
    throw reason;
  };
  assert.equal(await failureOf(client.runWorkflow('site', 'acme', { onChange })), reason);
});
