// slipway destroy, where an app has much, where others start it at the same time, and where it is killed.
//
// covers: src/cli/command_destroy.c src/cli/removal_list.c src/cli/app_stop.c src/cli/session.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { Stack, build, slipway, until } from '../integration/stack.mjs';

let stack;
before(async () => { stack = await Stack.start(); });
after(() => stack.stop());

const key = (app, what) => `slipway:{0}:app:default:${app}:${what}`;
const destroy = (app, url = stack.url, ...more) => slipway('destroy', app, '--yes', '--url', url, ...more);
const resources = async (app) => (await stack.get(`/api/apps/${app}/resources?limit=200`)).body.resources;
const deploymentOf = async (app, workflow) =>
  (await stack.get(`/api/deploy?appId=${app}&workflowId=${workflow}`)).body.deployment;

// A site whose last step waits for long, so that its deployment stays live.
async function startSite(app, name = app) {
  const inputs = { repo: { owner: 'acme', name, fork: 'upstream/app-template' }, project: { name },
    env: { variables: [{ key: 'A', value: 'b', type: 'plain' }] },
    check: { url: `${stack.url}/nowhere`, within: 600 } };
  const { status, body } = await stack.post({ mode: 'start', appId: app, workflowId: 'site', inputs });
  assert.equal(status, 202, JSON.stringify(body));
  await stack.untilStatus(app, 'site', 'check', (step) => step.phase === 'waiting');
}

// A ledger of so many repositories that are gone at the provider.
async function fillLedger(app, count) {
  const rows = [];
  for (let i = 0; i < count; i += 1) {
    const name = `${app}-${String(i).padStart(3, '0')}`;
    rows.push(`github:repository:acme/${name}`,
      JSON.stringify({ id: String(9000000 + i), created: true, at: '2026-01-01T00:00:00Z', state: 'created' }));
  }
  await stack.redis('HSET', key(app, 'ledger'), ...rows);
  await stack.sign();
}

