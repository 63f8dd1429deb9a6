// The endpoint through nginx: the contract of every mode, and bad input with what is left of it in Redis.
//
// covers: src/api/main.c src/api/routes.c src/api/mode_trigger.c src/api/mode_poll.c src/api/mode_configure.c
// covers: src/api/mode_cancel.c src/api/query.c src/api/response.c src/api/route_deploy.c src/api/route_workflows.c
// covers: src/api/target.c src/api/media_type.c src/base/resources.c src/store/payload.c
// covers: src/store/scripts/configure.lua src/core/run.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Stack, askedAgain, build, childrenOf, until } from './stack.mjs';
import * as fastcgi from './fastcgi.mjs';

let stack;
before(async () => { stack = await Stack.start({ flags: ['--no-emulator'] }); });
after(() => stack.stop());

function assertProblem(answer, status, className) {
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  assert.match(answer.headers.get('content-type'), /^application\/problem\+json/);
  assert.equal(answer.body.status, status);
  assert.equal(answer.body.class, className);
  assert.equal(typeof answer.body.title, 'string');
}

async function keysOfApps() {
  return (await stack.redis('KEYS', 'slipway:{0}:app:default:*')).split('\n').filter(Boolean).sort();
}

test('healthz and readyz', async () => {
  assert.equal((await stack.get('/healthz')).status, 200);
  assert.equal((await stack.get('/readyz')).status, 200);
});

// What it says of Redis; it says as well where Redis was too slow to tell.
const unready = (words) => until(async () => {
  const answer = await stack.askOnce('/readyz');
  return words.test(answer.body.remedy?.text) && answer;
}, `readyz says ${words}`);

