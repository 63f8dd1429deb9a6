// The keeper: who has the private keys and whose secrets are where, as the memory of the processes says.
//
// covers: src/worker/credentials.c src/worker/keeper.c src/worker/keeper_link.c src/worker/child_link.c
// covers: src/worker/handover.c src/worker/serve.c src/worker/mint_order.c
// covers: src/base/settings_forget.c src/worker/supervisor.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { memoryOf } from '../harness/memory.mjs';
import { flags, programs } from './hostile.mjs';
import { childrenOf, executorsOf, slipway, Stack, until } from './stack.mjs';
import { Peer } from './peer.mjs';
import * as workers from './worker.mjs';

const MINE = 'mine-is-a-secret-of-some-length';
const OTHER = 'other-app-has-quite-another-one';
const FIXED = 'ghp_token-of-the-settings-for-github';
const OF_VERCEL = 'token-of-the-settings-for-vercel';
const MINTED = 'ghs_token-that-was-made-for-the-run';
// The repository is not there, and may not be made: the run ends with that.
const STATUS = { '/repos/acme/docs': 404, '/orgs/acme/repos': 403 };
let stack;
let peer;
let held;

before(async () => {
  peer = await Peer.start();
  held = [];
  peer.intercept = async (call, response) => {
    if (call.path === '/held' || call.path === '/orgs/acme') await new Promise((go) => { held.push(go); });
    const body = call.path.endsWith('/access_tokens') ? { token: MINTED, expires_at: '2126-12-03T08:03:22Z' } : {};
    peer.send(response, STATUS[call.path] ?? 200, body);
    return true;
  };
  stack = await Stack.start({ programs, flags: [...flags, '--executors', '1'] });
  for (const [app, secrets] of [['mine', { MINE }], ['other', { OTHER }]]) {
    const set = await stack.post({ mode: 'configure', appId: app, secrets });
    assert.equal(set.status, 200, JSON.stringify(set.body));
  }
});
after(async () => {
  for (const go of held ?? []) go();
  await workers.stopWorkers();
  await stack?.stop();
  await peer?.stop();
});

const workerPid = () => stack.daemon('slipway-worker');
const keeperPid = async () =>
  (await childrenOf(await workerPid())).find(({ name }) => name === 'slipway-keeper')?.pid;

const has = (parts, what) => parts.some((bytes) => bytes.includes(what));

// A build that is instrumented has no sandbox, and keeps what was freed.
async function isInstrumented() {
  const below = path.join(stack.folder, 'log');
  const logs = await Promise.all((await readdir(below)).map((name) => readFile(path.join(below, name), 'utf8')));
  return logs.some((text) => text.includes('this build has no sandbox'));
}

// The private key, as its file has it and as libsodium takes it.
async function keyForms() {
  const text = (await readFile(path.join(stack.folder, 'conf', 'secrets.keys'), 'utf8')).trim();
  const encoded = text.split('.')[2];
  return { text: Buffer.from(encoded), bytes: Buffer.from(encoded, 'base64url') };
}

async function passwordOfRedis() {
  const environ = await readdir(path.join(stack.folder, 'conf'));
  const name = environ.find((entry) => /worker.*password|slipway-worker/.test(entry));
  return (await readFile(path.join(stack.folder, 'conf', name), 'utf8')).trim();
}

const hold = (app, text, url = '/done') => stack.trigger(app, 'hostile', 'hold', {
  inputs: { hold: { url: `${peer.url}${url}`, text } },
});

const untilHeld = () => until(() => held.length > 0, 'the run is under way');
const untilEnded = (app) => stack.untilStatus(app, 'hostile', 'hold', ({ status }) => status !== 'running');

test('only the keeper has the key; an executor has the secrets of its run, and afterwards none', async (t) => {
  if (process.getuid() !== 0) return t.skip('only root may read the memory of these processes');
  if (await isInstrumented()) return t.skip('this build has no sandbox');
  const key = await keyForms();
  const password = await passwordOfRedis();
  await hold('other', '${secret.OTHER}');
  assert.equal((await untilEnded('other')).status, 'done');
  await hold('mine', '${secret.MINE}', '/held');
  await untilHeld();
  const [executor] = await executorsOf(await workerPid());
  const during = await memoryOf(executor.pid);
  const supervisor = await memoryOf(await workerPid());
  // It answers before it wipes what it had for that.
  const keeperWiped = async () => {
    const parts = await memoryOf(await keeperPid());
    return ![MINE, OTHER].some((secret) => has(parts, secret));
  };
  await until(keeperWiped, 'there is no secret in the keeper');
  held.pop()();
  assert.equal((await untilEnded('mine')).status, 'done');
  // It tells how its run ended before it wipes what it had for it.
  const afterwards = await until(async () => {
    const parts = await memoryOf(executor.pid);
    return !has(parts, MINE) && parts;
  }, 'its own secret is wiped');

  assert.ok(has(during, MINE), 'the search finds what is there');
  assert.ok(has(supervisor, password), 'the search finds what is there');
  for (const [name, parts] of Object.entries({ during, afterwards, supervisor })) {
    assert.ok(!has(parts, key.text), `${name}: the text of the key`);
    assert.ok(!has(parts, key.bytes), `${name}: the key`);
    assert.ok(!has(parts, OTHER), `${name}: the secret of another app`);
  }
  assert.ok(!has(during, password) && !has(afterwards, password), 'the password of Redis');
  assert.ok(!has(supervisor, MINE), 'the secret in the supervisor');
  return undefined;
});

