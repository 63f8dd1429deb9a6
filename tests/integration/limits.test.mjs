// Two hundred forks against a provider with a limit on what it lets one credential create: all are made, and hardly a
// call is refused.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Stack, build, until } from './stack.mjs';
import { Peer } from './peer.mjs';

const FORKS = 200;
const WORKERS = 3;
const SPACING_MS = 50; // of which GitHub asks a second
const WINDOW = 60; // creations, after which the provider wants a pause
const PAUSE_SECONDS = 1;

let stack;
let peer;
const workers = [];

before(async () => {
  peer = await Peer.start();
  stack = await Stack.start({ flags: ['--no-emulator', '--no-worker'] });
  await writeFile(path.join(stack.folder, 'token'), 'ghs_0123456789.of-the-test\n', { mode: 0o600 });
});
after(async () => {
  for (const { process: worker } of workers) {
    worker.kill('SIGTERM');
    worker.kill('SIGTERM');
  }
  await Promise.all(workers.map(({ ended }) => ended));
  await stack.stop();
  await peer.stop();
});

function startWorker() {
  const flags = [
    ['--redis-url', `unix://${stack.folder}/redis.sock`, '--executors', '4', '--allow-loopback', 'yes'],
    ['--github-url', peer.url, '--github-token-file', path.join(stack.folder, 'token')],
    ['--github-write-spacing-ms', String(SPACING_MS)],
  ];
  const worker = spawn(path.join(build, 'slipway-worker'), flags.flat(), { stdio: 'ignore' });
  workers.push({ process: worker, ended: new Promise((resolve) => worker.once('exit', resolve)) });
}

test('of 200 forks under a limit none fails, and a worker is refused once a window at most', async () => {
  const windows = []; // { refused }
  let made = 0;
  let closedUntil = 0;
  peer.intercept = (call, response) => {
    if (call.method !== 'POST') return false;
    if (Date.now() < closedUntil || made >= WINDOW) {
      if (Date.now() >= closedUntil) {
        closedUntil = Date.now() + PAUSE_SECONDS * 1000;
        made = 0;
        windows.push({ refused: 0 });
      }
      windows.at(-1).refused += 1;
      const body = { message: 'You have exceeded a secondary rate limit.' };
      peer.send(response, 403, body, { 'retry-after': String(PAUSE_SECONDS) });
      return true;
    }
    made += 1;
    return false;
  };
  for (let i = 0; i < WORKERS; i += 1) startWorker();
  const names = Array.from({ length: FORKS }, (_, i) => `fork-${i}`);
  for (const name of names) {
    const inputs = { repo: { owner: 'acme', name, fork: 'upstream/template' } };
    // nginx has a limit of its own.
    await until(
      async () => (await stack.trigger(name, 'site', 'repo', { inputs })).status === 202,
      `${name} is taken`,
    );
  }
  // What waits for its turn or for the limit stands in delayed.
  const waiting = await until(async () => {
    const [member] = (await stack.redis('ZRANGE', 'slipway:{0}:delayed', '0', '0')).split('\n');
    const status = member !== '' && (await stack.status(member.split(':')[0], 'site', 'repo'));
    return status && status.phase === 'waiting' && status.reason === 'rate_limited' && status;
  }, 'somebody waits for the limit');
  assert.match(waiting.detail, /github|GitHub/);
  assert.ok(Date.parse(waiting.resumeAt) > 0);
  await until(async () => (await stack.redis('ZCARD', 'slipway:{0}:live')) === '0', 'all have ended', 120000);
  for (const name of names) {
    const run = await stack.hash(name, 'site', 'repo');
    assert.equal(run.status, 'done', run.error);
    assert.equal(run.attempt, '1');
  }
  assert.equal(peer.repositories.size, FORKS);
  assert.ok(windows.length >= 2, `${windows.length} windows`);
  for (const { refused } of windows) assert.ok(refused <= WORKERS, `${refused} calls were refused in one window`);
});
