// slipway apps, deployments, history and events, as a person looks around.
//
// covers: src/cli/listing.c src/cli/command_apps.c src/cli/command_deployments.c src/cli/command_history.c
// covers: src/cli/command_events.c src/cli/show.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Stack, slipway, until } from '../integration/stack.mjs';

let stack;
before(async () => { stack = await Stack.start({ flags: ['--no-emulator'] }); });
after(() => stack.stop());

const cli = (...words) => slipway(...words, '--url', stack.url);
const lines = (text) => text.split('\n').filter(Boolean);
const key = (app, what) => `slipway:{0}:app:default:${app}:${what}`;

async function deploy(app, text = 'hello') {
  const { body } = await stack.post({ mode: 'start', appId: app, workflowId: 'hello', inputs: { greet: { text } } });
  await until(async () => {
    const answer = await stack.get(`/api/deploy?appId=${app}&workflowId=hello`);
    return answer.body.deployment.status === 'done';
  }, `${app} is deployed`);
  return body.deploymentId;
}

test('slipway apps lists apps with the state of their deployments', async () => {
  assert.equal((await cli('apps')).stdout, 'There are no apps yet.\n');
  await deploy('first');
  await deploy('second');
  const { code, stdout } = await cli('apps');
  assert.equal(code, 0);
  assert.match(stdout, /^second +\d{4}-\d\d-\d\dT[\d:.]+Z  (just now|\d+ seconds? ago)  hello done\nfirst /);
  const objects = lines((await cli('apps', '--json')).stdout).map(JSON.parse);
  assert.deepEqual(objects.map((app) => app.appId), ['second', 'first']);
  const verified = await slipway('verify', '--redis-url', `unix://${stack.folder}/redis.sock`);
  assert.match(verified.stdout, /no inconsistencies found/);
});

test('slipway deployments and history print tables and lines of JSON, filtered and page by page', async () => {
  const id = await deploy('third');
  assert.match((await cli('deployments', 'third')).stdout, new RegExp(`^hello +done +\\S+Z +\\S+Z +${id}  `));
  assert.match((await cli('deployments', 'third', '--status', 'error')).stdout, /^There are no such deployments/);
  const { stdout } = await cli('history', 'third', '--workflow', 'hello', '--status', 'done');
  assert.match(lines(stdout)[1], /Z +hello +greet +done +[0-9a-f]{32}  .* ago  hello$|just now  hello$/);

  const fill = "for i = 1, 450 do redis.call('LPUSH', KEYS[1], '9000000000000-' .. i .. ' done site repo ' .. i) end";
  await stack.redis('EVAL', fill, '1', key('third', 'history'));
  const all = lines((await cli('history', 'third', '--json', '--limit', '1000')).stdout).map(JSON.parse);
  assert.deepEqual([all.length, all[0].runId, all.at(-1).actionId], [452, '450', 'greet']);
  assert.equal(lines((await cli('history', 'third', '--json', '--limit', '201')).stdout).length, 201);
  const one = await cli('history', 'third', '--limit', '1');
  assert.match(one.stdout, /\nThere are more; --limit says how many to print.\n$/);
});

test('slipway history says why attempts failed and what was made, whatever the texts are', async () => {
  await deploy('fourth');
  await stack.redis('LPUSH', key('fourth', 'history'), ['9000000000000-0 error site repo r1 - - 1 0 - -',
    'failures 1 1764200000000 timeout it took\u009b2J too long',
    'error {"class":"conflict","message":"taken\\u001b[2J"}'].join('\n'));
  await stack.redis('HSET', key('fourth', 'ledger'), 'github:repository:acme/x',
    JSON.stringify({ state: 'created', id: '7', created: true, run: 'r1', workflow: 'site', step: 'repo', at: 'now' }));
  const { stdout } = await cli('history', 'fourth', '--limit', '1');
  assert.match(stdout, /\n    attempt 1, timeout: it took\?2J too long\n    conflict: taken\?\[2J\n/);
  assert.match(stdout, /\n    created  repository  acme\/x\n/);
});

test('slipway events prints what changed; nobody\'s app has nothing, and a wrong word is refused', async () => {
  await deploy('fifth');
  const { stdout } = await cli('events', 'fifth');
  assert.match(lines(stdout)[0], /Z +hello +- +deployment +done$/);
  assert.equal((await cli('events', 'nobody')).stdout, 'There are no such events of this app.\n');
  assert.equal((await cli('history', 'no/app')).code, 64);
  const refused = await cli('history', 'fifth', '--status', 'gone');
  assert.deepEqual([refused.code, refused.stdout], [64, '']);
  assert.match(refused.stderr, /status must be one of done, error/);
  assert.equal((await slipway('apps', '--url', 'http://127.0.0.1:1')).code, 69);
});

test('a parameter that is not valid is named as the place of the error', async () => {
  for (const path of ['/api/apps/fourth/history?workflowId=a.b', '/api/deploy?appId=fourth&workflowId=a.b']) {
    const { status, body } = await stack.get(path);
    assert.deepEqual([status, body.errors[0].place], [400, '?workflowId'], path);
  }
  assert.equal((await stack.get('/api/deploy?workflowId=hello')).body.errors[0].place, '?appId');
  const { status, body } = await stack.post({ mode: 'poll', appId: 'fourth', workflowId: 'a.b' });
  assert.deepEqual([status, body.errors[0].place], [400, '/workflowId']);
});
