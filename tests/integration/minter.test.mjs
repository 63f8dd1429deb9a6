// The minters: who makes the tokens of a GitHub App, and what becomes of a run whose minter ends, whose provider is
// slow, or by whose clock the app has signed wrongly.
//
// covers: src/worker/minter.c src/worker/minters.c src/worker/child_link.c src/worker/mint_order.c
// covers: src/provider/github_app.c
import { test, before, after, beforeEach } from 'node:test';
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { memoryOf } from '../harness/memory.mjs';
import { childrenOf, Stack, until } from './stack.mjs';
import { Peer } from './peer.mjs';

const HOUR_MS = 3600 * 1000;
let folder;
let privateKey;
let stack;
let peer;
let held; // requests for tokens that wait for their answer
let holds; // whether the next one is to wait
let aheadMs; // of GitHub's clock before ours
let made;

const isMint = ({ path: called }) => called.endsWith('/access_tokens');

// Whether GitHub takes what the app shows of itself, by its own clock.
function isTimely({ headers }) {
  const claims = JSON.parse(Buffer.from(headers.authorization.split('.')[1], 'base64url'));
  const now = (Date.now() + aheadMs) / 1000;
  return claims.iat <= now + 5 && claims.exp > now;
}

function answer(call, response) {
  const headers = { date: new Date(Date.now() + aheadMs).toUTCString() };
  if (!isTimely(call)) {
    peer.send(response, 401, { message: 'A JSON web token could not be decoded' }, headers);
    return;
  }
  made += 1;
  const expires = new Date(Date.now() + aheadMs + HOUR_MS).toISOString().replace(/\.\d+/, '');
  peer.send(response, 201, { token: `ghs_token_${made}_0123456789`, expires_at: expires }, headers);
}

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-minter-'));
  privateKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const pem = privateKey.export({ type: 'pkcs1', format: 'pem' });
  await writeFile(path.join(folder, 'app.pem'), pem, { mode: 0o600 });
  peer = await Peer.start();
  peer.intercept = (call, response) => {
    if (!isMint(call)) return false;
    if (!holds) answer(call, response);
    else held.push({ call, go: () => answer(call, response) });
    holds = false;
    return true;
  };
});
beforeEach(async () => {
  held = [];
  holds = false;
  aheadMs = 0;
  made = 0;
  peer.calls = [];
  await stack?.stop(); // another one has no tokens yet
  stack = await Stack.start({
    flags: ['--no-emulator', '--executors', '2'],
    env: {
      SLIPWAY_GITHUB_URL: peer.url, SLIPWAY_GITHUB_APP_ID: '1', SLIPWAY_GITHUB_INSTALLATION_ID: '7',
      SLIPWAY_GITHUB_APP_KEY_FILE: path.join(folder, 'app.pem'), SLIPWAY_GITHUB_WRITE_SPACING_MS: '0',
      SLIPWAY_ALLOW_LOOPBACK: 'yes',
    },
  });
});
after(async () => {
  for (const { go } of held ?? []) go();
  await stack?.stop();
  await peer?.stop();
  await rm(folder, { recursive: true, force: true });
});

const mintersOf = async () => (await childrenOf(await stack.daemon('slipway-worker')))
  .filter(({ name }) => name === 'slipway-minter');

// A step that looks for a repository, which is there.
async function begin(app) {
  peer.repositories.set(`acme/${app}`, peer.repository('acme', app, 'upstream/template'));
  await stack.trigger(app, 'site', 'repo', {
    inputs: { repo: { owner: 'acme', name: app, fork: 'upstream/template', adopt: true } },
  });
}
const ended = (app) => stack.untilStatus(app, 'site', 'repo', ({ status }) => status !== 'running');

async function isDone(app) {
  const status = await ended(app);
  assert.equal(status.status, 'done', JSON.stringify(status));
  return status;
}

const untilHeld = (count) => until(() => held.length >= count, `${count} requests for a token wait`);

test('a run whose minter is killed while it asks gets its token from the next one', async () => {
  holds = true;
  await begin('killed');
  await untilHeld(1);
  const [{ pid }] = await mintersOf();
  process.kill(pid, 'SIGKILL');
  const status = await isDone('killed');
  assert.equal(status.attempt, 1);
  assert.equal(peer.calls.filter(isMint).length, 2);
  assert.ok((await mintersOf()).every((minter) => minter.pid !== pid));
});

test('a reload amid that ends the minter, and its question goes to the next one', async () => {
  holds = true;
  await begin('reload');
  await untilHeld(1);
  const before = await mintersOf();
  process.kill(await stack.daemon('slipway-worker'), 'SIGHUP');
  const status = await isDone('reload');
  assert.equal(status.attempt, 1);
  assert.equal(peer.calls.filter(isMint).length, 2);
  const after = await mintersOf();
  assert.ok(before.every(({ pid }) => after.every((minter) => minter.pid !== pid)));
});

