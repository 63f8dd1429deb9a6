// What whoever has the login of slipway-api at Redis, or a better one, may try, by raw commands: no call goes to a
// provider that no caller asked for, and work goes on. What is forged: believed.test.mjs.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { until } from './stack.mjs';
import { Fortress, keyOf } from '../harness/fortress.mjs';

const REPOSITORY = 'github:repository:acme/';
let f;

before(async () => {
  f = await Fortress.start();
  // Nobody of Slipway made it.
  f.peer.repositories.set('acme/theirs', f.peer.repository('acme', 'theirs', 'upstream/template'));
  await f.once('ledger');
});
after(() => f.stop());

const ledger = (app) => keyOf(app, 'ledger');
const rowOf = (app, name = app) => f.cli('tester', 'HGET', ledger(app), `${REPOSITORY}${name}`);
const refused = (said) => assert.match(said, /^NOPERM/, said);
const audit = () => f.slipway('audit', '--limit', '20').text.trim().split('\n');

test('a forged row of the ledger: the login may write none, change none and delete none', async () => {
  const before = rowOf('ledger');
  const theirs = JSON.stringify({ state: 'created', id: '100', created: true, at: '2026-01-01T00:00:00Z' });
  for (const words of [['HSET', ledger('ledger'), `${REPOSITORY}theirs`, theirs],
    ['HSET', ledger('ledger'), `${REPOSITORY}ledger`, theirs], ['HDEL', ledger('ledger'), `${REPOSITORY}ledger`],
    ['DEL', ledger('ledger')], ['EXPIRE', ledger('ledger'), '1'], ['HSETNX', ledger('ledger'), 'x', theirs],
    ['RENAME', keyOf('ledger', 'site:repo'), ledger('ledger')], ['COPY', ledger('ledger'), ledger('other')]]) {
    refused(f.attack(...words));
  }
  assert.equal(rowOf('ledger'), before);
  assert.equal(f.cli('tester', 'HLEN', ledger('ledger')), '1');
});

