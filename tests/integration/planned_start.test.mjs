// A start by the hash of a plan: it does what the plan says where the world is as the plan saw it; where it is not,
// nothing is made, and the error says what moved.
//
// covers: src/api/expectation.c src/api/plan_input.c src/action/dry_run_end.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Stack, slipway, until } from './stack.mjs';
import { SlipwayClient } from '../../client/slipway.js';

let stack;
let sample;
let client;

before(async () => {
  stack = await Stack.start();
  sample = JSON.parse(await readFile('conf/dev/sample.json', 'utf8'));
  client = new SlipwayClient({ baseUrl: stack.url });
});
after(() => stack.stop());

const inputsOf = (name, more = {}) => ({
  ...sample.inputs, repo: { ...sample.inputs.repo, name }, project: { name }, ...more,
});

async function configure(app, inputs = inputsOf(app)) {
  const config = { ...sample.config, checkUrl: `${stack.url}/healthz` };
  assert.equal((await stack.post({ ...sample, inputs, config, mode: 'configure', appId: app })).status, 200);
}

const planOf = (app) => client.plan('site', app);
const run = (app, hash, ...rest) =>
  slipway('run', 'site', '--app', app, '--plan', hash, '--url', stack.url, ...rest);
const start = (app, plan, more = {}) => stack.post({ mode: 'start', appId: app, workflowId: 'site', plan, ...more });

async function ended(app) {
  return until(async () => {
    const { body } = await stack.get(`/api/deploy?appId=${app}&workflowId=site`);
    return body.deployment && body.deployment.status !== 'running' && body;
  }, `the deployment of ${app} has ended`);
}

const stepOf = ({ actions }, id) => actions.find((one) => one.actionId === id);

/** Calls the stand-in for Vercel about the project of an app, as a person would. */
async function callVercel(app, method, version, rest = '', body) {
  const resources = ['resources', app, '--redis-url', `unix://${stack.folder}/redis.sock`, '--json'];
  const { id } = JSON.parse((await slipway(...resources)).stdout).find((one) => one.type === 'project');
  const words = (await readFile(`/proc/${await stack.daemon('slipway-worker')}/cmdline`, 'utf8')).split('\0');
  const url = `${words[words.indexOf('--vercel-url') + 1]}/${version}/projects/${id}${rest}?slug=acme`;
  const headers = { authorization: 'Bearer test_token_admin', 'content-type': 'application/json' };
  const response = await fetch(url, { method, headers, body: JSON.stringify(body) });
  assert.ok(response.ok, `${method} ${rest}: ${response.status}`);
  return response;
}

const deleteProject = (app) => callVercel(app, 'DELETE', 'v9');

async function setVariable(app, key, value) {
  const { envs } = await (await callVercel(app, 'GET', 'v10', '/env')).json();
  await callVercel(app, 'PATCH', 'v9', `/env/${envs.find((one) => one.key === key).id}`, { value });
}

test('where the world is as the plan saw it, the plan is carried out, and what it gave is not stale', async () => {
  await configure('as-seen');
  const { hash } = await planOf('as-seen');
  const { code, stdout, stderr } = await run('as-seen', hash);
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /^ *as-planned +done/m);
  const all = await ended('as-seen');
  assert.equal(all.deployment.status, 'done');
  assert.equal(all.actions.at(-1).actionId, 'as-planned');
  assert.equal(stepOf(all, 'as-planned').output.hash, hash);
  const looked = Date.parse(stepOf(all, 'as-planned').finishedAt);
  for (const { actionId, startedAt } of all.actions)
    assert.ok(actionId === 'as-planned' || startedAt === null || Date.parse(startedAt) >= looked, actionId);
  // Another plan is not what the steps were made of.
  await planOf('as-seen');
  const later = (await stack.get('/api/deploy?appId=as-seen&workflowId=site')).body;
  assert.deepEqual(later.actions.filter(({ stale }) => stale).map(({ actionId }) => actionId), []);
});

test('the same again by a new plan finds nothing to do; a start without a plan has no such step', async () => {
  const { hash, steps } = await planOf('as-seen');
  assert.equal(steps.find(({ id }) => id === 'repo').change, 'nothing');
  const seen = [];
  const onChange = ({ actionId, status }) => seen.push(`${actionId} ${status}`);
  const statuses = await client.runWorkflow('site', 'as-seen', { plan: hash, onChange });
  assert.equal(statuses['as-planned'].status, 'done');
  assert.ok(seen.includes('as-planned done'));
  const without = await client.runWorkflow('site', 'as-seen');
  assert.equal(without['as-planned'], undefined);
  assert.equal(Object.keys(without).length, 11);
});