test('readyz says what is wrong with Redis', async () => {
  await stack.redis('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
  const answer = await unready(/noeviction/);
  await stack.redis('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
  assertProblem(answer, 503, 'store_unavailable');
  assert.ok(Number(answer.headers.get('retry-after')) >= 1);
});

test('readyz refuses a Redis that never waits for the disk, or writes no append-only file', async () => {
  for (const [name, bad, good] of [['appendfsync', 'no', 'always'], ['appendonly', 'no', 'yes']]) {
    await stack.redis('CONFIG', 'SET', name, bad);
    const answer = await unready(new RegExp(name));
    await stack.redis('CONFIG', 'SET', name, good);
    assertProblem(answer, 503, 'store_unavailable');
  }
  await until(async () => (await stack.askOnce('/readyz')).status === 200, 'Redis is as it should be again');
});

test('workflows are described with JSON Schema', async () => {
  const { body } = await stack.get('/api/workflows');
  const site = body.workflows.find((workflow) => workflow.id === 'site');
  assert.deepEqual(site.steps.map((step) => step.id), [
    'repo', 'files', 'variables', 'secrets', 'access', 'project', 'env', 'deployment', 'domain', 'check', 'protection',
  ]);
  assert.deepEqual(site.steps.filter((step) => step.optional).map((step) => step.id), [
    'files', 'variables', 'secrets', 'access', 'protection',
  ]);
  assert.deepEqual(site.steps[1].needs, ['repo']);
  assert.equal(site.steps.find((step) => step.id === 'check').bound.url, '${step.deployment.alias}');
  const { input } = site.steps[0];
  assert.equal(input.type, 'object');
  assert.ok(input.required.includes('owner'));
  assert.equal(input.additionalProperties, false);
});

test('poll before any trigger is idle', async () => {
  const status = await stack.status('nobody', 'hello', 'greet');
  assert.equal(status.status, 'idle');
  assert.equal(status.version, 0);
  assert.deepEqual(status.output, {});
  const all = await stack.post({ mode: 'poll', appId: 'nobody', workflowId: 'site' });
  assert.equal(all.body.actions.length, 11);
  assert.deepEqual(await keysOfApps(), []);
});

test('trigger, single flight, reuse, force', async () => {
  const inputs = { greet: { text: 'hello' } };
  const first = await stack.trigger('flow', 'hello', 'greet', { inputs });
  assert.equal(first.status, 202);
  assert.equal(first.body.status, 'running');
  const done = await stack.untilStatus('flow', 'hello', 'greet', 'done');
  assert.equal(done.runId, first.body.runId);
  assert.ok(done.version > first.body.version);
  const again = await stack.trigger('flow', 'hello', 'greet', { inputs });
  assert.equal(again.status, 200);
  assert.equal(again.body.reused, true);
  assert.equal(again.body.runId, first.body.runId);
  const forced = await stack.trigger('flow', 'hello', 'greet', { inputs, force: true });
  assert.equal(forced.status, 202);
  assert.notEqual(forced.body.runId, first.body.runId);
  await stack.untilStatus('flow', 'hello', 'greet', 'done');
});

test('a forced trigger whose answer was lost is sent again and runs nothing twice', async () => {
  const wanted = { inputs: { greet: { text: 'hello' } }, force: true, triggerId: 'client-1-a' };
  const first = await stack.trigger('again', 'hello', 'greet', wanted);
  assert.equal(first.status, 202);
  await stack.untilStatus('again', 'hello', 'greet', 'done');
  const again = await stack.trigger('again', 'hello', 'greet', wanted);
  assert.equal(again.status, 200);
  assert.equal(again.body.runId, first.body.runId);
  assert.equal(again.body.status, 'done');
  const other = await stack.trigger('again', 'hello', 'greet', { ...wanted, triggerId: 'client-1-b' });
  assert.equal(other.status, 202);
  await stack.untilStatus('again', 'hello', 'greet', 'done');
});

test('what is refused, or there is not, is said as it is', async () => {
  const nothing = await stack.post({ mode: 'cancel', appId: 'never-started', workflowId: 'hello' });
  assert.equal(nothing.status, 200);
  assert.deepEqual([nothing.body.status, nothing.body.deploymentId, nothing.body.resources], ['idle', null, []]);
  assert.equal((await stack.get('/api/deploy?appId=never-started&workflowId=hello')).body.deployment, null);

  await stack.trigger('skipped', 'hello', 'greet', { inputs: { greet: { text: 'hello' } } });
  await stack.untilStatus('skipped', 'hello', 'greet', 'done');
  const output = { text: 'by hand', length: 7 };
  const skip = await stack.post({ mode: 'skip', appId: 'skipped', workflowId: 'hello', actionId: 'greet', output });
  assertProblem(skip, 409, 'run_conflict');
  assert.match(skip.body.detail, /'greet' of 'skipped' is done already: it has a result/);
  assert.doesNotMatch(JSON.stringify(skip.body), /already running/);

  const itself = await stack.post({ mode: 'start', appId: 'ring-of-one', workflowId: 'hello',
    inputs: { greet: { text: 'a' } }, after: [{ appId: 'ring-of-one', workflowId: 'hello' }] });
  assertProblem(itself, 400, 'invalid_request', '/after');
});

test('a trigger that is sent again makes no run, whatever others have done with the step meanwhile', async () => {
  const wanted = { inputs: { greet: { text: 'mine' } }, force: true, triggerId: 'mine' };
  const theirs = { greet: { text: 'theirs' } };
  await stack.trigger('between', 'hello', 'greet', wanted);
  await stack.untilStatus('between', 'hello', 'greet', 'done');
  const starts = await stack.post({ mode: 'start', appId: 'between', workflowId: 'hello', inputs: theirs });
  assert.equal(starts.status, 202, JSON.stringify(starts.body));
  const run = await stack.untilStatus('between', 'hello', 'greet', 'done');
  const again = await stack.trigger('between', 'hello', 'greet', wanted);
  assert.equal(again.status, 200);
  assert.deepEqual([again.body.runId, again.body.status, again.body.output.text], [run.runId, 'done', 'theirs']);
  // Also where its inputs would be refused by now.
  const other = { ...wanted, inputs: { greet: { text: '${config.gone}' } } };
  assert.equal((await stack.trigger('between', 'hello', 'greet', other)).body.runId, run.runId);
  assertProblem(await stack.trigger('between', 'hello', 'greet', { ...other, triggerId: 'min' }), 422, 'invalid_input');
  // The end of a deployment writes a key of its own: no test after this one is to see it come.
  await until(async () => {
    const { body } = await stack.get('/api/deploy?appId=between&workflowId=hello');
    return body.deployment.status === 'done';
  }, 'the deployment has ended');
});

test('a trigger that is sent again gets its run, whatever was configured meanwhile', async () => {
  const configured = await stack.post({ mode: 'configure', appId: 'known', config: { text: 'hello' } });
  const wanted = { inputs: { greet: { text: '${config.text}' } }, triggerId: 'once',
    configVersion: configured.body.version };
  const first = await stack.trigger('known', 'hello', 'greet', wanted);
  assert.equal(first.status, 202, JSON.stringify(first.body));
  await stack.post({ mode: 'configure', appId: 'known', config: { text: null } });
  const again = await stack.trigger('known', 'hello', 'greet', wanted);
  assert.equal(again.status, 200, JSON.stringify(again.body));
  assert.equal(again.body.runId, first.body.runId);
  const other = await stack.trigger('known', 'hello', 'greet', { ...wanted, triggerId: 'other' });
  assertProblem(other, 409, 'config_changed');
});

test('apps deployed without regard to order: what needs another app is not run before that has it', async () => {
  const inputs = { greet: { text: 'from ${app.first.hello.greet.text}' } };
  const early = async (why) => {
    const before = await keysOfApps();
    const answer = await stack.trigger('second', 'hello', 'greet', { inputs });
    assertProblem(answer, 409, 'needs_not_done');
    assert.deepEqual(answer.body.needs, ['first.hello.greet'], why);
    assert.deepEqual(await keysOfApps(), before, why);
  };
  await early('the other app is not known');
  await stack.post({ mode: 'configure', appId: 'first', config: { a: 1 } });
  await early('the other app has run nothing');
  await stack.trigger('first', 'hello', 'greet', { inputs: { greet: { text: 'A' } } });
  await stack.untilStatus('first', 'hello', 'greet', 'done');
  const inTurn = await stack.trigger('second', 'hello', 'greet', { inputs });
  assert.equal(inTurn.status, 202);
  assert.equal((await stack.untilStatus('second', 'hello', 'greet', 'done')).output.text, 'from A');
});

test('steps run without regard to order: one whose need is not done is refused, and nothing is written', async () => {
  const before = await keysOfApps();
  const answer = await stack.trigger('order', 'site', 'project', { inputs: { project: { name: 'x' } } });
  assertProblem(answer, 409, 'needs_not_done');
  assert.deepEqual(answer.body.needs, ['repo']);
  assert.deepEqual(await keysOfApps(), before);
});

test('the conditional poll', async () => {
  const path = '/api/deploy?appId=flow&workflowId=hello&actionId=greet';
  const first = await stack.get(path);
  const etag = first.headers.get('etag');
  assert.ok(etag);
  const second = await stack.get(path, { 'if-none-match': etag });
  assert.equal(second.status, 304);
  assert.equal(second.body, '');
  assert.equal(second.headers.get('etag'), etag);
  // Not a 304 to whatever is asked: a change has another tag.
  const inputs = { greet: { text: 'a change' } };
  assert.equal((await stack.trigger('flow', 'hello', 'greet', { inputs })).status, 202);
  await stack.untilStatus('flow', 'hello', 'greet', 'done');
  const third = await stack.get(path, { 'if-none-match': etag });
  assert.equal(third.status, 200);
  assert.equal(third.body.output.text, 'a change');
  assert.notEqual(third.headers.get('etag'), etag);
});

test('configure merges as RFC 7396 says', async () => {
  const one = await stack.post({ mode: 'configure', appId: 'conf', inputs: { greet: { text: 'cached' } },
    config: { a: 1, b: { c: 2 } }, env: { X: '1' } });
  assert.equal(one.status, 200);
  const two = await stack.post({ mode: 'configure', appId: 'conf', config: { a: null, b: { d: 3 } } });
  assert.deepEqual(two.body.config, { b: { c: 2, d: 3 } });
  assert.deepEqual(two.body.env, { X: '1' });
  assert.equal((await stack.trigger('conf', 'hello', 'greet')).status, 202);
  const done = await stack.untilStatus('conf', 'hello', 'greet', 'done');
  assert.equal(done.output.text, 'cached');
});

test('a payload that a hand has broken is refused with the field it broke, and not taken for nothing', async () => {
  const payload = 'slipway:{0}:app:default:by-hand:payload';
  await stack.post({ mode: 'configure', appId: 'by-hand', inputs: { greet: { text: 'cached' } } });
  for (const text of ['0', '[]', '"text"', '{']) {
    await stack.redis('HSET', payload, 'inputs', text);
    const refused = await stack.trigger('by-hand', 'hello', 'greet');
    assertProblem(refused, 500, 'internal');
    assert.match(refused.body.detail, /the field 'inputs' of the payload of 'by-hand' is no JSON object/, text);
  }
  await stack.redis('DEL', payload);
});

test('environment values baked into code: each app has its own, and a change of one is in the next run', async () => {
  const inputs = { greet: { text: 'to ${config.who} ${env.PLACE}' } };
  const greeting = async (app, changes) => {
    assert.equal((await stack.post({ mode: 'configure', appId: app, ...changes })).status, 200);
    assert.equal((await stack.trigger(app, 'hello', 'greet', { inputs })).status, 202);
    return (await stack.untilStatus(app, 'hello', 'greet', 'done')).output.text;
  };
  assert.equal(await greeting('env-app', { config: { who: 'world' }, env: { PLACE: 'here' } }), 'to world here');
  assert.equal(await greeting('env-other', { config: { who: 'moon' }, env: { PLACE: 'there' } }), 'to moon there');
  assert.equal(await greeting('env-app', { env: { PLACE: 'elsewhere' } }), 'to world elsewhere');
});

test('bad input is refused, names its place, and leaves nothing in Redis', async () => {
  const before = await keysOfApps();
  const base = { mode: 'trigger', appId: 'bad', workflowId: 'hello', actionId: 'greet' };
  const deep = `${'['.repeat(33)}${']'.repeat(33)}`;
  const cases = [
    ['{', 400, 'invalid_request'],
    ['', 400, 'invalid_request'],
    ['[]', 400, 'invalid_request'],
    ['{} trailing', 400, 'invalid_request'],
    [`{"mode":"trigger","x":${deep}}`, 400, 'invalid_request'],
    [{ ...base, mode: 'destroy' }, 400, 'invalid_request', '/mode'],
    [{ ...base, mode: 7 }, 400, 'invalid_request', '/mode'],
    [{ ...base, Mode: 'trigger' }, 400, 'invalid_request', '/Mode'],
    [{ ...base, appId: 'a b' }, 400, 'invalid_request', '/appId'],
    [{ ...base, appId: 'acme.docs' }, 400, 'invalid_request', '/appId'],
    [{ ...base, appId: 'x'.repeat(65) }, 400, 'invalid_request', '/appId'],
    [{ ...base, appId: undefined }, 400, 'invalid_request', '/appId'],
    [{ ...base, workflowId: 'nope' }, 404, 'not_found', '/workflowId'],
    [{ ...base, actionId: 'nope' }, 404, 'not_found', '/actionId'],
    [{ ...base, inputs: [] }, 400, 'invalid_request', '/inputs'],
    [{ ...base, force: 'yes' }, 400, 'invalid_request', '/force'],
    [{ ...base, triggerId: 'a b' }, 400, 'invalid_request', '/triggerId'],
    [{ ...base, triggerId: 7 }, 400, 'invalid_request', '/triggerId'],
    [{ ...base, inputs: { greet: { text: 7 } } }, 422, 'invalid_input', '/inputs/greet/text'],
    [{ ...base, inputs: { greet: {} } }, 422, 'invalid_input', '/inputs/greet/text'],
    [{ ...base, inputs: { greet: { text: 'a', extra: 1 } } }, 422, 'invalid_input', '/inputs/greet/extra'],
    [{ ...base, inputs: { other: {} } }, 422, 'invalid_input', '/inputs/other'],
    [{ ...base, inputs: { greet: { text: '${config.none}' } } }, 422, 'invalid_input', '/inputs/greet/text'],
    ...['hello.greet.typo', 'hello.none.text', 'none.greet.text'].map((rest) => {
      const greet = { text: `a ${'$'}{app.other.${rest}}` };
      return [{ ...base, inputs: { greet } }, 422, 'invalid_input', '/inputs/greet/text'];
    }),
    [{ ...base, inputs: { greet: { text: '${step.none.text}' } } }, 422, 'invalid_input', '/inputs/greet/text'],
    ['{"mode":"trigger","mode":"poll"}', 400, 'invalid_request', '/mode'],
    ['{"mode":"trigger","appId":"a\\u0000b"}', 400, 'invalid_request', '/appId'],
    ['{"mode":"trigger","appId":"\\ud800"}', 400, 'invalid_request', '/appId'],
    [new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400, 'invalid_request'],
  ];
  for (const [body, status, className, place] of cases) {
    const answer = await stack.post(body);
    assert.equal(answer.status, status, `${JSON.stringify(body)} -> ${JSON.stringify(answer.body)}`);
    assertProblem(answer, status, className);
    if (place) assert.equal(answer.body.errors?.[0]?.place, place, JSON.stringify(answer.body));
  }
  assert.deepEqual(await keysOfApps(), before);
});

// Before anything was checked, this took 10 s and 1.2 GB, of both handlers, and every other request was a 504.
test('references that stand for more than a body may have are refused, and cost no memory', async () => {
  const handlers = await childrenOf(await stack.daemon('slipway-api'));
  const api = { appId: 'large', config: { b: 'x'.repeat(60000), n: 1 } };
  assert.equal((await stack.post({ mode: 'configure', ...api })).status, 200);
  const many = (text, count) => new Array(count).fill(text);
  const base = { appId: 'large', workflowId: 'site' };
  const variables = (text) => ({ variables: { variables: many({ name: 'A', value: text }, 90) } });
  const attacks = [
    [{ ...base, mode: 'trigger', actionId: 'repo', inputs: { repo: { topics: many('${config.b}', 4000) } } }, 422],
    [{ ...base, mode: 'plan', inputs: variables('${config.b}') }, 413],
    [{ ...base, mode: 'validate', inputs: variables('${config.b}') }, 413],
    [{ mode: 'trigger', appId: 'large', workflowId: 'hello', actionId: 'greet',
      inputs: { greet: { text: '${config.b}'.repeat(4000) } } }, 413],
  ];
  const answers = await Promise.all(attacks.map(([body]) => stack.post(body)));
  for (const [i, answer] of answers.entries()) {
    assert.equal(answer.status, attacks[i][1], JSON.stringify(answer.body));
    if (answer.status !== 413) continue;
    assertProblem(answer, 413, 'payload_too_large');
    assert.match(answer.body.detail, /\$\{config\.b\}/);
    assert.match(answer.body.errors[0].place, /^\/inputs\/(variables\/variables\/\d+\/value|greet\/text)$/);
  }
  assert.deepEqual(await keysOfApps().then((keys) => keys.filter((key) => key.includes(':large:'))),
    ['slipway:{0}:app:default:large:events', 'slipway:{0}:app:default:large:payload']);
  assert.ok(handlers.length >= 2);
  for (const { pid } of handlers) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    // Sanitizers need more than any bound, so there is none.
    if (/sanitize/.test(process.env.BUILD ?? '')) continue;
    assert.ok(Number(/^VmHWM:\s+(\d+)/m.exec(status)[1]) < 64 * 1024, status);
    const limits = await readFile(`/proc/${pid}/limits`, 'utf8');
    assert.match(limits, /^Max data size\s+268435456 /m);
  }
});

test('a body in another charset, or encoded, is refused and starts nothing', async () => {
  const before = await keysOfApps();
  const text = JSON.stringify({
    mode: 'trigger', appId: 'charset', workflowId: 'hello', actionId: 'greet', inputs: { greet: { text: 'x' } },
  });
  const refused = [
    { 'content-type': 'application/json; charset=utf-16' },
    { 'content-type': 'application/json; charset="ISO-8859-1"' },
    { 'content-type': 'application/json; x=y; Charset=us-ascii' },
    { 'content-type': 'application/json; charset=utf-8; charset=utf-16' },
    { 'content-type': 'application/json; charset' },
    { 'content-type': 'application/json; charset="utf-8' },
    { 'content-type': 'application/json charset=utf-8' },
    { 'content-type': 'application/jsonp' },
    { 'content-encoding': 'gzip' },
    { 'content-encoding': 'identity, gzip' },
  ];
  for (const headers of refused) {
    const answer = await stack.post(text, headers);
    assert.equal(answer.status, 415, JSON.stringify(headers));
    assertProblem(answer, 415, 'unsupported_media_type');
  }
  assert.deepEqual(await keysOfApps(), before);
  const taken = [
    { 'content-type': 'application/json;charset=UTF-8' },
    { 'content-type': 'Application/JSON ; charset="utf-8" ; q=1' },
    { 'content-type': 'application/json;' },
    { 'content-encoding': 'identity' },
  ];
  const poll = { mode: 'poll', appId: 'charset', workflowId: 'hello' };
  for (const headers of taken) assert.equal((await stack.post(poll, headers)).status, 200, JSON.stringify(headers));
});

test('only JSON, only known methods and paths, only so large', async () => {
  assertProblem(await stack.post('{}', { 'content-type': 'text/plain' }), 415, 'unsupported_media_type');
  const large = JSON.stringify({ mode: 'poll', pad: 'x'.repeat(262144) });
  assertProblem(await stack.post(large), 413, 'payload_too_large');
  const fits = `{"mode":"poll","appId":"a","workflowId":"hello"}`.padEnd(262144);
  assert.equal((await stack.post(fits)).status, 200);
  assertProblem(await stack.get('/api/nothing'), 404, 'not_found');
  const response = await fetch(`${stack.url}/api/deploy`, { method: 'DELETE' });
  assert.equal(response.status, 405);
  assert.equal((await response.json()).class, 'method_not_allowed');
  assertProblem(await stack.get('/api/deploy?appId=a'), 400, 'invalid_request');
  assertProblem(await stack.get('/api/deploy?appId=a&workflowId=hello&x=1'), 400, 'invalid_request');
});

async function bytesOf(app) {
  const keys = (await keysOfApps()).filter((key) => key.startsWith(`slipway:{0}:app:default:${app}:`));
  const sizes = await Promise.all(keys.map((key) => stack.redis('MEMORY', 'USAGE', key, 'SAMPLES', '0')));
  return sizes.reduce((sum, size) => sum + Number(size), 0);
}

// It took 5,341, of which 4,752 were the events: a stream.
test('a finished run with its app takes little memory, and its events can be read', async () => {
  await stack.trigger('small', 'hello', 'greet', { inputs: { greet: { text: 'good morning' } } });
  const done = await stack.untilStatus('small', 'hello', 'greet', 'done');
  assert.ok((await bytesOf('small')) < 1500, `${await bytesOf('small')} bytes`);
  const lines = (await stack.redis('LRANGE', 'slipway:{0}:app:default:small:events', '0', '-1')).split('\n');
  assert.deepEqual(lines.map((line) => line.replace(/^\d{13}-\d+ /, '').replace(/ on .*/, '')),
    ['done ^', 'log ^ noted: good morning', 'executing ^ attempt 1', `queued hello.greet.${done.runId}`]);
});

// A hash of 449 to 512 bytes takes 512, and one of up to 448 takes those; key and entry take 88 here. It had 484.
test('what a finished run says takes little memory', async () => {
  await stack.trigger('tiny', 'hello', 'greet', { inputs: { greet: { text: 'hello' } } });
  const done = await stack.untilStatus('tiny', 'hello', 'greet', 'done');
  assert.deepEqual([done.attempt, done.crashes], [1, 0]);
  const bytes = Number(await stack.redis('MEMORY', 'USAGE', 'slipway:{0}:app:default:tiny:hello:greet'));
  assert.ok(bytes <= 448 + 88, `${bytes} bytes`);
});

// A plan of 8 kB that named a long value again and again stored 13 MB, and kept them for a year.
test('what a plan stored is gone when it has ended, but for its answer', async () => {
  await stack.post({ mode: 'configure', appId: 'planner', config: { b: 'x'.repeat(50000) } });
  const variables = ['A', 'B'].map((name) => ({ name, value: '${config.b}' }));
  const env = ['A', 'B'].map((key) => ({ key, value: 'x'.repeat(2100), type: 'plain' })); // more than a history keeps
  const inputs = { variables: { variables }, env: { variables: env } };
  assert.equal((await stack.post({ mode: 'plan', appId: 'planner', workflowId: 'site', inputs })).status, 202);
  await stack.untilStatus('planner', 'site', 'plan', ({ status }) => ['done', 'error'].includes(status));
  assert.equal((await stack.hash('planner', 'site', 'plan')).input, undefined);
  assert.ok((await bytesOf('planner')) < 72000, `${await bytesOf('planner')} bytes`);
});

test('cancel: 200 where nothing ran', async () => {
  const answer = await stack.post({ mode: 'cancel', appId: 'nobody', workflowId: 'hello', actionId: 'greet' });
  assert.equal(answer.status, 200);
  assert.equal(answer.body.status, 'idle');
});

test('metrics are Prometheus text', async () => {
  const { status, body } = await stack.get('/metrics');
  assert.equal(status, 200);
  assert.match(body, /^# TYPE slipway_live_runs gauge$/m);
});

test('what a hand puts on the queue is dropped or buried, and harms nobody', async () => {
  const add = (key, ...names) => stack.redis('ZADD', `slipway:{0}:${key}`, ...names.flatMap((name) => ['1', name]));
  await add('begun', 'default:x y:hello:greet', 'junk', 'default:hand:hello:greet');
  await add('ready:default:hand', 'hello:greet', 'junk');
  await add('ready:default', 'hand', 'nobody');
  await add('ready', 'default', 'nobody');
  await until(async () => (await stack.redis('XLEN', 'slipway:{0}:dead')) === '3', 'what names no run is buried');
  const left = () => stack.redis('EXISTS', 'slipway:{0}:ready', 'slipway:{0}:begun');
  await until(async () => (await left()) === '0', 'all is gone');
});

test('Redis away: 503 with Retry-After, nothing half-written, and back by itself', async () => {
  const pid = await stack.daemon('redis-server');
  const body = { mode: 'trigger', appId: 'away', workflowId: 'hello', actionId: 'greet',
    inputs: { greet: { text: 'x' } } };
  process.kill(pid, 'SIGSTOP');
  const answer = await stack.askOnce('/api/deploy', { method: 'POST', body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' } });
  process.kill(pid, 'SIGCONT');
  assert.equal(answer.status, 503, JSON.stringify(answer.body));
  assert.ok(['store_unavailable', 'outcome_unknown'].includes(answer.body.class));
  assert.ok(Number(answer.headers.get('retry-after')) >= 1);
  const again = await until(async () => {
    const retry = await stack.post(body);
    return retry.status < 300 && retry;
  }, 'the trigger is taken');
  assert.ok(again.body.runId);
  await stack.untilStatus('away', 'hello', 'greet', 'done');
});

// One with one handler; `ended` is its exit status.
function startAnother(name) {
  const socket = path.join(stack.folder, `${name}.sock`);
  const words = ['--listen', socket, '--processes', '1', '--development', 'yes'];
  const api = spawn(path.join(build, 'slipway-api'), [...words, '--redis-url', `unix://${stack.folder}/redis.sock`], {
    stdio: 'ignore',
  });
  return { api, socket, ended: new Promise((resolve) => { api.once('exit', resolve); }) };
}

// An api of its own is told to stop while it replaces the deployment of an app: its answer. It waits for a step that
// does not end: somebody has it, and here that is nobody.
async function replaceAndStop(app) {
  const { api, socket, ended } = startAnother(app);
  const key = `slipway:{0}:app:default:${app}:hello:greet`;
  let answer;
  try {
    await until(() => fastcgi.open(socket).then((connection) => connection.destroy(), () => false), 'the api listens');
    const start = (text, more) => ({ mode: 'start', appId: app, workflowId: 'hello', inputs: { greet: { text } },
      ...more });
    await stack.post(start('one', { after: [{ appId: 'never', workflowId: 'hello' }] }));
    await stack.redis('HSET', key, 'phase', 'executing');
    let isOver = false;
    const asked = fastcgi.request(socket, 'POST', '/api/deploy', {}, start('two', { replace: true }))
      .finally(() => { isOver = true; });
    await until(async () => isOver || (await stack.redis('HGET', key, 'cancel')), 'it waits for the end');
    api.kill('SIGTERM');
    answer = await asked;
  } finally {
    api.kill('SIGTERM');
  }
  assert.equal(await ended, 0);
  await stack.redis('DEL', key);
  return answer;
}

test('an api that is told to stop while a start replaces a deployment answers it', async () => {
  let apps = 0;
  // Where Redis was too slow for it, it is asked about another app.
  const { status, body } = await askedAgain(() => replaceAndStop(`replaced-${(apps += 1)}`));
  assert.deepEqual([status, body.class], [409, 'run_conflict'], JSON.stringify(body));
});

// The web server has no other way for a request on a connection that it has just made.
test('an api that is told to stop answers what comes on the connections that it took', async () => {
  const { api, socket, ended } = startAnother('another');
  try {
    const connection = await until(() => fastcgi.open(socket).catch(() => false), 'the api listens');
    // They are taken in their order: once a later one was answered, this one was taken.
    assert.match(await fastcgi.get(await fastcgi.open(socket), '/healthz'), /^Status: 200/);
    const [handler] = await childrenOf(api.pid);
    process.kill(handler.pid, 'SIGTERM');
    assert.match(await fastcgi.get(connection, '/healthz'), /^Status: 200/);
  } finally {
    api.kill('SIGTERM');
  }
  assert.equal(await ended, 0);
});
