// Two hundred forks against a provider with a limit on what it lets one credential create: all are made, and hardly a
// call is refused.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Stack, until } from './stack.mjs';
import { Peer } from './peer.mjs';
import { spawnWorker, stopWorkers, writeToken } from './worker.mjs';

const FORKS = 200;
const WORKERS = 3;
const EXECUTORS = 4; // of each
const SPACING_MS = 50; // of which GitHub asks a second
const WINDOW = 30; // creations, after which the provider wants a pause
const PAUSE_SECONDS = 1;
const FIRST_PAUSE_SECONDS = 10; // in which the test looks who waits

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
  let pause;
  let closedUntil = 0;
  peer.intercept = (call, response) => {
    if (call.method !== 'POST') return false;
    if (Date.now() < closedUntil || made >= WINDOW) {
      if (Date.now() >= closedUntil) {
        pause = windows.length === 0 ? FIRST_PAUSE_SECONDS : PAUSE_SECONDS;
        closedUntil = Date.now() + pause * 1000;
        made = 0;
        windows.push({ refused: 0 });
      }
      windows.at(-1).refused += 1;
      const body = { message: 'You have exceeded a secondary rate limit.' };
      peer.send(response, 403, body, { 'retry-after': String(pause) });
      return true;
    }
    made += 1;
    return false;
  };
  const names = Array.from({ length: FORKS }, (_, i) => `fork-${i}`);
  for (const name of names) {
    const inputs = { repo: { owner: 'acme', name, fork: 'upstream/template' } };
    const { status, body } = await stack.trigger(name, 'site', 'repo', { inputs });
    assert.ok(status < 300, JSON.stringify(body));
  }
  // Now that all are there: some wait for as long as the windows last, however slow the triggers were.
  for (let i = 0; i < WORKERS; i += 1) spawnWorker(stack, peer, { executors: EXECUTORS, spacingMs: SPACING_MS });
  // What waits for its turn or for the limit stands in delayed.
  const waiting = await until(async () => {
    const [member] = (await stack.redis('ZRANGE', 'slipway:{0}:delayed', '0', '0')).split('\n');
    const status = member !== '' && (await stack.status(member.split(':')[1], 'site', 'repo'));
    return status && status.phase === 'waiting' && status.reason === 'rate_limited' && status;
  }, 'somebody waits for the limit');
  assert.match(waiting.detail, /github|GitHub/);
  assert.ok(Date.parse(waiting.resumeAt) > 0);
  await until(async () => (await stack.redis('ZCARD', 'slipway:{0}:live')) === '0', 'all have ended', 300000);
  for (const name of names) {
    const run = await stack.status(name, 'site', 'repo');
    assert.equal(run.status, 'done', JSON.stringify(run.error));
    assert.equal(run.attempt, 1);
  }
  assert.equal(peer.repositories.size, FORKS);
  assert.ok(windows.length >= 2, `${windows.length} windows`);
  // Of those that were under way when the first was told, each executor may have one: many are on a machine that stands
  // still just then, which it does not in each of the windows.
  const refused = windows.map((window) => window.refused);
  assert.ok(Math.max(...refused) <= WORKERS * EXECUTORS, `refused in each window: ${refused}`);
  assert.ok(Math.min(...refused) <= WORKERS, `refused in each window: ${refused}`);
});
