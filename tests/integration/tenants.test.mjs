// Twenty tenants that have apps, workflows, configuration and secrets of the same names, under load at the same time:
// nothing of one stands in another's keys, responses, events or log lines, and nobody can name what another has.
//
// covers: src/store/keys.c src/store/scripts/run.lua src/store/scripts/changes.lua src/api/target.c
// covers: src/api/route_workers.c
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Api } from '../harness/api.mjs';
import { TESTER } from '../harness/redis.mjs';
import { build, until } from './stack.mjs';

const tenants = Array.from({ length: 20 }, (_, i) => ({ name: `tenant${i}x`, mark: `mark${i}x`, runs: new Set() }));
const APPS = ['docs', 'blog'];

let folder;
let api;
let worker;
before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'slipway-tenants-'));
  const keys = path.join(folder, 'keys');
  const made = spawnSync(path.join(build, 'slipway'), ['key', keys], { encoding: 'utf8' }).stdout;
  api = await Api.start({ flags: ['--log-level', 'debug', '--secrets-public-key', made.trim().split('=')[1]] });
  worker = spawn(path.join(build, 'slipway-worker'), ['--config', '/dev/null', '--executors', '3',
    ...api.redis.flags('slipway-worker'), '--secrets-keys-file', keys],
  { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env.PATH } });
  worker.log = '';
  worker.stderr.on('data', (bytes) => { worker.log += bytes; });
  worker.ended = new Promise((resolve) => { worker.once('exit', resolve); });
  for (const tenant of tenants) tenant.token = api.token('admin', { tenant: tenant.name }).text;
});
after(async () => {
  worker.kill('SIGTERM');
  await worker.ended;
  await api.stop();
  rmSync(folder, { recursive: true, force: true });
});

const redis = (...words) => api.redis.cli(TESTER, ...words);
const post = async (tenant, mode, appId, rest = {}) => {
  const answer = await api.post(tenant.token, { mode, appId, ...rest });
  for (const [, run] of answer.text.matchAll(/"runId":\s*"([0-9a-f]{32})"/g)) tenant.runs.add(run);
  return answer;
};
const poll = async (tenant, app) => {
  const answer = await api.get(tenant.token, `/api/deploy?appId=${app}&workflowId=hello`);
  for (const { runId } of answer.body.actions) if (runId) tenant.runs.add(runId);
  return answer;
};
const tagOf = (answer) => /^ETag: (.*?)\r?$/mi.exec(answer.head)[1];
const ended = (tenant, app, status = 'done') => until(async () => {
  const answer = await poll(tenant, app);
  return answer.body.deployment?.status === status && answer;
}, `${app} of ${tenant.name} is ${status}`);

async function deploy(tenant) {
  const { mark } = tenant;
  const stored = await post(tenant, 'configure', 'docs',
    { config: { place: mark }, env: { PLACE: mark }, secrets: { KEY: `secret of ${mark}` } });
  assert.equal(stored.status, 200, stored.text);
  // What needs another app is there first: its need is one of its own tenant's, which nobody has asked for yet.
  const blog = await post(tenant, 'start', 'blog',
    { workflowId: 'hello', inputs: { greet: { text: 'from ${app.docs.hello.greet.text}' } } });
  assert.equal(blog.status, 202, blog.text);
  const docs = await post(tenant, 'start', 'docs', { workflowId: 'hello', inputs: { greet: { text: mark } } });
  assert.equal(docs.status, 202, docs.text);
  await ended(tenant, 'docs');
  const { body } = await ended(tenant, 'blog');
  assert.equal(body.actions[0].output.text, `from ${mark}`);
}

// All that a tenant may read.
async function readAll(tenant) {
  const paths = ['/api/apps', '/api/workers', '/api/workflows', '/metrics', ...APPS.flatMap((app) => [
    `/api/deploy?appId=${app}&workflowId=hello`,
    ...['', '/deployments', '/history', '/resources', '/events', '/users'].map((rest) => `/api/apps/${app}${rest}`)])];
  const answers = await Promise.all(paths.map((one) => api.get(tenant.token, one)));
  answers.forEach((answer, i) => assert.equal(answer.status, 200, `${paths[i]}: ${answer.text}`));
  return answers.map((answer) => answer.text).join('\n');
}

function assertOwn(text, tenant, what) {
  for (const other of tenants) {
    if (other === tenant) continue;
    for (const word of [other.name, other.mark]) {
      assert.ok(!text.includes(word), `${what} of ${tenant.name} has ${word}: ${text}`);
    }
  }
}

