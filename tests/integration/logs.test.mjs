// What the logs of the api and the workers tell: each request, each end of a run, each failed attempt, each limit, and
// one id by which all of it is found.
//
// covers: src/api/request_log.c src/core/run_log.c src/worker/attempt_log.c
import test, { before, beforeEach, after } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Stack, executorsOf, until } from './stack.mjs';
import { Peer } from './peer.mjs';

const TOKEN = 'ghs_0123456789.token-that-must-not-leak';

let stack;
let peer;
let folder;
let number = 0;

before(async () => {
  peer = await Peer.start();
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-logs-'));
  const token = path.join(folder, 'token');
  await writeFile(token, `${TOKEN}\n`, { mode: 0o600 });
  stack = await Stack.start({
    flags: ['--no-emulator', '--executors', '1'],
    env: {
      SLIPWAY_LOG_LEVEL: 'debug', SLIPWAY_GITHUB_URL: peer.url, SLIPWAY_GITHUB_TOKEN_FILE: token,
      SLIPWAY_OUTAGE_SECONDS: '0', // each failure is an attempt
    },
  });
});
beforeEach(() => {
  peer.intercept = () => false;
});
after(async () => {
  await stack?.stop();
  await peer.stop();
  await rm(folder, { recursive: true });
});

function newApp() {
  number += 1;
  return `app-${number}`;
}