test('the keeper has no file and no socket but to the supervisor, and its key is in locked memory', async (t) => {
  if (await isInstrumented()) return t.skip('this build has no sandbox');
  const pid = await keeperPid();
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  assert.match(status, /^VmLck:\s+[1-9]\d* kB$/m);
  assert.match(status, /^NoNewPrivs:\t1$/m);
  const names = (await readdir(`/proc/${pid}/fd`)).filter((name) => Number(name) > 2);
  assert.equal(names.length, 1, names.join(' '));
  return undefined;
});

test('a keeper that is killed is followed by one that reads the key again, and the run waits for it', async () => {
  const before = await keeperPid();
  const executors = await executorsOf(await workerPid());
  process.kill(before, 'SIGKILL');
  await hold('mine', '${secret.MINE} once more');
  const status = await untilEnded('mine');
  assert.equal(status.status, 'done', JSON.stringify(status));
  assert.equal(status.attempt, 1);
  assert.notEqual(await keeperPid(), before);
  assert.deepEqual(await executorsOf(await workerPid()), executors);
});

test('a worker whose keys came by the environment keeps them, ends with its keeper, and says so', async () => {
  const key = (await readFile(path.join(stack.folder, 'conf', 'secrets.keys'), 'utf8')).trim();
  const env = {
    SLIPWAY_SECRETS_KEYS: key, SLIPWAY_REDIS_USER: 'slipway-worker', SLIPWAY_REDIS_PASSWORD: await passwordOfRedis(),
  };
  await workers.writeToken(stack, 'ghs_0123456789.a-token');
  const worker = await workers.startWorker(stack, peer, { programs, env });
  // Nothing is read again of what came once.
  const keeper = await worker.keeper();
  worker.kill('SIGHUP');
  await until(() => /the keeper stays as it is/.test(worker.log()), 'it has said what it keeps');
  assert.doesNotMatch(worker.log(), /read again/);
  assert.equal(await worker.keeper(), keeper);
  process.kill(keeper, 'SIGKILL');
  assert.equal(await worker.ended, 1);
  await until(() => /keeper ended.*came by the environment/.test(worker.log()), 'it has said so');
  assert.doesNotMatch(worker.log(), new RegExp(key));
});

test('a reload that fails leaves no key, neither in the supervisor nor in an executor after it', async (t) => {
  if (process.getuid() !== 0) return t.skip('only root may read the memory of these processes');
  if (await isInstrumented()) return t.skip('this build has no sandbox');
  const key = await keyForms();
  const env = {
    SLIPWAY_SECRETS_KEYS_FILE: path.join(stack.folder, 'conf', 'secrets.keys'),
    SLIPWAY_REDIS_USER: 'slipway-worker', SLIPWAY_REDIS_PASSWORD: await passwordOfRedis(),
  };
  await workers.writeToken(stack, 'ghs_0123456789.a-token');
  const worker = await workers.startWorker(stack, peer, { programs, env });
  await workers.writeToken(stack, ''); // which is read after the keys
  await until(() => /credentials not read again.*is empty/.test(worker.log()), 'the reload has failed');
  const [{ pid }] = await worker.executors();
  process.kill(pid, 'SIGKILL');
  const next = await until(async () => {
    const [executor] = await worker.executors();
    return executor?.pid !== pid && executor?.pid;
  }, 'another executor is there');
  for (const [name, parts] of [['supervisor', await memoryOf(worker.pid)], ['executor', await memoryOf(next)]]) {
    assert.ok(!has(parts, 'ghs_0123456789.a-token'), `${name}: the token`);
    assert.ok(!has(parts, key.text), `${name}: the text of the key`);
    assert.ok(!has(parts, key.bytes), `${name}: the key`);
  }
  return undefined;
});