test('a worker that is told to end at once waits for no token', async () => {
  holds = true;
  await begin('ending');
  await untilHeld(1);
  const pid = await stack.daemon('slipway-worker');
  const minters = await mintersOf();
  process.kill(pid, 'SIGTERM');
  process.kill(pid, 'SIGTERM');
  const isThere = (process_) => readFile(`/proc/${process_}/stat`, 'utf8')
    .then((text) => !/ Z /.test(text), () => false);
  await until(async () => !(await isThere(pid)), 'it has ended');
  for (const minter of minters) assert.ok(!(await isThere(minter.pid)), `minter ${minter.pid}`);
});

test('a token that takes its time holds up nobody else', async () => {
  holds = true;
  await begin('slow');
  await untilHeld(1);
  await begin('other');
  await isDone('other');
  assert.equal(made, 1);
  held[0].go();
  await isDone('slow');
});

test('a token is made once for all runs of that connection, with the permissions of the action alone', async () => {
  await begin('first');
  await isDone('first');
  await begin('second');
  await isDone('second');
  const asked = peer.calls.filter(isMint).map(({ body }) => JSON.parse(body));
  assert.equal(asked.length, 1);
  assert.ok(Object.keys(asked[0].permissions).length > 0, JSON.stringify(asked));
});

test('where the clock of GitHub is another one, the app signs once more by that', async () => {
  aheadMs = 2 * HOUR_MS;
  await begin('ahead');
  await isDone('ahead');
  assert.equal(made, 1);
  assert.equal(peer.calls.filter((call) => isMint(call)).length, 2);
});

// What is signed is good for whoever has it by then.
test('where its clock is days off, nothing is signed by that, and a person is told', async () => {
  aheadMs = 72 * HOUR_MS;
  await begin('days');
  const status = await ended('days');
  assert.equal(status.error?.class, 'auth_expired', JSON.stringify(status));
  assert.match(status.error.message, /clocks of github and of this machine differ by more than a day/);
  const ends = peer.calls.filter(isMint).map(({ headers }) =>
    JSON.parse(Buffer.from(headers.authorization.split('.')[1], 'base64url')).exp * 1000);
  assert.ok(ends.every((at) => at < Date.now() + HOUR_MS), String(ends));
  aheadMs = 0;
  await begin('days-after');
  await isDone('days-after');
});

// A build that is instrumented has no sandbox, and keeps what was freed.
async function isInstrumented() {
  const below = path.join(stack.folder, 'log');
  const logs = await Promise.all((await readdir(below)).map((name) => readFile(path.join(below, name), 'utf8')));
  return logs.some((text) => text.includes('this build has no sandbox'));
}

test('a minter has the token that it has made and no key; nobody else has what was signed', async (t) => {
  if (process.getuid() !== 0) return t.skip('only root may read the memory of these processes');
  if (await isInstrumented()) return t.skip('this build has no sandbox');
  await begin('memory');
  await isDone('memory');
  const [first] = await mintersOf();
  process.kill(first.pid, 'SIGKILL');
  const another = async () => (await mintersOf()).find(({ pid }) => pid !== first.pid);
  const { pid } = await until(another, 'another one is there');
  await begin('memory-after');
  await isDone('memory-after');
  assert.match(await readFile(`/proc/${pid}/status`, 'utf8'), /^NoNewPrivs:\t1$/m);
  assert.doesNotMatch(await readFile(`/proc/${pid}/maps`, 'utf8'), / rw-s /, 'it shares no memory');
  const parts = await memoryOf(pid);
  const has = (what) => parts.some((bytes) => bytes.includes(what));
  const prime = Buffer.from(privateKey.export({ format: 'jwk' }).p, 'base64url');
  const secrets = (await readFile(path.join(stack.folder, 'conf', 'secrets.keys'), 'utf8')).trim().split('.')[2];
  const password = (await readdir(path.join(stack.folder, 'conf'))).find((name) => /worker.*password/.test(name));
  const redis = (await readFile(path.join(stack.folder, 'conf', password), 'utf8')).trim();
  assert.ok(redis.length > 10, 'there is a password');
  assert.ok(has('ghs_token_2_0123456789'), 'the search finds what is there');
  for (const [name, bytes] of Object.entries({ prime, limbs: Buffer.from(prime).reverse(), secrets, redis })) {
    assert.ok(!has(bytes), name);
  }
  const jwts = peer.calls.filter(isMint).map(({ headers }) => headers.authorization.slice('Bearer '.length));
  assert.match(jwts[0], /^eyJ/);
  const worker = await stack.daemon('slipway-worker');
  const keeper = (await childrenOf(worker)).find((child) => child.name === 'slipway-keeper');
  for (const [name, whose] of [['keeper', keeper.pid], ['supervisor', worker]]) {
    const memory = await memoryOf(whose);
    for (const jwt of jwts) assert.ok(!memory.some((bytes) => bytes.includes(jwt)), `${name}: what the app signs`);
  }
  return undefined;
});