// Passes requests on, and calls `changed` before the response to a poll of a teardown that is done.
async function between(changed) {
  const seen = new Set();
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const answer = await fetch(`${stack.url}${request.url}`, { method: request.method,
      headers: { 'content-type': 'application/json' }, body: chunks.length > 0 ? Buffer.concat(chunks) : undefined });
    const text = await answer.text();
    if (request.method === 'GET' && request.url.includes('workflowId=teardown')) {
      const { deployment } = JSON.parse(text);
      if (deployment?.status === 'done' && !seen.has(deployment.deploymentId)) {
        seen.add(deployment.deploymentId);
        await changed(seen.size);
      }
    }
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') });
    response.end(text);
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

test('all that goes is shown, however much it is, and the question has the true number', async () => {
  await fillLedger('many', 300);
  const asked = await slipway('destroy', 'many', '--url', stack.url);
  assert.equal(asked.code, 64);
  const shown = new Set([...asked.stdout.matchAll(/^many: the repository acme\/(many-\d+) will be removed/gm)]
    .map(([, name]) => name));
  assert.equal(shown.size, 300);
  assert.match(asked.stdout, /^many: 300 will be removed, 0 kept$/m);
  assert.match(asked.stderr, /nothing was removed: give --yes to remove 300 resources of many where nobody/);
  const result = await destroy('many');
  assert.equal(result.code, 0, result.stdout + result.stderr);
  assert.match(result.stdout, /^many: 300 removed, 0 left$/m);
  assert.deepEqual(await resources('many'), []);
});

test('killed in between it goes on where it was, also twice at the same time, and then has nothing to do', async () => {
  await fillLedger('killed', 300);
  const child = spawn(path.join(build, 'slipway'), ['destroy', 'killed', '--yes', '--url', stack.url]);
  await until(async () => Number(await stack.redis('HLEN', key('killed', 'ledger'))) < 300, 'some is removed');
  child.kill('SIGKILL');
  const both = await Promise.all([destroy('killed'), destroy('killed')]);
  for (const result of both) assert.equal(result.code, 0, result.stdout + result.stderr);
  assert.deepEqual(await resources('killed'), []);
  const again = await destroy('killed');
  assert.equal(again.code, 0, again.stdout + again.stderr);
  assert.match(again.stdout, /^killed: there is nothing to remove\n/);
  assert.match(again.stdout, /^killed: 0 removed, 0 left$/m);
});

test('what another client makes meanwhile is found by another look, and removed', async () => {
  await stack.post({ mode: 'configure', appId: 'meanwhile', config: { a: 'b' } });
  const door = await between(async (time) => { if (time === 1) await startSite('meanwhile'); });
  const result = await destroy('meanwhile', door.url);
  door.close();
  assert.equal(result.code, 0, result.stdout + result.stderr);
  assert.match(result.stdout, /meanwhile: 0 removed, 0 left\nmeanwhile: cancelling site, which is being deployed\n/);
  assert.match(result.stdout, /meanwhile: looked again and found \d more: tearing down again\n/);
  assert.match(result.stdout, /meanwhile: 2 removed, 0 left\n$/);
  assert.deepEqual(await resources('meanwhile'), []);
  assert.notEqual((await deploymentOf('meanwhile', 'site')).status, 'running');
});

test('what is made again and again is named at the end, with exit status 1', async () => {
  await stack.post({ mode: 'configure', appId: 'forever', config: { a: 'b' } });
  const door = await between((time) => startSite('forever', `forever-${time}`));
  const result = await destroy('forever', door.url);
  door.close();
  assert.equal(result.code, 1, result.stdout + result.stderr);
  assert.match(result.stderr, /^forever: the repository acme\/forever-\d is there still$/m);
  assert.match(result.stderr, /'forever' is not gone: \d left/);
  assert.match(result.stderr, /forever: not destroyed yet/);
  assert.equal((await destroy('forever')).code, 0);
  assert.deepEqual(await resources('forever'), []);
});

test('what no teardown removes is named, and not tried for ever', async () => {
  const row = JSON.stringify({ id: '1', created: true, at: '2026-01-01T00:00:00Z', state: 'created' });
  await stack.redis('HSET', key('stays', 'ledger'), 'another:thing:one', row);
  await stack.sign();
  const result = await destroy('stays');
  assert.equal(result.code, 1, result.stdout + result.stderr);
  assert.match(result.stderr, /^stays: the thing one is there still$/m);
  assert.match(result.stderr, /The teardown does not remove them: do so by hand/);
});

test('a deployment of a workflow that only another build has is cancelled, too', async () => {
  await startSite('first');
  const { body } = await stack.post({ mode: 'start', appId: 'newer', workflowId: 'hello',
    inputs: { greet: { text: 'a' } }, after: [{ appId: 'first', workflowId: 'site' }] });
  for (const step of ['greet', 'repeat', '_deployment']) {
    await stack.redis('RENAME', key('newer', `hello:${step}`), key('newer', `blog:${step}`));
    await stack.redis('HSET', key('newer', `blog:${step}`), 'workflow', 'blog');
  }
  await stack.redis('HSET', key('newer', 'steps'), 'blog:greet', '1', 'blog:repeat', '1');
  assert.equal((await deploymentOf('newer', 'blog')).status, 'running');
  const result = await destroy('newer');
  assert.equal(result.code, 0, result.stdout + result.stderr);
  assert.match(result.stdout, /newer: cancelling blog, which is being deployed/);
  const deployment = await deploymentOf('newer', 'blog');
  assert.deepEqual([deployment.deploymentId, deployment.status, deployment.reason],
    [body.deploymentId, 'error', 'cancelled']);
  assert.equal((await destroy('first')).code, 0);
});

test('a step that was triggered alone is cancelled', async () => {
  await stack.trigger('alone', 'site', 'check', { inputs: { check: { url: `${stack.url}/nowhere`, within: 600 } },
    hold: true });
  await stack.untilStatus('alone', 'site', 'check', 'running');
  const result = await destroy('alone');
  assert.equal(result.code, 0, result.stdout + result.stderr);
  assert.equal((await stack.status('alone', 'site', 'check')).status, 'error');
});

test('an app whose name begins like the other\'s keeps all that it has', async () => {
  await startSite('docs');
  await startSite('docs-2');
  const before = await resources('docs-2');
  assert.ok(before.length >= 2);
  assert.equal((await destroy('doc')).code, 1);
  const result = await destroy('docs');
  assert.equal(result.code, 0, result.stdout + result.stderr);
  assert.deepEqual(await resources('docs'), []);
  assert.deepEqual(await resources('docs-2'), before);
  assert.equal((await deploymentOf('docs-2', 'site')).status, 'running');
  assert.equal((await destroy('docs-2')).code, 0);
});

test('an app that nobody has deployed is refused, and none is made by that', async () => {
  const { code, stdout, stderr } = await destroy('nosuchapp');
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /^slipway: there is no app 'nosuchapp'\n {2}what to do: 'slipway apps' lists the apps/);
  assert.equal((await stack.get('/api/apps/nosuchapp')).status, 404);
  assert.doesNotMatch((await slipway('apps', '--url', stack.url)).stdout, /nosuchapp/);
  // Without --yes, too.
  assert.equal((await slipway('destroy', 'nosuchapp', '--url', stack.url)).code, 1);
});

test('the apps of a file of which none was applied need no removal; those that were are removed', async () => {
  const file = path.join(stack.folder, 'never.yaml');
  await writeFile(file, 'apps: {never-1: {workflow: hello, inputs: {greet: {text: a}}}, ' +
    'never-2: {workflow: hello, inputs: {greet: {text: a}}}}\n');
  const never = await slipway('destroy', '-f', file, '--yes', '--url', stack.url);
  assert.equal(never.code, 0, never.stderr);
  assert.equal(never.stdout, 'never-2: there is nothing to remove: there is no such app\n' +
    'never-1: there is nothing to remove: there is no such app\n');
  await startSite('never-2');
  const half = await slipway('destroy', '-f', file, '--yes', '--url', stack.url);
  assert.equal(half.code, 0, half.stdout + half.stderr);
  assert.match(half.stdout, /^never-1: there is nothing to remove: there is no such app$/m);
  assert.match(half.stdout, /^never-2: 2 removed, 0 left$/m);
  assert.equal((await stack.get('/api/apps/never-1')).status, 404);
  assert.deepEqual(await resources('never-2'), []);
});