test('each gets what is its own, under the same names and at the same time', async () => {
  await Promise.all(tenants.map(deploy));
  const texts = await Promise.all(tenants.map(readAll));
  texts.forEach((text, i) => {
    assertOwn(text, tenants[i], 'what is read');
    assert.ok(text.includes(tenants[i].mark));
    assert.ok(!text.includes(tenants[i].name), 'no response names the tenant');
  });
});

// Each tenant does all of this at the same time as the others, and no response may have a word of theirs.
const ROUNDS = 3;
async function load(tenant) {
  const { mark } = tenant;
  const inputs = (i) => ({ greet: { text: `${mark} ${i}` } });
  const asks = (i) => [
    post(tenant, 'configure', 'load', { config: { place: `${mark} ${i}` }, env: { PLACE: mark },
      secrets: { KEY: `hidden ${mark} ${i}` } }),
    post(tenant, 'trigger', `load-${i}`, { workflowId: 'hello', actionId: 'greet', inputs: inputs(i) }),
    post(tenant, 'start', 'load', { workflowId: 'hello', inputs: inputs(i), replace: true }),
    post(tenant, 'validate', 'load', { workflowId: 'hello', inputs: { greet: { wrong: mark } } }),
    post(tenant, 'cancel', `load-${i}`, { workflowId: 'hello', actionId: 'greet', runId: 'f'.repeat(32) }),
    poll(tenant, 'load'),
    api.get(tenant.token, '/api/deploy?appId=load&workflowId=hello&wait=1', { 'if-none-match': '"none"' }),
    ...['/api/apps', '/api/apps/load/events', '/api/apps/load/history', '/api/workers', '/metrics']
      .map((uri) => api.get(tenant.token, uri)),
  ];
  let own = 0; // responses that have a word of the tenant: so what others would see of it is looked for
  for (let i = 0; i < ROUNDS; i += 1) {
    for (const answer of await Promise.all(asks(i))) {
      assertOwn(answer.head + answer.text, tenant, 'a response');
      assert.ok(!answer.text.includes('hidden'), answer.text);
      assert.ok(answer.status < 500, answer.text);
      own += answer.text.includes(mark) ? 1 : 0;
    }
  }
  assert.ok(own >= 2 * ROUNDS, `${own} responses have a word of ${tenant.name}`);
}

test('under load no response has a word of another tenant, and no secret is anywhere', async () => {
  await Promise.all(tenants.map(load));
  await until(() => redis('ZCARD', 'slipway:{0}:live') === '0', 'all runs have ended');
  const texts = await Promise.all(tenants.map(readAll));
  texts.forEach((text, i) => assertOwn(text, tenants[i], 'what is read'));
  const metrics = (await api.get(tenants[0].token, '/metrics')).text;
  assert.doesNotMatch(metrics, /tenant\d+x|mark\d+x|load|docs/, 'no label is of a tenant');
});

test('what one does to its apps changes nothing of those of others, and wakes nobody who waits there', async () => {
  const [one, ...others] = tenants;
  const before = await Promise.all(others.map((tenant) => poll(tenant, 'docs')));
  // For as long as nothing changes, however long a slow machine takes for what follows.
  const hold = async ({ token }, tag) => {
    const answer = await api.get(token, '/api/deploy?appId=docs&workflowId=hello&wait=25', { 'if-none-match': tag });
    return answer.status === 304 ? hold({ token }, tag) : answer;
  };
  const held = before.map((answer, i) => hold(others[i], tagOf(answer)));
  assert.equal((await post(one, 'trigger', 'docs',
    { workflowId: 'hello', actionId: 'greet', inputs: { greet: { text: 'anew' } }, force: true })).status, 202);
  await post(one, 'start', 'docs', { workflowId: 'hello', inputs: { greet: { text: 'stopped' } }, replace: true });
  await post(one, 'cancel', 'docs', { workflowId: 'hello' });
  await post(one, 'configure', 'docs', { config: { place: 'elsewhere' }, secrets: { KEY: null } });
  await post(one, 'retry', 'docs', { workflowId: 'hello' });
  const runs = async () => (await poll(one, 'docs')).body.actions.some((step) => step.status === 'running');
  await until(async () => !(await runs()), 'it is over');
  const after = await Promise.all(others.map((tenant) => poll(tenant, 'docs')));
  after.forEach((answer, i) => assert.equal(tagOf(answer), tagOf(before[i])));
  // Each waits still, until its own tenant does something.
  for (const tenant of others) {
    const skipped = await post(tenant, 'trigger', 'docs',
      { workflowId: 'hello', actionId: 'greet', inputs: { greet: { text: `${tenant.mark} again` } } });
    assert.equal(skipped.status, 202, skipped.text);
  }
  const answers = await Promise.all(held);
  answers.forEach((answer, i) => {
    assert.equal(answer.status, 200);
    assertOwn(answer.text, others[i], 'what was held');
  });
  const seen = JSON.parse(answers[0].text).actions[0];
  assert.ok(others[0].runs.has(seen.runId));
});