// A step that calls GitHub, and hangs there: the memory of its executor and of the supervisor then, and after it.
async function memoryOfCall(env, token) {
  const own = await Stack.start({
    programs, flags: [...flags, '--executors', '1'],
    env: { SLIPWAY_GITHUB_URL: peer.url, SLIPWAY_ALLOW_LOOPBACK: 'yes', ...env },
  });
  try {
    await own.trigger('docs', 'site', 'repo', { inputs: { repo: { owner: 'acme', name: 'docs' } } });
    await untilHeld();
    const worker = await own.daemon('slipway-worker');
    const [executor] = await executorsOf(worker);
    const [during, supervisor] = [await memoryOf(executor.pid), await memoryOf(worker)];
    held.pop()();
    await own.untilStatus('docs', 'site', 'repo', ({ status }) => status !== 'running');
    // It tells how its run ended before it wipes what it had for it.
    const afterwards = await until(async () => {
      const parts = await memoryOf(executor.pid);
      return !has(parts, token) && parts;
    }, 'the token is wiped');
    return { during, supervisor, afterwards, later: await memoryOf(worker) };
  } finally {
    for (const go of held.splice(0)) go();
    await own.stop();
  }
}

test('a run has the token of the provider that it calls and no other, and only the keeper keeps one', async (t) => {
  if (process.getuid() !== 0) return t.skip('only root may read the memory of these processes');
  if (await isInstrumented()) return t.skip('this build has no sandbox');
  const files = { SLIPWAY_GITHUB_TOKEN_FILE: FIXED, SLIPWAY_VERCEL_TOKEN_FILE: OF_VERCEL };
  for (const [name, token] of Object.entries(files)) {
    files[name] = path.join(stack.folder, name);
    await writeFile(files[name], `${token}\n`, { mode: 0o600 });
  }
  const { during, ...others } = await memoryOfCall(files, FIXED);
  assert.ok(has(during, FIXED), 'the search finds what is there');
  assert.ok(!has(during, OF_VERCEL), 'the token of another provider');
  for (const [name, parts] of Object.entries(others)) {
    for (const token of [FIXED, OF_VERCEL]) assert.ok(!has(parts, token), `${name}: ${token}`);
  }
  return undefined;
});

test('the key of a GitHub App is in the keeper only, and a token that is made is gone after its run', async (t) => {
  if (process.getuid() !== 0) return t.skip('only root may read the memory of these processes');
  if (await isInstrumented()) return t.skip('this build has no sandbox');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs1', format: 'pem' });
  const file = path.join(stack.folder, 'app.pem');
  await writeFile(file, pem, { mode: 0o600 });
  const memory = await memoryOfCall({
    SLIPWAY_GITHUB_APP_ID: '1', SLIPWAY_GITHUB_INSTALLATION_ID: '7', SLIPWAY_GITHUB_APP_KEY_FILE: file,
  }, MINTED);
  const prime = Buffer.from(privateKey.export({ format: 'jwk' }).p, 'base64url');
  const forms = { text: pem.split('\n')[5], prime, limbs: Buffer.from(prime).reverse() };
  for (const [name, parts] of Object.entries(memory)) {
    for (const [form, bytes] of Object.entries(forms)) assert.ok(!has(parts, bytes), `${name}: the key as ${form}`);
    assert.equal(has(parts, MINTED), name === 'during', `${name}: the token`);
  }
  const jwt = peer.calls.find(({ path: called }) => called.endsWith('/access_tokens')).headers.authorization.slice(7);
  assert.match(jwt, /^eyJ/);
  for (const name of Object.keys(memory)) assert.ok(!has(memory[name], jwt), `${name}: the JWT`);
  return undefined;
});

test('a secret that the input does not name where one may stand is not opened', async () => {
  const key = 'slipway:{0}:app:default:mine:hostile:hold';
  const queue = (...words) => slipway('queue', '--redis-url', `unix://${stack.folder}/redis.sock`, ...words);
  assert.equal((await queue('pause', 'workflow', 'hostile', '--reason', 'its input is changed')).code, 0);
  await hold('mine', '${secret.MINE} again');
  await stack.untilStatus('mine', 'hostile', 'hold', ({ reason }) => reason === 'paused');
  // As whoever writes to Redis might try to send it to an address of his choice.
  const input = JSON.parse(await stack.redis('HGET', key, 'input'));
  const url = `${peer.url}/${'${secret.MINE}'}`;
  await stack.redis('HSET', key, 'input', JSON.stringify({ ...input, url }));
  assert.equal((await queue('resume', 'workflow', 'hostile')).code, 0);
  const status = await untilEnded('mine');
  assert.equal(JSON.parse(await stack.redis('HGET', key, 'input')).url, url, 'it ran with what was written');
  assert.equal(status.status, 'error', JSON.stringify(status));
  assert.ok(peer.calls.every((call) => !call.path.includes(MINE)), 'the secret went into an address');
});
