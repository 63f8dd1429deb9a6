// slipway workers, while builds are mixed.
//
// covers: src/cli/command_workers.c src/api/route_workflows.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Stack, childrenOf, slipway, until } from '../integration/stack.mjs';

let stack;
const workers = (...words) =>
  slipway('workers', '--redis-url', `unix://${stack.folder}/redis.sock`, '--url', stack.url, ...words);

before(async () => {
  stack = await Stack.start({ flags: ['--no-emulator'] });
  await until(async () => (await stack.redis('HLEN', 'slipway:definitions')) === '1', 'the worker says what it has');
});
after(() => stack.stop());

async function addWorker(name, version, definitions, at = new Date()) {
  const beat = { at: at.toISOString(), version, executors: 3, busy: 1, running: ['acme site repo'] };
  await stack.redis('HSET', 'slipway:workers', name, JSON.stringify(beat));
  if (definitions) await stack.redis('HSET', 'slipway:definitions', name, JSON.stringify({ definitions }));
}

async function definitionOf(id) {
  const { body } = await stack.get('/api/workflows');
  return body.workflows.find((workflow) => workflow.id === id).definition;
}

test('one build: each workflow is what the endpoint has, and nothing is marked', async () => {
  const { code, stdout, stderr } = await workers();
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^\S+ {2}build \d+\.\d+\.\d+ {2}\d+ of \d+ executors busy {2}since \d{4}-\d\d-\d\dT/m);
  assert.match(stdout, new RegExp(`^ {2}has site ${await definitionOf('site')}$`, 'm'));
  assert.doesNotMatch(stdout, /!|No worker|runs/);
  assert.equal(stderr, '');
});

// It is silent soon, for it reports but once: each test that looks at it adds it.
const addOld = () => addWorker('old-1', '0.0.9',
  { site: '0123456789abcdef', 'site.repo': 'fedcba9876543210', gone: '1111111111111111' });

test('another build is marked, and says what it runs', async () => {
  await addOld();
  const { stdout } = await workers();
  assert.match(stdout, /^old-1 {2}build 0\.0\.9 {2}1 of 3 executors busy {2}since \(unknown\)$/m);
  assert.match(stdout, /^ {2}runs acme site repo$/m);
  assert.match(stdout, /^ {2}has site 0123456789abcdef {2}! the endpoint has another definition$/m);
  assert.match(stdout, /^ {2}has gone 1111111111111111 {2}! the endpoint does not have it$/m);
  assert.doesNotMatch(stdout, /has site\.repo|No worker has/);

  await addOld();
  const list = JSON.parse((await workers('--json')).stdout);
  assert.equal(list.length, 2);
  const old = list.find(({ name }) => name === 'old-1');
  assert.deepEqual([old.build, old.executors, old.running], ['0.0.9', 3, ['acme site repo']]);
  assert.deepEqual(
    old.workflows.find(({ id }) => id === 'site'),
    { id: 'site', definition: '0123456789abcdef', difference: 'the endpoint has another definition' },
  );
});

test('what no worker has as the endpoint has it is named; a silent worker does not count', async () => {
  const [own] = (await stack.redis('HKEYS', 'slipway:workers')).split('\n').filter((name) => name !== 'old-1');
  const kept = await stack.redis('HGET', 'slipway:definitions', own);
  await stack.redis('HSET', 'slipway:definitions', own, JSON.stringify({ definitions: {} }));
  await addWorker('silent-1', '0.1.0', { site: await definitionOf('site') }, new Date(Date.now() - 60000));
  const { stdout } = await workers();
  await stack.redis('HSET', 'slipway:definitions', own, kept);
  assert.match(stdout, /^No worker has 'site' as the endpoint has it \(definition [0-9a-f]{16}\)/m);
  assert.match(stdout, /takes no runs/);
  assert.doesNotMatch(stdout, /silent-1/);
});

test('without an endpoint workers are compared with each other', async () => {
  await addOld();
  const { code, stdout, stderr } = await workers('--url', 'http://127.0.0.1:9');
  assert.equal(code, 0);
  assert.match(stderr, /the endpoint is left out/);
  assert.match(stdout, /^ {2}has site \S+ {2}! other workers differ$/m);
});

// A trigger, a worker that lacks its definition, and another that comes: as an operator sees it.
test('a status says no_worker_for_version, and a worker that has it executes the run', async () => {
  const key = 'slipway:{0}:app:default:mixed:hello:greet';
  const daemon = await stack.daemon('slipway-worker');
  const processes = [{ pid: daemon }, ...(await childrenOf(daemon))];
  for (const { pid } of processes) process.kill(pid, 'SIGSTOP');
  await stack.trigger('mixed', 'hello', 'greet', { inputs: { greet: { text: 'x' } } });
  const definition = await stack.redis('HGET', key, 'definition');
  assert.match(definition, /^[0-9a-f]{16}$/);
  // As an api of another build would have accepted it.
  await stack.redis('HSET', key, 'definition', '0000000000000000');
  for (const { pid } of processes) process.kill(pid, 'SIGCONT');
  const declined = ({ reason }) => reason === 'no_worker_for_version';
  const waiting = await stack.untilStatus('mixed', 'hello', 'greet', declined);
  assert.deepEqual([waiting.status, waiting.phase, waiting.attempt, waiting.resumeAt], ['running', 'queued', 1, null]);
  assert.match(waiting.detail, /^no running worker has definition 0{16} of the step 'greet' of 'hello'; build/);
  await stack.redis('HSET', key, 'definition', definition);
  await stack.untilStatus('mixed', 'hello', 'greet', 'done');
});
