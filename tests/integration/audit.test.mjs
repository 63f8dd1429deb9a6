// The audit: every change that a caller with a token asks for is an entry, also where it is refused; no login of a
// program can cut it, and no value of a request can be another entry.
//
// covers: src/store/audit.c src/api/request_audit.c src/cli/command_audit.c
import { test, before, after, beforeEach } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { Api } from '../harness/api.mjs';
import { TESTER } from '../harness/redis.mjs';
import { build, until } from './stack.mjs';

const KEY = 'slipway:audit';
const INPUTS = { greet: { text: 'hello' } };
let api;
let deploy;
let read;

before(async () => {
  api = await Api.start();
  deploy = api.token('deploy', { prefix: 'docs', tenant: 'default' });
  read = api.token('read');
});
after(() => api.stop());
beforeEach(() => { api.redis.cli(TESTER, 'DEL', KEY); });

const slipway = (...words) => spawnSync(path.join(build, 'slipway'), ['audit', ...words,
  ...api.redis.flags('slipway-admin')], { encoding: 'utf8' });
const entries = () => slipway('--json').stdout.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line));

test('an accepted and a refused change are entries: who, what, the outcome, and which request', async () => {
  const started = await api.request(deploy.text, 'POST', '/api/deploy',
    { mode: 'start', appId: 'docs-1', workflowId: 'hello', inputs: INPUTS });
  assert.equal(started.status, 202, started.text);
  await api.post(deploy.text, { mode: 'trigger', appId: 'shop-1', workflowId: 'hello', actionId: 'greet' });
  await api.post(read.text, { mode: 'configure', appId: 'docs-1', config: {} });
  await api.post(deploy.text, { mode: 'fly', appId: 'docs-1' });
  await api.request(deploy.text, 'POST', '/api/tokens', { appId: 'docs-1', minutes: 1, modes: ['poll'] });
  const found = entries();
  for (const entry of found) {
    assert.match(entry.requestId, /^[0-9a-f]{32}$/);
    assert.ok(Math.abs(Date.parse(entry.at) - Date.now()) < 3_600_000);
    await until(() => api.log.includes(`request=${entry.requestId} token=${entry.token} `), 'the log has it too');
  }
  assert.deepEqual(found.map(({ at, requestId, ...rest }) => rest), [
    { tenant: 'default', token: deploy.id, what: 'start', appId: 'docs-1', workflowId: 'hello', status: 202 },
    { tenant: 'default', token: deploy.id, what: 'trigger', appId: 'shop-1', workflowId: 'hello', actionId: 'greet',
      status: 403, class: 'not_allowed' },
    { tenant: 'default', token: read.id, what: 'configure', appId: 'docs-1', status: 403, class: 'not_allowed' },
    { tenant: 'default', token: deploy.id, what: '/api/deploy', appId: 'docs-1', status: 400,
      class: 'invalid_request' },
    { tenant: 'default', token: deploy.id, what: '/api/tokens', appId: 'docs-1', status: 201 },
  ]);
  const shown = slipway().stdout.split('\n');
  assert.match(shown[0], new RegExp(` ${deploy.id}  default +  start +  docs-1/hello  202 $`));
  assert.match(shown[1], / trigger {5}shop-1\/hello\/greet {2}403 not_allowed$/);
});

test('what reads is no entry, and neither is what has no valid token', async () => {
  await api.post(deploy.text, { mode: 'poll', appId: 'docs-1', workflowId: 'hello' });
  await api.post(deploy.text, { mode: 'validate', appId: 'docs-1', workflowId: 'hello' });
  await api.get(deploy.text, '/api/deploy?appId=shop-1&workflowId=hello');
  await api.get(deploy.text, '/api/workers');
  await api.post('sw_x', { mode: 'start', appId: 'docs-1', workflowId: 'hello' });
  await api.post(undefined, { mode: 'start', appId: 'docs-1', workflowId: 'hello' });
  assert.deepEqual(entries(), []);
});