// One line of logfmt as an object; fails where it is none.
function parse(line) {
  const pairs = {};
  let rest = line;
  while (rest !== '') {
    const [whole, name, bare, quoted] = /^([a-z_]+)=(?:([^ "=\\]+)|("(?:[^"\\]|\\.)*"))(?: |$)/.exec(rest) ?? [];
    assert.ok(whole, `no logfmt at "${rest}" in: ${line}`);
    assert.ok(!(name in pairs), `${name} stands twice in: ${line}`);
    pairs[name] = bare ?? JSON.parse(quoted);
    rest = rest.slice(whole.length);
  }
  return pairs;
}

async function lines(program) {
  const text = await readFile(path.join(stack.folder, `log/slipway-${program}.log`), 'utf8');
  return text.split('\n').filter((line) => line !== '').map(parse);
}

// The lines of a program that have these members, when there are some.
function logged(program, members) {
  const fits = (line) => Object.entries(members).every(([name, value]) => line[name] === value);
  return until(async () => {
    const found = (await lines(program)).filter(fits);
    return found.length > 0 && found;
  }, `${program} has logged ${JSON.stringify(members)}`);
}

async function requestLine(response) {
  const found = await logged('api', { request: response.headers.get('x-request-id') });
  assert.equal(found.length, 1);
  const { time, pid, ms, ...members } = found[0];
  assert.match(time, /^\d{4}-\d\d-\d\dT/);
  assert.match(ms, /^\d+$/);
  assert.ok(Number(pid) > 0);
  return members;
}

test('the api logs each request once: changes and refusals at info, what only reads at debug', async () => {
  const app = newApp();
  const request = async (response, rest) => {
    const id = response.headers.get('x-request-id');
    assert.match(id, /^[0-9a-f]{32}$/);
    assert.deepEqual(await requestLine(response), { program: 'slipway-api', event: 'request', request: id, ...rest });
  };
  const about = { path: '/api/deploy', tenant: 'default', app, workflow: 'hello' };
  const inputs = { greet: { text: 'hello' } };
  const trigger = await stack.trigger(app, 'hello', 'greet', { inputs });
  await request(trigger, { ...about, level: 'info', method: 'POST', mode: 'trigger', step: 'greet', status: '202' });
  const poll = await stack.get(`/api/deploy?appId=${app}&workflowId=hello&actionId=greet`);
  await request(poll, { ...about, level: 'debug', method: 'GET', step: 'greet', status: '200' });
  const posted = await stack.post({ mode: 'poll', appId: app, workflowId: 'hello' });
  await request(posted, { ...about, level: 'debug', method: 'POST', mode: 'poll', status: '200' });
  const configure = await stack.post({ mode: 'configure', appId: app, config: { a: 1 } });
  const { workflow, ...appOnly } = about;
  await request(configure, { ...appOnly, level: 'info', method: 'POST', mode: 'configure', status: '200' });
  const unknown = await stack.trigger(app, 'hello', 'nothing');
  await request(unknown, {
    ...about, level: 'info', method: 'POST', mode: 'trigger', step: 'nothing', status: '404', class: 'not_found',
  });
  const wrong = await stack.post({ mode: 'configure', appId: app, config: 1 });
  await request(wrong, {
    ...appOnly, level: 'info', method: 'POST', mode: 'configure', status: '400', class: 'invalid_request',
  });
  await request(await stack.get('/healthz'), { level: 'debug', method: 'GET', path: '/healthz', status: '200' });
});

test('no request forges a line or a member of one, names its own id, or leaves a secret in the log', async () => {
  const forged = 'a'.repeat(32);
  const bad = 'x\nlevel=error event=forged';
  const answers = [
    await stack.post({ mode: bad, appId: bad }, { 'x-request-id': forged }),
    await stack.post({ mode: 'trigger', appId: bad, workflowId: 'a b', actionId: '"' }, { 'x-request-id': forged }),
    await stack.get(`/api/deploy?appId=${encodeURIComponent(bad)}&workflowId=hello&password=hunter2-hunter2`),
    await stack.get(`/api/${encodeURIComponent(`hunter2-hunter2 ${bad}`)}`),
    await stack.post({ mode: 'configure', appId: newApp(), secrets: { DB: 'hunter2-hunter2' } }),
  ];
  assert.deepEqual(answers.map((answer) => answer.status), [400, 400, 400, 404, 200]);
  for (const answer of answers) {
    assert.notEqual(answer.headers.get('x-request-id'), forged);
    const line = await requestLine(answer);
    assert.equal(line.event, 'request');
    assert.deepEqual(Object.keys(line).filter((name) => line[name].includes('forged')), []);
  }
  const text = await readFile(path.join(stack.folder, 'log/slipway-api.log'), 'utf8');
  assert.ok(!text.includes('hunter2') && !text.includes(forged));
});

test('the id of the request that triggered a run stands in the run and in nginx\'s access log', async () => {
  const app = newApp();
  const trigger = await stack.trigger(app, 'hello', 'greet', { inputs: { greet: { text: 'hello' } } });
  const id = trigger.headers.get('x-request-id');
  await stack.untilStatus(app, 'hello', 'greet', 'done');
  assert.equal((await stack.hash(app, 'hello', 'greet')).request, id);
  // One that is answered with what is there already is another request, and the run is still the first one's.
  const again = await stack.trigger(app, 'hello', 'greet', { inputs: { greet: { text: 'hello' } } });
  assert.equal(again.status, 200);
  assert.equal((await stack.hash(app, 'hello', 'greet')).request, id);
  // nginx writes it when the answer is out.
  const lines = await until(async () => {
    const access = await readFile(path.join(stack.folder, 'log/nginx-access.log'), 'utf8');
    const own = access.split('\n').filter((line) => line.endsWith(`request=${id}`));
    return own.length > 0 && own;
  }, 'the access log has it');
  assert.equal(lines.length, 1);
});

// ---- the ends of runs ----

function triggerRepository(app) {
  return stack.trigger(app, 'site', 'repo', {
    inputs: { repo: { owner: 'acme', name: app, fork: 'upstream/template' } },
  });
}

async function ended(app, workflow = 'site', step = 'repo') {
  return stack.untilStatus(app, workflow, step, (status) => ['done', 'error'].includes(status.status));
}

// The one line about the end of the run, in the log of either program; without what differs from run to run.
async function endOf(program, trigger, end) {
  const { runId, appId, workflowId, actionId } = end;
  await logged(program, { event: 'run ended', run: runId });
  const all = [...(await lines('worker')), ...(await lines('api'))];
  const found = all.filter((line) => line.event === 'run ended' && line.run === runId);
  assert.equal(found.length, 1, JSON.stringify(found));
  const { time, pid, total_ms: total, attempt_ms: attempt, ...members } = found[0];
  const request = trigger.headers.get('x-request-id');
  const common = { program: `slipway-${program}`, event: 'run ended', tenant: 'default', app: appId,
    workflow: workflowId, step: actionId };
  for (const [name, value] of Object.entries({ ...common, run: runId, request })) {
    assert.equal(members[name], value, name);
    delete members[name];
  }
  const milliseconds = Date.parse(end.finishedAt) - Date.parse(end.queuedAt);
  assert.ok(Math.abs(Number(total) - milliseconds) <= 1, `${total} of ${milliseconds}`);
  assert.ok(attempt === undefined || (Number(attempt) >= 0 && /^\d+$/.test(attempt)));
  return { ...members, attempts: attempt !== undefined };
}

// What else the worker says of the run, without the members that each line has.
async function told(event, { runId }) {
  const found = (await lines('worker')).filter((line) => line.event === event && line.run === runId);
  const common = ['time', 'pid', 'program', 'event', 'tenant', 'app', 'workflow', 'step', 'run', 'request',
    'attempt_ms'];
  return found.map((line) => Object.fromEntries(Object.entries(line).filter(([name]) => !common.includes(name))));
}

test('the end of a good run is one line, and nothing else is above debug', async () => {
  const app = newApp();
  const trigger = await triggerRepository(app);
  const end = await ended(app);
  assert.equal(end.status, 'done', JSON.stringify(end.error));
  assert.deepEqual(await endOf('worker', trigger, end), {
    level: 'info', status: 'done', attempt: '1', crashes: '0', attempts: true,
  });
  const others = (await lines('worker')).filter((line) => line.run === end.runId && line.event !== 'run ended');
  assert.ok(others.length > 0);
  assert.deepEqual(others.filter((line) => line.level !== 'debug'), []);
});

test('each call of a provider is a line at debug: its path without the names in it, and nothing secret', async () => {
  const app = newApp();
  peer.intercept = (call, response) => {
    response.setHeader('x-github-request-id', 'GH:1');
    return false;
  };
  const from = peer.calls.length;
  const trigger = await triggerRepository(app);
  const end = await ended(app);
  const calls = (await lines('worker')).filter((line) => line.event === 'call' && line.run === end.runId);
  assert.equal(calls.length, peer.calls.length - from);
  assert.deepEqual(calls.map((line) => line.method), peer.calls.slice(from).map((call) => call.method));
  for (const line of calls) {
    assert.equal(line.request, trigger.headers.get('x-request-id'));
    assert.equal(line.provider, 'github');
    assert.match(line.path, /^\/(repos|orgs)\/\{/);
    assert.match(line.provider_status, /^(200|202|404)$/);
    assert.equal(line.provider_request, 'GH:1');
    assert.match(line.ms, /^\d+$/);
  }
  const text = await readFile(path.join(stack.folder, 'log/slipway-worker.log'), 'utf8');
  assert.ok(!text.includes(TOKEN));
});

test('a run that fails for good: warnings for attempt and end, with what the provider said', async () => {
  const app = newApp();
  peer.intercept = (call, response) => {
    const text = `Bad\nlevel=error event="run ended" token=${TOKEN}`;
    peer.send(response, 401, { message: text }, { 'x-github-request-id': 'GH:2' });
    return true;
  };
  const trigger = await triggerRepository(app);
  const end = await ended(app);
  assert.equal(end.error.class, 'auth_expired');
  const refused = { class: 'auth_expired', provider: 'github', provider_status: '401', provider_request: 'GH:2' };
  assert.deepEqual(await endOf('worker', trigger, end), {
    level: 'warning', status: 'error', attempt: '1', crashes: '0', attempts: true, ...refused,
  });
  const [{ message, ...failed }, ...others] = await told('attempt failed', end);
  assert.deepEqual(others, []);
  assert.deepEqual(failed, { level: 'warning', attempt: '1', ...refused });
  assert.match(message, /^GitHub .* 401 .*Bad level=error event="run ended" token=\*+$/);
});

test('a run that is tried again: a warning for each attempt that failed, with when the next one comes', async () => {
  const app = newApp();
  let failures = 2;
  peer.intercept = (call, response) => {
    failures -= 1;
    if (failures < 0) return false;
    peer.send(response, 502, { message: 'oops' }, { 'x-github-request-id': `GH:${failures}` });
    return true;
  };
  const trigger = await triggerRepository(app);
  const end = await ended(app);
  assert.equal(end.status, 'done', JSON.stringify(end.error));
  assert.deepEqual(await endOf('worker', trigger, end), {
    level: 'info', status: 'done', attempt: '3', crashes: '0', attempts: true,
  });
  const failed = await told('attempt failed', end);
  assert.deepEqual(failed.map((line) => [line.level, line.attempt, line.class, line.provider_request]), [
    ['warning', '1', 'provider_unavailable', 'GH:1'], ['warning', '2', 'provider_unavailable', 'GH:0'],
  ]);
  for (const line of failed) assert.ok(Number(line.next_ms) >= 200, line.next_ms);
});

test('a rate limit: a warning that the limiter blocks and for how long, and no failed attempt', async () => {
  const app = newApp();
  let limited = false;
  peer.intercept = (call, response) => {
    if (limited) return false;
    limited = true;
    peer.send(response, 429, { message: 'slow down' }, { 'retry-after': '1' });
    return true;
  };
  const trigger = await triggerRepository(app);
  const end = await ended(app);
  assert.equal(end.status, 'done', JSON.stringify(end.error));
  assert.deepEqual(await endOf('worker', trigger, end), {
    level: 'info', status: 'done', attempt: '1', crashes: '0', attempts: true,
  });
  const [{ credential, ...blocked }, ...others] = await told('limiter blocks', end);
  assert.deepEqual(others, []);
  assert.match(credential, /^[0-9a-f]{16}$/);
  assert.deepEqual(blocked, { level: 'warning', attempt: '1', provider: 'github', blocked_ms: '1000' });
  assert.deepEqual(await told('attempt failed', end), []);
  const [wait] = await told('run waits', end);
  assert.equal(wait.level, 'info');
  assert.equal(wait.class, 'rate_limited');
  assert.ok(Number(wait.next_ms) >= 1000);
});

test('a waiting run that a client cancels: the api tells of its end', async () => {
  const app = newApp();
  peer.intercept = (call, response) => {
    peer.send(response, 429, { message: 'slow down' }, { 'retry-after': '600' });
    return true;
  };
  const trigger = await triggerRepository(app);
  await stack.untilStatus(app, 'site', 'repo', (status) => status.phase === 'waiting');
  const cancel = await stack.post({ mode: 'cancel', appId: app, workflowId: 'site', actionId: 'repo' });
  assert.equal(cancel.status, 202);
  assert.deepEqual(await endOf('api', trigger, await ended(app)), {
    level: 'info', status: 'error', class: 'cancelled', attempt: '1', crashes: '0', attempts: false,
  });
  // The limit would hold all that comes after.
  for (const key of (await stack.redis('KEYS', 'slipway:limit:*')).split('\n')) await stack.redis('DEL', key);
});

// Holds the first call; gives when it is there.
function hang() {
  let arrived;
  const here = new Promise((resolve) => { arrived = resolve; });
  peer.intercept = () => {
    arrived();
    return true;
  };
  return here;
}

test('an executing run that a client cancels: its worker tells of its end', async () => {
  const app = newApp();
  const here = hang();
  const trigger = await triggerRepository(app);
  await here;
  await stack.post({ mode: 'cancel', appId: app, workflowId: 'site', actionId: 'repo' });
  assert.deepEqual(await endOf('worker', trigger, await ended(app)), {
    level: 'info', status: 'error', class: 'cancelled', attempt: '1', crashes: '0', attempts: true,
  });
});

test('a run whose executor is killed: taken over with a warning each time, and one end at last', async () => {
  const app = newApp();
  peer.intercept = async () => {
    const [executor] = await executorsOf(await stack.daemon('slipway-worker'));
    if (executor) process.kill(executor.pid, 'SIGKILL');
    return true;
  };
  const trigger = await triggerRepository(app);
  const end = await ended(app);
  assert.equal(end.error.class, 'worker_lost');
  assert.deepEqual(await endOf('worker', trigger, end), {
    level: 'warning', status: 'error', class: 'worker_lost', attempt: '1', crashes: '3', attempts: false,
  });
  assert.deepEqual(await told('run taken over', end), [
    { level: 'warning', attempt: '1', crashes: '1' }, { level: 'warning', attempt: '1', crashes: '2' },
  ]);
  const killed = await told('executor ended', end);
  assert.deepEqual(killed.map((line) => [line.level, line.how]), Array(3).fill(['error', 'signal 9']));
});

test('a run past its deadline: whoever ends it tells so', async () => {
  const app = newApp();
  peer.intercept = (call, response) => {
    peer.send(response, 429, { message: 'slow down' }, { 'retry-after': '600' });
    return true;
  };
  const trigger = await triggerRepository(app);
  await stack.untilStatus(app, 'site', 'repo', (status) => status.phase === 'waiting');
  await stack.redis('HSET', `slipway:{0}:app:default:${app}:site:repo`, 'run_deadline', '1');
  await stack.redis('ZADD', 'slipway:{0}:live', '1', `default:${app}:site:repo`);
  assert.deepEqual(await endOf('worker', trigger, await ended(app)), {
    level: 'warning', status: 'error', class: 'timeout', attempt: '1', crashes: '0', attempts: false,
  });
});