test('a forged row through the functions of workers, with a lease that was written by hand', () => {
  const run = keyOf('lease', 'site:repo');
  f.attack('HSET', run, 'app', 'lease', 'workflow', 'site', 'action', 'repo', 'run', 'r', 'status', 'running', 'phase',
    'executing', 'lease', 'mine', 'version', '1', 'retention', '90000');
  const work = f.cli('tester', 'FUNCTION', 'LIST', 'LIBRARYNAME', 'slipway_*').match(/slipway_work_[0-9a-f]+/)[0];
  const keys = [run, 'slipway:{0}:ready', 'slipway:{0}:delayed', 'slipway:{0}:live', keyOf('lease', 'events'),
    'slipway:{0}:apps:default', keyOf('lease', 'payload'), ledger('lease')];
  const words = ['want worker= lease_ms after_begun= definitions= limits= expired=', '0', '0',
    'write name token checkpoint= field value replaces= log=', 'progress', 'default:lease:site:repo', 'mine',
    `${REPOSITORY}theirs`, '{"id":"100","created":true}'];
  assert.match(f.attack('FCALL', work, '8', ...keys, ...words), /NOPERM|can't access|permission/i);
  assert.equal(f.cli('tester', 'EXISTS', ledger('lease')), '0');
  f.attack('DEL', run);
});

// ---- what the login may not do at all ----

const STEP = keyOf('any', 'hello:greet');
const FORBIDDEN = {
  'a script that never ends': [['EVAL', 'while true do end', '0'], ['EVALSHA', '0'.repeat(40), '0'],
    ['EVAL_RO', 'return 1', '0'], ['SCRIPT', 'LOAD', 'return 1'], ['SCRIPT', 'KILL']],
  'a function of its own': [
    ['FUNCTION', 'LOAD', "#!lua name=own\nredis.register_function('own', function() while true do end end)"],
    ['FUNCTION', 'FLUSH'], ['FUNCTION', 'DELETE', 'slipway_work'], ['FUNCTION', 'RESTORE', 'x'], ['FUNCTION', 'KILL']],
  'commands that wait or take long': [['BLPOP', 'slipway:{0}:bell', '0'], ['BZPOPMIN', 'slipway:{0}:live', '0'],
    ['BLMOVE', STEP, STEP, 'LEFT', 'LEFT', '0'], ['WAIT', '1', '0'], ['KEYS', '*'], ['SCAN', '0'], ['SORT', STEP],
    ['LCS', STEP, STEP], ['SINTERSTORE', STEP, STEP], ['SUBSCRIBE', 'x'], ['MULTI'], ['WATCH', STEP]],
  'settings, and the end of Redis': [['CONFIG', 'SET', 'appendonly', 'no'], ['CONFIG', 'REWRITE'], ['SHUTDOWN'],
    ['FLUSHALL'], ['FLUSHDB'], ['SWAPDB', '0', '1'], ['REPLICAOF', 'h', '1'], ['MIGRATE', 'h', '1', STEP, '0', '1'],
    ['BGREWRITEAOF'], ['SAVE'], ['CLIENT', 'PAUSE', '100000'], ['CLIENT', 'KILL', 'TYPE', 'normal'], ['MONITOR'],
    ['ACL', 'SETUSER', 'slipway-api', '+@all'], ['ACL', 'LIST'], ['CLUSTER', 'RESET']],
  'limits, outages, pauses and counts': [['HSET', 'slipway:limit:github:x', 'until', '9999999999999'],
    ['SET', 'slipway:limit:github:x', '1'], ['HSET', 'slipway:outage:github:x', 'a', '1'],
    ['ZADD', 'slipway:pace:github:x', '1', 'a'], ['HSET', 'slipway:{0}:paused', 'tenant:default', '{}'],
    ['HINCRBY', 'slipway:{0}:running', 'tenant:default', '9999'], ['HSET', 'slipway:{0}:holds', 'tenant:default', 'x']],
  'heartbeats, definitions and the layout': [['HSET', 'slipway:workers', 'w', '{}'], ['DEL', 'slipway:workers'],
    ['HSET', 'slipway:definitions', 'w', 'x'], ['SET', 'slipway:{0}:layout', '99'], ['DEL', 'slipway:{0}:layout']],
  'owners': [['SET', 'slipway:owner:github:repository:100', 'default:mine 1'],
    ['DEL', 'slipway:owner:github:repository:100'], ['GET', 'slipway:owner:github:repository:100']],
  'tokens and the audit': [['HSET', 'slipway:token:0123456789abcdef', 'hash', 'x', 'role', 'admin'],
    ['HGETALL', 'slipway:token:0123456789abcdef'], ['DEL', 'slipway:token:x'], ['LTRIM', 'slipway:audit', '1', '0'],
    ['LRANGE', 'slipway:audit', '0', '-1'], ['LPOP', 'slipway:audit'], ['DEL', 'slipway:audit']],
  'connections and their credentials': [['HSET', 'slipway:connection:default:main', 'allow', '*'],
    ['HGETALL', 'slipway:credential:default:main'], ['HSET', 'slipway:credential:default:main', 'x', 'y'],
    ['DEL', 'slipway:connection:default:main']],
  'keys of another type, copies and other databases': [['SET', STEP, 'x'], ['LPUSH', STEP, 'x'], ['SADD', STEP, 'x'],
    ['ZADD', STEP, '1', 'x'], ['XADD', STEP, '*', 'a', 'b'], ['HSET', 'slipway:{0}:ready', 'a', 'b'],
    ['COPY', STEP, 'slipway:{0}:ready'], ['RENAME', STEP, 'slipway:{0}:live'], ['RESTORE', STEP, '0', 'x'],
    ['HSET', 'other', 'a', 'b'], ['DEL', 'slipway:{0}:live'], ['ZREMRANGEBYRANK', 'slipway:{0}:live', '0', '-1']],
};
for (const [name, commands] of Object.entries(FORBIDDEN)) {
  test(`refused by Redis: ${name}`, () => {
    for (const command of commands) refused(f.attack(...command));
  });
}

test('a value of a size that none of ours has ends the connection that sends it', async () => {
  const said = await f.attackRaw(`*4\r\n$4\r\nHSET\r\n$${STEP.length}\r\n${STEP}\r\n$5\r\ninput\r\n$${9 << 20}\r\n`);
  assert.match(said, /-ERR Protocol error: invalid bulk length/);
  assert.equal(f.cli('tester', 'EXISTS', STEP), '0');
});

// ---- what it may do, and what comes of it ----

// A caller's work goes on.
async function goesOn(app) {
  await f.greet(app, 'on', { force: true });
  const status = await f.until(app, 'hello', 'greet');
  assert.equal(status.status, 'done', JSON.stringify(status));
}

test('a client that waits for a change waits by itself', async () => {
  const waits = f.attacks('XREAD', 'BLOCK', '0', 'STREAMS', 'slipway:{0}:changes', '$');
  await goesOn('blocked');
  waits.kill();
});

test('a run that is deleted while it is being run, or waits, can be run again, and limits count right', async () => {
  let release;
  f.peer.intercept = (call) => /orgs|forks/.test(call.path) && new Promise((resolve) => {
    release = () => resolve(false);
  });
  await f.trigger('deleted', 'site', 'repo', { repo: { owner: 'acme', name: 'deleted', fork: 'upstream/template' } });
  await until(() => release, 'it is being run');
  assert.equal(f.attack('DEL', keyOf('deleted', 'site:repo')), '1');
  f.peer.intercept = () => false;
  release();
  // The worker finds that the run is nobody's, and what limits count is put right.
  await until(() => f.cli('tester', 'HGET', 'slipway:{0}:running', 'app:default:deleted') === '', 'it is not counted');
  const waits = await f.waiting('deletedtoo');
  f.attack('DEL', waits);
  f.peer.hidden.delete('acme/deletedtoo');
  for (const app of ['deleted', 'deletedtoo']) {
    const status = await f.makeRepository(app);
    assert.equal(status.status, 'done', JSON.stringify(status));
    // What was asked for before is found, and is the app's: nothing is made twice.
    assert.ok(f.peer.count('POST', /forks/) > 0);
    assert.match(rowOf(app), /"state":"created"/);
  }
});

test('runs that are taken off the queue come back', async () => {
  f.worker.kill('SIGSTOP');
  await f.greet('unqueued', 'on');
  for (const key of ['slipway:{0}:ready', 'slipway:{0}:ready:default', 'slipway:{0}:ready:default:unqueued']) {
    f.attack('ZREM', key, ...f.attack('ZRANGE', key, '0', '-1').split('\n'));
  }
  f.worker.kill('SIGCONT');
  assert.equal((await f.until('unqueued', 'hello', 'greet')).status, 'done');
});

test('entries of the queue that name nothing, a run that nobody asked for, or one of another tenant', async () => {
  const other = f.api.token('deploy', { tenant: 'rival' }).text;
  await f.trigger('docs', 'hello', 'greet', { greet: { text: 'theirs' } }, {}, other);
  await until(() => f.cli('tester', 'HGET', keyOf('docs', 'hello:greet', 'rival'), 'status') === 'done', 'it is done');
  const before = f.cli('tester', 'HGETALL', keyOf('docs', 'hello:greet', 'rival'));
  const names = ['rival:docs:hello:greet', 'default:docs:hello:greet', 'rival:../x:hello:greet', 'x', '', 'a:b:c:d:e'];
  for (const name of names) {
    f.attack('ZADD', 'slipway:{0}:begun', '1', name);
    f.attack('ZADD', 'slipway:{0}:delayed', '1', name);
  }
  f.attack('ZADD', 'slipway:{0}:ready:default:docs', '1', 'hello:greet');
  f.attack('ZADD', 'slipway:{0}:ready:default', '1', 'docs');
  await goesOn('queue');
  await until(() => f.cli('tester', 'ZCARD', 'slipway:{0}:begun') === '0', 'the entries are gone');
  assert.equal(f.cli('tester', 'HGETALL', keyOf('docs', 'hello:greet', 'rival')), before);
  assert.equal(f.cli('tester', 'EXISTS', keyOf('docs', 'hello:greet')), '0');
});

test('a run of its own, written by hand: what a caller could have asked for, under the checks of one', async () => {
  const key = keyOf('handmade', 'site:repo');
  const definition = f.cli('tester', 'HGET', keyOf('ledger', 'site:repo'), 'definition');
  const fields = { app: 'handmade', workflow: 'site', action: 'repo', run: 'made-by-hand', status: 'running',
    phase: 'queued', digest: 'x', definition, attempt: '1', attempts: '1', run_ms: '60000',
    run_deadline: '9999999999999', retention: '90000', version: '1', ready_at: '1' };
  const begin = (input) => {
    f.attack('DEL', key);
    f.attack('HSET', key, ...Object.entries({ ...fields, input: JSON.stringify(input) }).flat());
    f.attack('ZADD', 'slipway:{0}:live', '9999999999999', 'default:handmade:site:repo');
    f.attack('ZADD', 'slipway:{0}:ready:default:handmade', '1', 'site:repo');
    f.attack('ZADD', 'slipway:{0}:ready:default', '1', 'handmade');
    f.attack('ZADD', 'slipway:{0}:ready', '1', 'default');
    f.attack('RPUSH', 'slipway:{0}:bell', '1');
    return f.until('handmade', 'site', 'repo', (one) => ['done', 'error', 'waiting'].includes(one.phase ?? one.status));
  };
  const mark = f.peer.calls.length;
  // A secret in a field that takes none, a reference that leads out of the tenant, an address, a wrong type.
  f.cli('slipway-worker', 'HSET', keyOf('handmade', 'payload'), 'secrets', '{"KEY":"sealed.00000000.x"}');
  for (const name of ['${secret.KEY}', '${app.../rival.hello.greet.text}', '../../user', { a: 1 }]) {
    const status = await begin({ owner: 'acme', name, fork: 'upstream/template' });
    assert.match(status.reason, /^(invalid_input|no_worker_for_version)$/, JSON.stringify(status));
  }
  assert.deepEqual(f.peer.since(mark), []);
  await begin({ owner: 'acme', name: 'handmade', fork: 'upstream/template' });
  assert.equal((await f.until('handmade', 'site', 'repo')).status, 'done');
});

test('a secret of another app in the payload of an app that asks for it is not opened', async () => {
  const sealed = (app) => JSON.parse(f.cli('tester', 'HGET', keyOf(app, 'payload'), 'secrets')).KEY;
  for (const app of ['rich', 'poor']) {
    const answer = await f.post({ mode: 'configure', appId: app, secrets: { KEY: `the-secret-of-${app}` } });
    assert.equal(answer.status, 200, JSON.stringify(answer));
  }
  f.attack('HSET', keyOf('poor', 'payload'), 'secrets', JSON.stringify({ KEY: sealed('rich') }));
  const ends = {};
  for (const app of ['rich', 'poor']) {
    const project = { id: 'prj_1', name: app, accountId: 'a', created: true, linked: false };
    await f.post({ mode: 'skip', appId: app, workflowId: 'site', actionId: 'project', output: project });
    const variables = [{ key: 'A', value: '${secret.KEY}', type: 'encrypted' }];
    await f.trigger(app, 'site', 'env', { env: { variables } });
    ends[app] = await f.until(app, 'site', 'env');
  }
  // The one that has it fails at the provider, which knows no such project.
  assert.equal(ends.rich.error.provider, 'vercel', JSON.stringify(ends.rich));
  assert.match(ends.poor.error.message, /secret/, JSON.stringify(ends.poor));
  assert.equal(ends.poor.error.provider, undefined);
  assert.ok(!JSON.stringify([f.peer.calls, f.log]).includes('the-secret-of-rich'));
});

test('a lease that is taken from a worker: the run is run again, and nothing is made twice', async () => {
  let release;
  f.peer.intercept = (call) => /forks/.test(call.path) && new Promise((resolve) => {
    release = () => resolve(false);
  });
  await f.trigger('robbed', 'site', 'repo', { repo: { owner: 'acme', name: 'robbed', fork: 'upstream/template' } });
  await until(() => release, 'it is being run');
  f.peer.intercept = () => false;
  f.attack('HSET', keyOf('robbed', 'site:repo'), 'lease', 'mine', 'lease_until', '1');
  f.attack('ZADD', 'slipway:{0}:live', '1', 'default:robbed:site:repo');
  release();
  assert.equal((await f.until('robbed', 'site', 'repo')).status, 'done');
  assert.equal(f.peer.calls.filter((call) => call.method === 'POST' && call.body.includes('"robbed"')).length, 1);
});

test('an owner that is forged by a better login: the thing of another app is not deleted', async () => {
  await f.once('ledger');
  const { id } = JSON.parse(rowOf('ledger'));
  f.cli('slipway-worker', 'SET', `slipway:owner:github:repository:${id}`, 'default:thief 1');
  const mark = f.peer.calls.length;
  assert.equal((await f.remove('thief')).status, 'done');
  // To take it over is no way either: it was not made by the thief.
  const repo = { owner: 'acme', name: 'ledger', fork: 'upstream/template', adopt: true };
  await f.trigger('thief', 'site', 'repo', { repo });
  await f.until('thief', 'site', 'repo');
  assert.equal((await f.remove('thief')).status, 'done');
  assert.deepEqual(f.peer.since(mark), []);
  assert.ok(f.peer.repositories.has('acme/ledger'));
});

test('history, events, changes and the audit, forged and cut: people are lied to, nothing else', async () => {
  await goesOn('told');
  f.attack('LPUSH', keyOf('told', 'history'), 'no sense', '9000000000000-0 done hello greet r - - 1 0 - -\noutput {');
  f.attack('LPUSH', keyOf('told', 'events'), 'no sense');
  f.attack('XADD', keyOf('told', 'deployments'), '*', 'deployment', 'd', 'inputs', '[', 'status', 'done');
  f.attack('RPUSH', 'slipway:audit', 'no sense');
  f.attack('XADD', 'slipway:{0}:changes', 'MAXLEN', '0', '*', 'a', 'b');
  for (const route of ['history', 'events', 'deployments']) {
    const answer = await f.api.get(f.token, `/api/apps/told/${route}`);
    assert.equal(answer.status, 200, JSON.stringify(answer));
  }
  assert.ok(audit().some((line) => line.includes('no sense')));
  await goesOn('told');
});

test('a deployment that is forged as done, or as one of other steps: starting it anew runs what lacks', async () => {
  const start = (text) =>
    f.post({ mode: 'start', appId: 'deployed', workflowId: 'hello', inputs: { greet: { text } } });
  await start('first');
  await f.until('deployed', 'hello', 'repeat');
  f.attack('HSET', keyOf('deployed', 'hello:_deployment'), 'status', 'done', 'steps', 'no such', 'digest', 'x');
  f.attack('DEL', keyOf('deployed', 'hello:greet'));
  const answer = await start('second');
  assert.equal(answer.status, 202, JSON.stringify(answer));
  const status = await f.until('deployed', 'hello', 'repeat', (one) => one.output?.text === 'again: second');
  assert.equal(status.status, 'done');
});

test('afterwards all works, an operator finds what was done here, and the provider saw nothing of it', async () => {
  await goesOn('afterwards');
  assert.ok(f.peer.repositories.has('acme/theirs'));
  assert.equal(f.peer.calls.filter((call) => call.method === 'DELETE' && /theirs/.test(call.path)).length, 0);
  const verified = f.slipway('verify', '--repair');
  assert.doesNotMatch(verified.text, /cannot be read|somebody has made it/);
});