test('no value of a request makes another entry, or a member of one', async () => {
  for (const appId of ['x","status":202,"token":"y', 'a\nb', '\u2028', 'x'.repeat(5000), '"}', { appId: 'x' }, '']) {
    await api.post(deploy.text, { mode: 'start', appId, workflowId: 'hello"},{"a":"b', inputs: INPUTS });
  }
  const found = entries();
  assert.equal(found.length, 7);
  for (const { at, requestId, status, class: name, ...rest } of found) {
    assert.ok(status >= 400 && typeof name === 'string');
    assert.deepEqual(rest, { tenant: 'default', token: deploy.id, what: 'start' });
  }
  api.redis.cli('slipway-api', 'RPUSH', KEY, 'no JSON\u001b[2J\nsecond line');
  const lines = slipway().stdout.split('\n');
  assert.equal(lines.length, 9);
  assert.equal(lines[7], '"no JSON\\u001b[2J\\nsecond line"');
});

test('no login of a program cuts it or reads it; slipway-api and slipway-worker append to it', () => {
  assert.equal(api.redis.cli('slipway-api', 'RPUSH', KEY, '{}'), '1');
  for (const user of ['slipway-api', 'slipway-worker', 'slipway-verify', 'slipway-ops', 'slipway-rescue']) {
    for (const command of [['LTRIM', KEY, '1', '-1'], ['LPOP', KEY], ['RPOP', KEY], ['DEL', KEY], ['UNLINK', KEY],
      ['LPUSH', KEY, 'x'], ['LINSERT', KEY, 'BEFORE', '{}', 'x'], ['LSET', KEY, '0', 'x'], ['EXPIRE', KEY, '1'],
      ['SET', KEY, 'x'], ['RENAME', KEY, 'x'], ['COPY', 'slipway:{0}:x', KEY, 'REPLACE']]) {
      assert.match(api.redis.cli(user, ...command), /^NOPERM/, `${user}: ${command.join(' ')}`);
    }
  }
  assert.match(api.redis.cli('slipway-api', 'LRANGE', KEY, '0', '-1'), /^NOPERM/);
  assert.equal(api.redis.cli('slipway-worker', 'RPUSH', KEY, '{}'), '2');
  assert.match(api.redis.cli('slipway-ops', 'RPUSH', KEY, 'x'), /^NOPERM/);
  assert.equal(api.redis.cli(TESTER, 'LRANGE', KEY, '0', '-1'), '{}\n{}');
});

test('an operator cuts what is old, and the last entries are shown in their order', () => {
  const at = (days) => new Date(Date.now() - days * 86_400_000).toISOString();
  const ages = [...Array(1200).fill(100), 91, 89, 100, 1];
  for (let i = 0; i < ages.length; i += 400) {
    api.redis.cli(TESTER, 'RPUSH', KEY, ...ages.slice(i, i + 400).map((age, index) =>
      JSON.stringify({ at: at(age), what: `number${i + index}`, status: 200 })));
  }
  assert.deepEqual(slipway('--json', '--limit', '2').stdout.trim().split('\n').map((line) => JSON.parse(line).what),
    ['number1202', 'number1203']);
  assert.equal(slipway('--cut', '90').stdout, '1201 entries of more than 90 days ago are removed.\n');
  assert.deepEqual(entries().map((entry) => entry.what), ['number1201', 'number1202', 'number1203']);
  assert.equal(slipway('--cut', '90').stdout, '0 entries of more than 90 days ago are removed.\n');
});

test('where the audit cannot be written the log says which request it lacks', async () => {
  const list = api.redis.cli(TESTER, 'ACL', 'LIST').split('\n').find((line) => line.startsWith('user slipway-api '));
  const words = list.replace(/^user slipway-api /, '').match(/\([^)]*\)|\S+/g);
  const rest = words.filter((word) => word.startsWith('(') && !word.includes(KEY));
  api.redis.cli(TESTER, 'ACL', 'SETUSER', 'slipway-api', 'clearselectors', ...rest);
  const answer = await api.post(deploy.text, { mode: 'configure', appId: 'docs-2', config: {} });
  api.redis.cli(TESTER, 'ACL', 'SETUSER', 'slipway-api', ...words);
  assert.equal(answer.status, 200, answer.text);
  await until(() => /event="the audit lacks a request" request=[0-9a-f]{32} /.test(api.log), 'it is logged');
});
