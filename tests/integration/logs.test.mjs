// What the logs of the api and the workers tell: each request, each end of a run, each failed attempt, each limit, and
// one id by which all of it is found.
//
// covers: src/api/request_log.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Stack, until } from './stack.mjs';
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
    flags: ['--no-emulator'],
    env: { SLIPWAY_LOG_LEVEL: 'debug', SLIPWAY_GITHUB_URL: peer.url, SLIPWAY_GITHUB_TOKEN_FILE: token },
  });
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
  const about = { path: '/api/deploy', app, workflow: 'hello' };
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
  const access = await readFile(path.join(stack.folder, 'log/nginx-access.log'), 'utf8');
  assert.equal(access.split('\n').filter((line) => line.endsWith(`request=${id}`)).length, 1);
});
