// Connections as runs use them: each tenant's own credential, the one that the app names, what becomes of a run whose
// connection is missing, replaced, expired or somebody else's, and what may be adopted and shared with it.
//
// covers: src/api/body_connections.c
import { test, before, after, beforeEach } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Api } from '../harness/api.mjs';
import { memoryOf } from '../harness/memory.mjs';
import { TESTER } from '../harness/redis.mjs';
import { Peer } from './peer.mjs';
import { build, executorsOf, until } from './stack.mjs';

const TOKENS = { one: 'ghp_the-token-of-one', two: 'ghp_the-token-of-two', second: 'ghp_another-token-of-one',
  settings: 'ghp_the-token-of-the-settings' };

let folder;
let api;
let worker;
let peer;
let publicKey;
const callers = {};
let valid;
let limited; // the token that is to wait

function startWorker(keys) {
  const token = path.join(folder, 'token');
  writeFileSync(token, `${TOKENS.settings}\n`, { mode: 0o600 });
  worker = spawn(path.join(build, 'slipway-worker'), ['--config', '/dev/null', '--executors', '2', '--log-level',
    'debug', '--github-url', peer.url, '--github-token-file', token, '--allow-loopback',
    'yes', '--github-write-spacing-ms', '0', ...api.redis.flags('slipway-worker'), '--secrets-keys-file', keys],
  { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env.PATH } });
  worker.log = '';
  worker.stderr.on('data', (bytes) => { worker.log += bytes; });
  worker.ended = new Promise((resolve) => { worker.once('exit', resolve); });
}

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'slipway-connections-'));
  const keys = path.join(folder, 'keys');
  const made = spawnSync(path.join(build, 'slipway'), ['key', keys], { encoding: 'utf8' }).stdout;
  publicKey = made.trim().split('=')[1];
  peer = await Peer.start();
  peer.intercept = (call, response) => {
    const token = call.headers.authorization?.slice('Bearer '.length);
    if (valid.has(token) && token !== limited) return false;
    if (!valid.has(token)) peer.send(response, 401, { message: 'Bad credentials' });
    else peer.send(response, 403, { message: 'You have exceeded a secondary rate limit.' }, { 'retry-after': '1' });
    return true;
  };
  api = await Api.start({ flags: ['--secrets-public-key', publicKey] });
  startWorker(keys);
  for (const tenant of ['one', 'two', 'default']) callers[tenant] = api.token('admin', { tenant }).text;
});
after(async () => {
  worker.kill('SIGTERM');
  await worker.ended;
  await api.stop();
  await peer.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  valid = new Set(Object.values(TOKENS));
  limited = undefined;
  for (const tenant of ['one', 'two', 'default']) {
    for (const { name } of list(tenant)) connection(['remove', name, '--tenant', tenant]);
  }
});

const connection = (words, input) => spawnSync(path.join(build, 'slipway'), ['connection', ...words, '--config',
  '/dev/null', ...api.redis.flags('slipway-admin')], { encoding: 'utf8', input, env: { PATH: process.env.PATH } });
const list = (tenant) => connection(['list', '--json', '--tenant', tenant]).stdout.split('\n').filter(Boolean)
  .map((line) => JSON.parse(line));

// What is found is the app's at once; a fork takes its time.
const add = (tenant, name, token, ...words) => addBare(tenant, name, token, '--adopt', ...words);

function addBare(tenant, name, token, ...words) {
  const made = connection(['add', name, '--tenant', tenant, '--provider', 'github', '--token-file', '-', '--owner', '*',
    '--secrets-public-key', publicKey, ...words], `${token}\n`);
  assert.equal(made.status, 0, made.stderr);
}

const post = (tenant, mode, appId, rest = {}) => api.post(callers[tenant], { mode, appId, ...rest });
const repo = (name, rest) => ({ repo: { owner: 'acme', name, fork: 'upstream/template', adopt: true, ...rest } });

