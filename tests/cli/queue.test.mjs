// slipway queue: who waits for what, and what a person has paused.
//
// covers: src/cli/command_queue.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Stack, slipway, until } from '../integration/stack.mjs';

let stack;
const queue = (...words) => slipway('queue', '--redis-url', `unix://${stack.folder}/redis.sock`, ...words);

before(async () => {
  stack = await Stack.start({ flags: ['--no-emulator'] });
  await until(async () => (await stack.redis('HLEN', 'slipway:workers')) === '1', 'the worker reports');
});
after(() => stack.stop());

const greet = (app) => stack.trigger(app, 'hello', 'greet', { inputs: { greet: { text: 'x' } } });

test('nothing is queued', async () => {
  const { code, stdout } = await queue();
  assert.equal(code, 0);
  assert.match(stdout, /^Nothing is queued/);
  assert.deepEqual(JSON.parse((await queue('--json')).stdout), {
    apps: [], appCount: 0, begun: 0, paused: {}, running: {},
  });
});

test('a workflow that is paused waits, says why and by whom, and goes on when it is resumed', async () => {
  const paused = await queue('pause', 'workflow', 'hello', '--reason', 'the provider moves', '--by', 'jane');
  assert.equal(paused.code, 0, paused.stderr);
  assert.match(paused.stdout, /^The workflow 'hello' is paused: .* 'slipway queue resume workflow hello'/);
  await greet('one');
  await greet('two');
  const waiting = await stack.untilStatus('one', 'hello', 'greet', (status) => status.reason === 'paused');
  assert.equal(waiting.phase, 'queued');
  assert.match(waiting.detail, /^the workflow 'hello' is paused by jane since \d{4}-.*: the provider moves$/);

  const { stdout } = await queue();
  assert.match(stdout, /^default +one +1 +.*the workflow 'hello' is paused by jane since .*: the provider moves$/m);
  assert.match(stdout, /^paused +workflow:hello +/m);
  const list = JSON.parse((await queue('--json')).stdout);
  assert.deepEqual(list.apps.map(({ appId, queued }) => [appId, queued]).sort(), [['one', 1], ['two', 1]]);
  assert.equal(list.paused['workflow:hello'].by, 'jane');

  assert.match((await queue('resume', 'workflow', 'hello')).stdout, /^The workflow 'hello' goes on\.$/m);
  for (const app of ['one', 'two']) await stack.untilStatus(app, 'hello', 'greet', 'done');
  assert.match((await queue('resume', 'workflow', 'hello')).stdout, /was not paused/);
});

test('what makes no sense is refused with what is meant', async () => {
  for (const [words, says] of [
    [['stop'], /'stop' is neither 'pause' nor 'resume'/],
    [['pause', 'workflow'], /say what to pause/],
    [['pause', 'app', 'x', '--reason', 'r'], /'app' is neither 'tenant' nor 'workflow' nor 'provider'/],
    [['pause', 'workflow', 'hello'], /--reason is missing/],
  ]) {
    const { code, stderr } = await queue(...words);
    assert.equal(code, 64);
    assert.match(stderr, says);
  }
  assert.equal(await stack.redis('EXISTS', 'slipway:{0}:paused'), '0');
});