test('nobody can name what another tenant has, and what he has not looks as what nobody has', async () => {
  const [one, other] = tenants;
  await post(other, 'trigger', 'theirs',
    { workflowId: 'hello', actionId: 'greet', inputs: { greet: { text: other.mark } } });
  await until(async () => (await poll(other, 'theirs')).body.actions[0].status === 'done', 'it is done');
  const alike = async (ask) => {
    const answers = await Promise.all(['theirs', 'nobodys'].map(async (app) => {
      const answer = await ask(app);
      const text = answer.text.replaceAll(app, 'APP').replace(/[0-9a-f]{32}/g, 'ID');
      return [answer.status, text.replace(/\d{4}-\d\d-\d\dT[^"]+/g, 'AT')];
    }));
    assert.deepEqual(answers[0], answers[1]);
  };
  for (const rest of ['', '/deployments', '/history', '/resources', '/events', '/users']) {
    await alike((app) => api.get(one.token, `/api/apps/${app}${rest}`));
  }
  await alike((app) => api.get(one.token, `/api/deploy?appId=${app}&workflowId=hello`));
  await alike((app) => post(one, 'cancel', app, { workflowId: 'hello' }));
  await alike((app) => post(one, 'trigger', 'looks', { workflowId: 'hello', actionId: 'greet',
    inputs: { greet: { text: `\${app.${app}.hello.greet.text}` } } }));
  for (const name of [`${other.name}:docs`, `../${other.name}/docs`, `${other.name}/docs`, `:${other.name}`]) {
    assert.equal((await post(one, 'poll', name, { workflowId: 'hello' })).status, 400, name);
    const refused = await post(one, 'trigger', 'looks', { workflowId: 'hello', actionId: 'greet',
      inputs: { greet: { text: `\${app.${name}.hello.greet.text}` } } });
    assert.ok(refused.status >= 400 && refused.status < 500, refused.text);
  }
});

test('each key is of one tenant and has nothing of another; so is each log line about a run', () => {
  const keys = redis('KEYS', 'slipway:{0}:*').split('\n');
  for (const key of keys.filter((name) => /:(app|apps|shared|users|untold|ready|tenant):tenant/.test(name))) {
    const tenant = tenants.find((one) => key.includes(`:${one.name}`));
    const commands = { hash: ['HGETALL', key], list: ['LRANGE', key, '0', '-1'], stream: ['XRANGE', key, '-', '+'],
      zset: ['ZRANGE', key, '0', '-1'], string: ['GET', key] };
    const text = redis(...commands[redis('TYPE', key)]);
    assertOwn(text, tenant, key);
    assert.ok(!text.includes('hidden '), `${key} has a secret`);
  }
  const listed = redis('ZRANGE', 'slipway:{0}:tenants', '0', '-1').split('\n');
  assert.deepEqual(listed.sort(), tenants.map((one) => one.name).sort());
  const lines = (api.log + worker.log).split('\n').filter((line) => / run=[0-9a-f]{32}/.test(line));
  assert.ok(lines.length > tenants.length);
  for (const line of (api.log + worker.log).split('\n')) {
    assert.ok(!line.includes('hidden '), line);
    const tenant = tenants.find(({ name }) => line.includes(` tenant=${name} `));
    if (tenant !== undefined) assertOwn(line, tenant, 'a log line');
  }
  for (const tenant of tenants) {
    for (const line of lines.filter((one) => tenant.runs.has(/ run=([0-9a-f]{32})/.exec(one)[1]))) {
      if (/ app=/.test(line)) assert.match(line, new RegExp(` tenant=${tenant.name} `));
      assertOwn(line, tenant, 'a log line');
    }
  }
});

test('verify finds nothing wrong with any of them', () => {
  const found = spawnSync(path.join(build, 'slipway'), ['verify', ...api.redis.flags('slipway-verify')],
    { encoding: 'utf8' });
  assert.equal(found.status, 0, found.stdout + found.stderr);
});