// The run of a step that looks for a repository, which is there.
async function run(tenant, appId, name = appId, rest = {}, force = false) {
  peer.repositories.set(`acme/${name}`, peer.repository('acme', name, 'upstream/template'));
  const answer = await post(tenant, 'trigger', appId,
    { workflowId: 'site', actionId: 'repo', inputs: repo(name, rest), force });
  assert.equal(answer.status, 202, answer.text);
  return until(async () => {
    const { body } = await api.get(callers[tenant], `/api/deploy?appId=${appId}&workflowId=site&actionId=repo`);
    return body.status !== 'running' && body;
  }, `${appId} of ${tenant} ends`);
}

// The tokens that calls about a repository came with.
const tokensOf = (name) => [...new Set(peer.calls
  .filter((call) => call.path.includes(`/${name}`) || call.body.includes(`"${name}"`))
  .map((call) => call.headers.authorization.slice('Bearer '.length)))];

test('each tenant is served with its own credential, under the same names', async () => {
  add('one', 'main', TOKENS.one, '--default');
  add('two', 'main', TOKENS.two, '--default');
  const runs = await Promise.all([run('one', 'docs', 'docs-one'), run('two', 'docs', 'docs-two'),
    run('default', 'docs', 'docs-settings')]);
  assert.deepEqual(runs.map((run) => run.status), ['done', 'done', 'done'], JSON.stringify(runs));
  assert.deepEqual(tokensOf('docs-one'), [TOKENS.one]);
  assert.deepEqual(tokensOf('docs-two'), [TOKENS.two]);
  assert.deepEqual(tokensOf('docs-settings'), [TOKENS.settings]);
  for (const token of Object.values(TOKENS)) assert.ok(!worker.log.includes(token));
});

test('a tenant without a connection has none: not that of the settings, and none of another tenant', async () => {
  add('one', 'main', TOKENS.one, '--default');
  const ended = await run('two', 'alone');
  assert.equal(ended.status, 'error');
  assert.equal(ended.error.class, 'auth_missing');
  assert.match(JSON.stringify(ended.error.remedy), /slipway connection add NAME --tenant two --provider github/);
  assert.deepEqual(tokensOf('alone'), []);
  const settings = await post('two', 'configure', 'alone', { connections: { github: 'settings' } });
  assert.equal(settings.status, 422, settings.text);
});