test('a plan takes all of the file that a run takes, and stores nothing; the run by its hash starts', async () => {
  const variables = [{ key: 'NAME', value: '${config.siteName}', type: 'plain' },
    { key: 'TOKEN', value: '${secret.TOKEN}', type: 'encrypted' }];
  const inputs = { ...sample.inputs, repo: { ...sample.inputs.repo, name: 'by-file' }, project: { name: 'by-file' },
    env: { variables } };
  const config = { ...sample.config, siteName: 'From the file', checkUrl: `${stack.url}/healthz` };
  const file = path.join(stack.folder, 'by-file.json');
  const secrets = { TOKEN: 'a secret of the file' };
  await writeFile(file, JSON.stringify({ inputs, config, env: sample.env, secrets }));
  const asked = ['site', '--app', 'by-file', '--url', stack.url, '--input', file];
  const { code, stdout, stderr } = await slipway('plan', ...asked, '--json');
  assert.equal(code, 0, stdout + stderr);
  const stored = (await stack.post({ mode: 'configure', appId: 'by-file' })).body;
  assert.deepEqual([stored.inputs, stored.config, stored.secrets], [{}, {}, []]);
  const done = await slipway('run', ...asked, '--plan', JSON.parse(stdout).hash);
  assert.equal(done.code, 0, done.stdout + done.stderr);
});

test('a start by a plan is not forced: a step that keeps its result would run, which no plan said', async () => {
  const { hash } = await planOf('as-seen');
  const { deployment } = await client.poll('site', 'as-seen');
  const { status, body } = await start('as-seen', hash, { force: true });
  assert.equal(status, 400, JSON.stringify(body));
  assert.deepEqual([body.class, body.errors[0].place], ['invalid_request', '/force']);
  assert.match(body.remedy.text, /Leave out force/);
  const { code, stderr } = await run('as-seen', hash, '--force');
  assert.equal(code, 64);
  assert.match(stderr, /--force would run steps again/);
  assert.equal((await client.poll('site', 'as-seen')).deployment.deploymentId, deployment.deploymentId);
  assert.equal((await start('as-seen', hash, { force: false })).status, 202);
  await ended('as-seen');
});

test('what was deleted by hand since the plan ends the start before anything is made; a new plan goes', async () => {
  await configure('moved');
  const made = await slipway('run', 'site', '--app', 'moved', '--url', stack.url);
  assert.equal(made.code, 0, made.stdout + made.stderr);
  const { hash } = await planOf('moved');
  await deleteProject('moved');
  const { code, stdout } = await run('moved', hash);
  assert.equal(code, 1);
  assert.match(stdout, /the world has changed since the plan [0-9a-f]{12}: project: it was 'nothing' and is 'create'/);
  assert.match(stdout, /new plan/);
  const all = await ended('moved');
  assert.equal(all.deployment.status, 'error');
  const { error } = stepOf(all, 'as-planned');
  assert.equal(error.class, 'plan_changed');
  assert.equal(error.retryable, false);
  for (const { actionId, reason, startedAt } of all.actions)
    if (actionId !== 'as-planned') assert.deepEqual([reason, startedAt], ['need_failed', null], actionId);
  assert.equal((await planOf('moved')).steps.find(({ id }) => id === 'project').change, 'create', 'nothing was made');

  // To look at a new plan releases nothing: it is not what was agreed to.
  const still = await ended('moved');
  assert.equal(still.deployment.status, 'error');
  assert.equal(stepOf(still, 'project').reason, 'need_failed');
  // A retry looks again, with the same expectation.
  const again = await slipway('retry', 'moved', 'site', '--url', stack.url);
  assert.equal(again.code, 1, again.stdout);
  assert.equal(stepOf(await ended('moved'), 'as-planned').error.class, 'plan_changed');

  const next = await planOf('moved');
  assert.notEqual(next.hash, hash);
  const carried = await run('moved', next.hash);
  assert.equal(carried.code, 0, carried.stdout + carried.stderr);
});

test('other inputs than those of the plan are told as well', async () => {
  await configure('inputs');
  const { hash } = await planOf('inputs');
  await configure('inputs', inputsOf('inputs-renamed'));
  assert.equal((await start('inputs', hash)).status, 202);
  const all = await ended('inputs');
  assert.match(stepOf(all, 'as-planned').error.message, /repo: it is 'create' still, but otherwise/);
  assert.ok(all.actions.every(({ actionId, startedAt }) => actionId === 'as-planned' || startedAt === null));
  // A retry with the inputs of the plan finds what it saw, and goes on.
  const { repo, project } = inputsOf('inputs');
  await client.retry('site', 'inputs', { inputs: { repo, project } });
  const gone = await ended('inputs');
  assert.equal(gone.deployment.status, 'done', JSON.stringify(stepOf(gone, 'as-planned')));
  assert.equal(stepOf(gone, 'as-planned').status, 'done');
});

