// Two hundred forks against a provider with a limit on what it lets one credential create: all are made, and hardly a
// call is refused.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Stack, until } from './stack.mjs';
import { Peer } from './peer.mjs';
import { spawnWorker, stopWorkers, writeToken } from './worker.mjs';

const FORKS = 200;
const WORKERS = 3;
const SPACING_MS = 50; // of which GitHub asks a second
const WINDOW = 60; // creations, after which the provider wants a pause
const PAUSE_SECONDS = 1;

let stack;
let peer;

before(async () => {
  peer = await Peer.start();
  stack = await Stack.start({ flags: ['--no-emulator', '--no-worker'] });
  await writeToken(stack, 'ghs_0123456789.of-the-test');
});
after(async () => {
  await stopWorkers();
  await stack.stop();
  await peer.stop();
});

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
  for (let i = 0; i < WORKERS; i += 1) spawnWorker(stack, peer, { executors: 4, spacingMs: SPACING_MS });
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
    const status = member !== '' && (await stack.status(member.split(':')[1], 'site', 'repo'));
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
