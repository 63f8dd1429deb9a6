// A step whose need is triggered again while it stands on the queue: it waits for that, and is made of what it gives.
//
// covers: src/store/needs.c src/store/scripts/needs.lua src/store/scripts/basis.lua src/worker/attempt.c
import test, { before, after, beforeEach, afterEach } from 'node:test';
import assert from 'node:assert/strict';
import { Stack } from './stack.mjs';
import { Peer } from './peer.mjs';
import { spawnWorker, writeToken } from './worker.mjs';

const REPOSITORY = { owner: 'acme', fork: 'upstream/template' };
let stack;
let peer;
let worker;

before(async () => {
  peer = await Peer.start();
  stack = await Stack.start({ flags: ['--no-emulator', '--no-worker'] });
  await writeToken(stack, 'ghs_0123456789.of-the-test');
});
after(async () => {
  await stack.stop();
  await peer.stop();
});
beforeEach(() => {
  peer.calls = [];
  peer.intercept = () => false;
  worker = undefined;
});
afterEach(stopWorker);

function startWorker() {
  worker = spawnWorker(stack, peer, { lease: 2 });
}

async function stopWorker() {
  await worker?.drain();
  worker = undefined;
}

const repo = (app, name) =>
  stack.trigger(app, 'site', 'repo', { inputs: { repo: { ...REPOSITORY, name } } });
const files = (app) => stack.trigger(app, 'site', 'files', {
  inputs: { files: { message: 'hello', files: [{ path: 'a.txt', content: 'text' }] } },
});

// The repository is done and its files stand on the queue, where no worker takes them yet.
async function filesQueued(app) {
  startWorker();
  await repo(app, `${app}-first`);
  await stack.untilStatus(app, 'site', 'repo', 'done');
  await stopWorker();
  const answer = await files(app);
  assert.equal(answer.status, 202, JSON.stringify(answer.body));
}

test('while what it needs is running, a run waits and says for which step; then it uses the new output', async () => {
  const app = 'waits';
  await filesQueued(app);
  const { basis } = await stack.hash(app, 'site', 'files');
  let ready = false;
  // The repository is made again under another name, and is not ready for as long as the test wants.
  peer.intercept = (call, response) => {
    if (ready || !call.path.startsWith(`/repos/acme/${app}-second/branches`)) return false;
    peer.send(response, 404, { message: 'Branch not found' });
    return true;
  };
  await repo(app, `${app}-second`);
  startWorker();
  const begun = (status) => !['queued', 'executing'].includes(status.phase);
  const blocked = await stack.untilStatus(app, 'site', 'files', begun);
  assert.equal(blocked.status, 'running', JSON.stringify(blocked.error));
  assert.equal(blocked.phase, 'blocked');
  assert.equal(blocked.reason, 'needs');
  assert.match(blocked.detail, /'repo'/);
  ready = true;
  const end = await stack.untilStatus(app, 'site', 'files', (status) => ['done', 'error'].includes(status.status));
  const calls = (name) => peer.calls.filter((call) => call.path.startsWith(`/repos/acme/${name}/commits/`)).length;
  assert.ok(calls(`${app}-second`) > 0, JSON.stringify(end.error));
  assert.equal(calls(`${app}-first`), 0);
  // What it is said to be made of is what it was made of: not what stood there when it was triggered.
  assert.notEqual((await stack.hash(app, 'site', 'files')).basis, basis);
});

test('a run whose need fails meanwhile says so, and goes on when that is run again', async () => {
  const app = 'fails';
  await filesQueued(app);
  peer.repositories.set(`acme/${app}-second`, peer.repository('acme', `${app}-second`, 'somebody/else'));
  await repo(app, `${app}-second`);
  startWorker();
  await stack.untilStatus(app, 'site', 'repo', 'error');
  const held = await stack.untilStatus(app, 'site', 'files', (status) => status.reason === 'need_failed');
  assert.equal(held.phase, 'blocked');
  assert.match(held.detail, /^it needs repo, which failed; it goes on when that is retried/);
  await repo(app, `${app}-first`);
  const begun = await stack.untilStatus(app, 'site', 'files', (status) => status.phase !== 'blocked');
  assert.notEqual(begun.reason, 'need_failed');
});