test('a hash that no plan has is refused with its place, and nothing is started', async () => {
  await configure('unplanned');
  for (const app of ['unplanned', 'as-seen']) {
    const { status, body } = await start(app, 'f'.repeat(64));
    assert.equal(status, 409);
    assert.equal(body.class, 'plan_changed');
    assert.equal(body.errors[0].place, '/plan');
    assert.match(body.remedy.text, /Plan again/);
  }
  // The plan of another app is none of this one.
  assert.equal((await start('unplanned', (await planOf('as-seen')).hash)).status, 409);
  for (const plan of ['', 'abc', 7, null, 'G'.repeat(64)]) {
    const { status, body } = await start('unplanned', plan);
    assert.deepEqual([status, body.errors[0].place], [400, '/plan'], String(plan));
  }
  const { body } = await stack.get('/api/deploy?appId=unplanned&workflowId=site');
  assert.equal(body.deployment, null);
});

const variables = (keys, value) => keys.map((key) => ({ key, value, type: 'plain' }));

test('behind the end of what a plan lists, and behind a difference that stays one, nothing moves unseen', async () => {
  const there = ['FIRST', 'A', 'B', 'C', 'LAST'];
  const all = ['FIRST', ...Array.from({ length: 65 }, (_, index) => `NEW_${index + 1}`), 'A', 'B', 'C', 'LAST'];
  const configureWith = (keys, value) =>
    configure('many', inputsOf('many', { env: { variables: variables(keys, value) } }));
  await configureWith(there, 'old');
  const made = await slipway('run', 'site', '--app', 'many', '--url', stack.url);
  assert.equal(made.code, 0, made.stdout + made.stderr);
  await configureWith(all, 'new');
  const first = await planOf('many');
  const env = first.steps.find(({ id }) => id === 'env');
  assert.deepEqual([env.differences.length, env.moreDifferences], [64, 6]);
  assert.equal(env.differences[0], 'FIRST is different');
  assert.equal((await planOf('many')).hash, first.hash);
  const { stdout } = await slipway('plan', 'site', '--app', 'many', '--url', stack.url);
  assert.match(stdout, /^ +NEW_63 does not exist\n +and 6 more$/m);
  for (const [key, value] of [['LAST', 'another'], ['LAST', 'new'], ['FIRST', 'another']]) {
    const { hash } = await planOf('many');
    await setVariable('many', key, value);
    assert.equal((await start('many', hash)).status, 202);
    const { error } = stepOf(await ended('many'), 'as-planned');
    assert.equal(error?.class, 'plan_changed', `${key}=${value}`);
    assert.match(error.message, /env: /);
  }
  const { hash } = await planOf('many');
  const carried = await run('many', hash);
  assert.equal(carried.code, 0, carried.stdout + carried.stderr);
});

test('two starts by one plan are one, also where somebody plans in between; another plan is another', async () => {
  await configure('twice');
  const { hash } = await planOf('twice');
  const body = { startId: 'only-once' };
  const [one, two] = await Promise.all([start('twice', hash, body), start('twice', hash, body)]);
  assert.deepEqual([one.status, two.status].sort(), [200, 202]);
  assert.equal(one.body.deploymentId, two.body.deploymentId);
  assert.equal((await ended('twice')).deployment.status, 'done');
  assert.notEqual((await planOf('twice')).hash, hash);
  const late = await start('twice', hash, body);
  assert.deepEqual([late.status, late.body.deploymentId], [200, one.body.deploymentId]);
  // Without its id it is a new start, of a plan that no longer fits.
  assert.equal((await start('twice', hash)).status, 202);
  const all = await ended('twice');
  assert.equal(stepOf(all, 'as-planned').error.class, 'plan_changed');
});

test('a retry does not look again where the world was as planned', async () => {
  await configure('later', inputsOf('later', { check: { url: `${stack.url}/healthz`, status: 299 } }));
  const { hash } = await planOf('later');
  const { status, body } = await start('later', hash);
  assert.equal(status, 202, JSON.stringify(body));
  await until(async () => {
    const { body: now } = await stack.get('/api/deploy?appId=later&workflowId=site');
    return stepOf(now, 'deployment').status === 'done';
  }, 'it is deployed');
  await client.cancel('site', 'later');
  const before = stepOf(await ended('later'), 'as-planned');
  const file = path.join(stack.folder, 'later.json');
  await writeFile(file, JSON.stringify({ inputs: { check: { status: 200 } } }));
  const { code, stdout, stderr } = await slipway('retry', 'later', 'site', '--input', file, '--url', stack.url);
  assert.equal(code, 0, stdout + stderr);
  const now = stepOf(await ended('later'), 'as-planned');
  assert.deepEqual([now.status, now.runId], ['done', before.runId]);
});

test('the step that looks cannot be triggered or given by hand', async () => {
  const target = { appId: 'twice', workflowId: 'site', actionId: 'as-planned' };
  for (const request of [{ mode: 'trigger' }, { mode: 'skip', output: {} }]) {
    const { status, body } = await stack.post({ ...target, ...request });
    assert.deepEqual([status, body.errors[0].place], [400, '/actionId']);
  }
});