test('another tenant\'s connection cannot be named, or told apart from none', async () => {
  add('one', 'theirs', TOKENS.one);
  const answers = await Promise.all(['theirs', 'nobodys'].map((name) =>
    post('two', 'configure', 'spy', { connections: { github: name } })));
  const texts = answers.map(({ status, text }, i) => `${status} ${text}`
    .replaceAll(['theirs', 'nobodys'][i], 'X').replace(/"(requestId|instance)":\s*"[^"]*"/g, ''));
  assert.equal(answers[0].status, 422, texts[0]);
  assert.match(texts[0], /\/connections\/github/);
  assert.equal(texts[0], texts[1]);
  // Nor by whoever writes to Redis what only requests may.
  for (const name of ['theirs', 'nobodys']) {
    await post('two', 'configure', name, { config: { a: 'b' } });
    api.redis.cli(TESTER, 'HSET', `slipway:{0}:app:two:${name}:payload`, 'connections',
      JSON.stringify({ github: name }));
  }
  const runs = await Promise.all(['theirs', 'nobodys'].map((name) => run('two', name)));
  const errors = runs.map((run, i) => JSON.stringify([run.error.class, run.error.message, run.error.remedy])
    .replaceAll(['theirs', 'nobodys'][i], 'X'));
  assert.equal(runs[0].error.class, 'auth_missing');
  assert.equal(errors[0], errors[1]);
  assert.deepEqual(tokensOf('theirs'), []);
});

test('an app uses the connection that it names, and its tenant\'s default where it names none any more', async () => {
  add('one', 'main', TOKENS.one, '--default');
  add('one', 'second', TOKENS.second);
  const named = await post('one', 'configure', 'picky', { connections: { github: 'second' } });
  assert.deepEqual(named.body.connections, { github: 'second' });
  assert.equal((await run('one', 'picky', 'picky-a')).status, 'done');
  assert.deepEqual(tokensOf('picky-a'), [TOKENS.second]);
  const freed = await post('one', 'configure', 'picky', { connections: { github: null } });
  assert.equal(freed.body.connections, undefined);
  assert.equal(freed.body.version, named.body.version + 1);
  let forks = 0;
  await until(async () => {
    forks += 1;
    assert.equal((await run('one', 'picky', `picky-b${forks}`)).status, 'done');
    return tokensOf(`picky-b${forks}`)[0] === TOKENS.one;
  }, 'what follows uses the default');
});

test('what names no provider, or is for other apps, is refused where it is configured', async () => {
  add('one', 'some', TOKENS.one, '--app', 'shop-*');
  const unknown = await post('one', 'configure', 'docs', { connections: { gitlab: 'some' } });
  assert.equal(unknown.status, 422);
  assert.match(unknown.text, /\/connections\/gitlab/);
  const number = await post('one', 'configure', 'docs', { connections: { github: 7 } });
  assert.equal(number.status, 400);
  const refused = await post('one', 'configure', 'docs', { connections: { github: 'some' } });
  assert.equal(refused.status, 403, refused.text);
  assert.match(refused.text, /slipway connection add some --tenant one --provider github --app APP --replace/);
  assert.equal((await post('one', 'configure', 'shop-1', { connections: { github: 'some' } })).status, 200);
  const vercel = await post('one', 'configure', 'shop-1', { connections: { vercel: 'some' } });
  assert.equal(vercel.status, 422);
  assert.match(vercel.text, /is for github/);
});

test('a default that is for other apps is refused to a run', async () => {
  add('one', 'some', TOKENS.one, '--default', '--app', 'shop-*');
  const ended = await run('one', 'outsider');
  assert.equal(ended.error.class, 'not_allowed', JSON.stringify(ended));
  assert.match(JSON.stringify(ended.error.remedy),
    /slipway connection add some --tenant one --provider github --app APP --replace/);
  assert.deepEqual(tokensOf('outsider'), []);
  assert.equal((await run('one', 'shop-2')).status, 'done');
});

test('a run that waits uses the connection as it is when it goes on; where it is gone, it ends so', async () => {
  add('one', 'main', TOKENS.one, '--default');
  limited = TOKENS.one;
  const waiting = run('one', 'waiter');
  await until(async () => tokensOf('waiter').length === 1, 'it has called');
  add('one', 'main', TOKENS.second, '--default', '--replace');
  const ended = await waiting;
  assert.equal(ended.status, 'done', JSON.stringify(ended));
  assert.deepEqual(tokensOf('waiter'), [TOKENS.one, TOKENS.second]);

  add('one', 'main', TOKENS.one, '--default', '--replace');
  const ending = run('one', 'leaver');
  await until(async () => tokensOf('leaver').length === 1, 'it has called');
  connection(['remove', 'main', '--tenant', 'one']);
  const left = await ending;
  assert.equal(left.error.class, 'auth_missing', JSON.stringify(left));
  assert.deepEqual(tokensOf('leaver'), [TOKENS.one]);
});

test('an expired token is told with its connection and the command that replaces it', async () => {
  add('one', 'main', 'ghp_a-token-that-has-expired', '--default');
  const ended = await run('one', 'late');
  assert.equal(ended.error.class, 'auth_expired', JSON.stringify(ended));
  assert.match(ended.error.message, /\(connection 'main'\)/);
  assert.match(JSON.stringify(ended.error.remedy),
    /slipway connection add main --tenant one --provider github --replace/);
  assert.ok(!worker.log.includes('ghp_a-token-that-has-expired'));
});

test('a record that was widened in Redis has no credential, and the run sends nothing', async () => {
  add('one', 'tight', TOKENS.one, '--app', 'none-*');
  const key = 'slipway:connection:one:tight';
  const record = JSON.parse(api.redis.cli(TESTER, 'HGET', key, 'record'));
  api.redis.cli(TESTER, 'HSET', key, 'record', JSON.stringify({ ...record, apps: ['*'] }));
  assert.equal((await post('one', 'configure', 'forger', { connections: { github: 'tight' } })).status, 200);
  const ended = await run('one', 'forger');
  assert.equal(ended.error.class, 'auth_missing', JSON.stringify(ended));
  assert.deepEqual(tokensOf('forger'), []);
});

test('to adopt and to share take rights of the connection', async () => {
  addBare('one', 'main', TOKENS.one, '--default');
  const refused = await run('one', 'taker', 'stood-a');
  assert.equal(refused.error?.class, 'not_allowed', JSON.stringify(refused));
  assert.match(refused.error.message, /may not adopt the repository acme\/stood-a/);
  assert.match(JSON.stringify(refused.error.remedy),
    /slipway connection add main --tenant one --provider github --adopt --replace/);
  addBare('one', 'main', TOKENS.one, '--default', '--replace', '--adopt');
  await until(async () => (await run('one', 'taker', 'stood-a', {}, true)).status === 'done', 'adopted');
  // What is its own needs no right from then on; that others have it, too, does.
  addBare('one', 'main', TOKENS.one, '--default', '--replace');
  const again = () => run('one', 'sharer', 'stood-b', { share: true }, true);
  assert.equal((await again()).error.class, 'not_allowed');
  addBare('one', 'main', TOKENS.one, '--default', '--replace', '--adopt');
  const shared = await until(async () => {
    const tried = await again();
    return /may not share/.test(tried.error.message) && tried;
  }, 'it may adopt');
  assert.match(JSON.stringify(shared.error.remedy),
    /slipway connection add main --tenant one --provider github --share --replace/);
  addBare('one', 'main', TOKENS.one, '--default', '--replace', '--adopt', '--share');
  await until(async () => (await again()).status === 'done', 'shared');
});

test('a plan looks with the connection, and says where there is none', async () => {
  add('one', 'main', TOKENS.one, '--default');
  const plan = async (tenant, appId) => {
    const answer = await post(tenant, 'plan', appId, { workflowId: 'site', inputs: repo(appId) });
    assert.equal(answer.status, 202, answer.text);
    return until(async () => {
      const { body } = await api.get(callers[tenant], `/api/deploy?appId=${appId}&workflowId=site&actionId=plan`);
      return body.status === 'done' && body;
    }, 'the plan is made');
  };
  const looked = await plan('one', 'planned');
  assert.ok(tokensOf('planned').length === 1 && tokensOf('planned')[0] === TOKENS.one, JSON.stringify(looked));
  const without = await plan('two', 'unplanned');
  assert.match(JSON.stringify(without.output), /the tenant has no connection for github/);
  assert.deepEqual(tokensOf('unplanned'), []);
});

test('an executor keeps no credential of a connection when its run has ended', async (t) => {
  if (process.getuid() !== 0) return t.skip('only root may read the memory of these processes');
  if (worker.log.includes('this build has no sandbox')) return t.skip('this build keeps what was freed');
  add('one', 'main', TOKENS.one, '--default');
  assert.equal((await run('one', 'memory')).status, 'done');
  assert.deepEqual(tokensOf('memory'), [TOKENS.one]);
  for (const { pid } of await executorsOf(worker.pid)) {
    const has = async (text) => (await memoryOf(pid)).some((bytes) => bytes.includes(text));
    assert.ok(await has(peer.url), 'the search finds what is there');
    assert.ok(!await has(TOKENS.settings), 'the token of the settings');
    // It tells how its run ended before it wipes what it had for it.
    await until(async () => !await has(TOKENS.one), 'it is wiped');
  }
  assert.ok(!(await memoryOf(worker.pid)).some((bytes) => bytes.includes(TOKENS.one)), 'in the supervisor');
});
