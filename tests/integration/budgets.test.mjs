// Budgets of tenants: each of them over and back under it. What is refused has made nothing, what makes nothing costs
// nothing, the counts are those of all processes, and another tenant notices nothing.
//
// covers: src/store/budgets.c src/api/request_budget.c src/cli/command_tenant.c
// covers: src/store/scripts/budget.lua src/store/scripts/draw.lua src/store/scripts/measure.lua
// covers: src/store/scripts/recount_budgets.lua
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import { Api } from '../harness/api.mjs';
import { TESTER } from '../harness/redis.mjs';
import { askedAgain, build, until } from './stack.mjs';

const BUDGETS = 'alive.live=3 edge.live=3 days.starts=2 names.apps=2 bytes.bytes=20000 few.requests=3 ' +
  'many.requests=600 whole.live=0 reuse.starts=1 reuse.live=2 old.live=2 hold.requests=100 flood.live=40 ' +
  'cut.starts=1 swept.bytes=1000000 gone.apps=1 kept.apps=1 twice.apps=2 none.requests=0 ' +
  'full.live=2 full.requests=60 calm.live=1 calm.requests=600000';
const DAY_MS = 86_400_000;

let api;
let worker;
const tokens = {};
before(async () => {
  api = await Api.start({ flags: ['--budgets', BUDGETS, '--processes', '2'] });
});
after(async () => {
  await stopWorker();
  await api.stop();
});

const redis = (...words) => api.redis.cli(TESTER, ...words);
const slipway = (...words) => spawnSync(path.join(build, 'slipway'), [...words, ...api.redis.flags('slipway-verify')],
  { encoding: 'utf8', env: { ...process.env, SLIPWAY_BUDGETS: BUDGETS } });
const show = (tenant) => JSON.parse(slipway('tenant', 'show', tenant, '--json').stdout);
const tokenOf = (tenant) => {
  tokens[tenant] ??= api.token('deploy', { tenant }).text;
  return tokens[tenant];
};
const post = (tenant, mode, appId, rest = {}) => api.post(tokenOf(tenant), { mode, appId, ...rest });
const trigger = (tenant, app, rest = {}) => post(tenant, 'trigger', app,
  { workflowId: 'hello', actionId: 'greet', inputs: { greet: { text: 'hello' } }, ...rest });
const start = (tenant, app, rest = {}) => post(tenant, 'start', app,
  { workflowId: 'hello', inputs: { greet: { text: 'hello' } }, ...rest });
const cancel = (tenant, app) => post(tenant, 'cancel', app, { workflowId: 'hello', actionId: 'greet' });
const keysOf = (tenant, app) => redis('KEYS', `slipway:{0}:*:${tenant}:${app}:*`);
const retryAfter = (answer) => Number(/^Retry-After: (\d+)\r?$/mi.exec(answer.head)?.[1]);

function startWorker(executors = 1) {
  worker = spawn(path.join(build, 'slipway-worker'), ['--config', '/dev/null', '--executors', String(executors),
    ...api.redis.flags('slipway-worker')], { stdio: 'ignore', env: { PATH: process.env.PATH } });
  worker.ended = new Promise((resolve) => { worker.once('exit', resolve); });
}
async function stopWorker() {
  worker?.kill('SIGTERM');
  await worker?.ended;
  worker = undefined;
}
const done = (tenant, app) => until(async () => {
  const { body } = await api.get(tokenOf(tenant), `/api/deploy?appId=${app}&workflowId=hello&actionId=greet`);
  return body.status === 'done' && body;
}, `${app} of ${tenant} is done`);

async function refused(answer, status, words) {
  const { body, text } = await answer;
  assert.equal((await answer).status, status, text);
  assert.equal(body.class, status === 429 ? 'over_budget' : 'budget_full');
  assert.match(body.detail, words);
  if (status === 429) assert.ok(retryAfter(await answer) >= 1, (await answer).head);
  else assert.match(body.remedy.text, /operator/);
  return answer;
}
async function accepted(answer, status = 202) {
  assert.equal((await answer).status, status, (await answer).text);
  return (await answer).body;
}

test('live runs: what is over makes nothing, a run that ends makes room, and joining one costs nothing', async () => {
  for (const app of ['a', 'b', 'c']) await accepted(trigger('alive', app));
  await refused(trigger('alive', 'd'), 429, /budget of live runs is 3, of which 3 are used, and this takes 1$/);
  await accepted(trigger('alive', 'a'), 200);
  await accepted(trigger('nobody', 'd')); // of a tenant without budgets
  await accepted(cancel('alive', 'a'));
  // There is room for one of its two steps.
  await refused(start('alive', 'd'), 429, /of which 2 are used, and this takes 2$/);
  assert.equal(keysOf('alive', 'd'), '');
  await accepted(cancel('alive', 'b'));
  await accepted(start('alive', 'd'));
  await refused(trigger('alive', 'a'), 429, /live runs/);
  assert.equal(show('alive').live.used, 3);
});

test('a budget that all at once come to is never gone beyond, whichever process they ask', async () => {
  const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => trigger('edge', `app-${i}`)));
  const statuses = answers.map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 202).length, 3, `${statuses}`);
  assert.equal(statuses.filter((status) => status === 429).length, 57);
  assert.equal(show('edge').live.used, 3);
});

test('a start that takes more than the whole budget is refused for good', async () => {
  await refused(start('whole', 'a'), 403, /budget of live runs is 0/);
});

test('starts a day: the same again costs nothing, and the next day begins anew', async () => {
  await accepted(trigger('days', 'a', { triggerId: 'one' }));
  await accepted(cancel('days', 'a'));
  await accepted(start('days', 'b', { startId: 'two' }));
  await accepted(trigger('days', 'a', { triggerId: 'one' }), 200);
  await accepted(start('days', 'b', { startId: 'two' }), 200);
  const answer = await refused(trigger('days', 'c'), 429, /budget of starts a day is 2, of which 2 are used/);
  const until = Date.parse(/until (\S+):/.exec(answer.body.remedy.text)[1]);
  assert.equal(until % DAY_MS, 0);
  assert.ok(retryAfter(answer) <= DAY_MS / 1000);
  assert.equal(keysOf('days', 'c'), '');
  redis('HINCRBY', 'slipway:{0}:tenant:days:used', 'day', '-1');
  await accepted(trigger('days', 'c'));
  assert.equal(show('days').starts.used, 1);
});

test('a live deployment is not ended for one that the budget does not let in', async () => {
  const { deploymentId } = await accepted(start('cut', 'a'));
  await refused(start('cut', 'a', { inputs: { greet: { text: 'another' } }, replace: true }), 429, /starts a day/);
  const { body } = await api.get(tokenOf('cut'), '/api/deploy?appId=a&workflowId=hello');
  assert.equal(body.deployment.deploymentId, deploymentId);
  assert.equal(body.deployment.status, 'running');
});

test('apps: another one is refused, also one that runs nothing, and what there is can be used', async () => {
  await accepted(post('names', 'configure', 'a', { config: { place: 'here' } }), 200);
  await accepted(trigger('names', 'b'));
  for (const answer of [post('names', 'configure', 'c', { config: { place: 'here' } }), trigger('names', 'c'),
    start('names', 'c'), post('names', 'skip', 'c', { workflowId: 'hello', actionId: 'greet',
      output: { text: 'x' } })]) {
    await refused(answer, 403, /budget of apps is 2, of which 2 are used/);
  }
  assert.equal(keysOf('names', 'c'), '');
  await accepted(post('names', 'configure', 'a', { config: { place: 'there' } }), 200);
  await accepted(trigger('names', 'a'));
  assert.equal(show('names').apps.used, 2);
});

test('an app that was only configured makes room when it is forgotten', async () => {
  await accepted(post('gone', 'configure', 'a', { config: { place: 'here' } }), 200);
  await refused(trigger('gone', 'b'), 403, /apps/);
  redis('ZADD', 'slipway:{0}:tenant:gone:configured', '1', 'a'); // as if it were a day later
  await accepted(trigger('gone', 'b'));
});

test('an app that is configured as it was is kept for longer, and counts for as long', async () => {
  const configure = () => accepted(post('kept', 'configure', 'a', { config: { place: 'here' } }), 200);
  await configure();
  redis('ZADD', 'slipway:{0}:tenant:kept:configured', String(Date.now() + 60_000), 'a'); // as if a day were nearly over
  const before = Date.now();
  await configure();
  const until = Number(redis('ZSCORE', 'slipway:{0}:tenant:kept:configured', 'a'));
  assert.ok(until >= before + DAY_MS - 60_000, `it counts for ${until - before} ms`);
});

test('an app that has run is counted once, also where its log is not kept any more', async () => {
  await accepted(trigger('twice', 'a'));
  redis('DEL', 'slipway:{0}:app:twice:a:events');
  await accepted(post('twice', 'configure', 'a', { config: { place: 'here' } }), 200);
  assert.equal(show('twice').apps.used, 1);
});

test('stored bytes: more is refused, less is always taken', async () => {
  const text = 'x'.repeat(12000);
  await accepted(post('bytes', 'configure', 'a', { config: { text } }), 200);
  await refused(post('bytes', 'configure', 'b', { config: { text } }), 403, /budget of stored bytes is 20000/);
  await refused(post('bytes', 'configure', 'a', { env: { TEXT: text } }), 403, /stored bytes/);
  const skipped = await refused(post('bytes', 'skip', 'b', { workflowId: 'hello', actionId: 'greet',
    output: { text: text.slice(0, 9000) } }), 403, /stored bytes/);
  assert.match(skipped.body.remedy.text, /^Send less, or /);
  assert.equal(keysOf('bytes', 'b'), '');
  await accepted(post('bytes', 'configure', 'a', { config: { text: null } }), 200);
  await accepted(post('bytes', 'configure', 'b', { config: { text } }), 200);
});

test('requests: as many as a minute has, in all processes together, and other tenants ask on', async () => {
  const poll = (tenant) => api.get(tokenOf(tenant), '/api/deploy?appId=a&workflowId=hello');
  for (const tenant of ['few', 'nobody']) tokenOf(tenant);
  const answers = await Promise.all(Array.from({ length: 12 }, () => poll('few')));
  assert.equal(answers.filter(({ status }) => status === 200).length, 3);
  const over = answers.find(({ status }) => status === 429);
  await refused(over, 429, /budget of requests a minute is 3/);
  assert.ok(retryAfter(over) <= 20);
  assert.equal((await poll('nobody')).status, 200);
  assert.equal(show('few').requests.used, 3);
  const audited = redis('LLEN', 'slipway:audit');
  await refused(trigger('few', 'a'), 429, /requests/);
  assert.equal(redis('LLEN', 'slipway:audit'), audited, 'who may send no more fills nothing with what he sends');
});

test('who may send no requests is told so, and fills nothing with what he sends', async () => {
  tokenOf('none');
  const audited = redis('LLEN', 'slipway:audit');
  const answer = await refused(trigger('none', 'a'), 403, /^the tenant may send no requests: its budget is 0$/);
  assert.equal(answer.body.remedy.text, 'Ask an operator to raise it.');
  assert.doesNotMatch(answer.head, /^Retry-After:/mi);
  await refused(api.get(tokenOf('none'), '/api/deploy?appId=a&workflowId=hello'), 403, /no requests/);
  assert.equal(redis('LLEN', 'slipway:audit'), audited);
  assert.equal(redis('EXISTS', 'slipway:{0}:tenant:none:requests'), '0');
});

test('who goes on at the pace of his budget is let in again', async () => {
  const poll = () => api.get(tokenOf('many'), '/api/deploy?appId=a&workflowId=hello');
  const began = Date.now();
  let over = 0;
  let fine = 0;
  while (over === 0) {
    for (const { status } of await Promise.all(Array.from({ length: 100 }, poll))) {
      if (status === 200) fine += 1;
      else over += 1;
    }
  }
  const refilled = (Date.now() - began) / 100 + 1;
  assert.ok(fine <= 600 + refilled, `${fine} were let in`);
  await until(async () => (await poll()).status === 200, 'it is let in again');
});

test('a poll that is held is one request, however often it is looked at', async () => {
  let sent = 0; // also again, where Redis was slow
  const ask = (...words) => askedAgain(() => {
    sent += 1;
    return api.requestOnce(tokenOf('hold'), ...words);
  });
  const poll = (rest = '', headers = {}) =>
    ask('GET', `/api/deploy?appId=a&workflowId=hello${rest}`, undefined, headers);
  const { runId } = await accepted(trigger('hold', 'a'));
  // What it says of why it waits changes no more now. It is asked seldom, as only a small budget is counted one by one.
  const { head } = await until(async () => {
    await new Promise((resolve) => { setTimeout(resolve, 200); });
    const answer = await poll();
    return answer.body.actions[0].reason === 'no_worker' && answer;
  }, 'no worker is what it waits for');
  const before = show('hold').requests.used;
  sent = 0;
  const held = poll('&wait=25', { 'if-none-match': /^ETag: (.*?)\r?$/mi.exec(head)[1] });
  await until(() => redis('CLIENT', 'LIST').includes('name=slipway-api-changes'), 'it is held');
  // The app changes, and not what the poll shows.
  for (let i = 0; i < 20; i += 1) redis('XADD', 'slipway:{0}:changes', '*', 'a', 'hold:a');
  await accepted(ask('POST', '/api/deploy',
    { mode: 'cancel', appId: 'a', workflowId: 'hello', actionId: 'greet' }));
  const answer = await held;
  const { used } = show('hold').requests;
  assert.ok(used <= before + sent, `${used} requests, ${before} before, and ${sent} were sent`);
  assert.equal(answer.body.actions[0].runId, runId);
  assert.equal(answer.body.actions[0].status, 'error');
});

test('the counts are there after a restart of Redis as shipped', async () => {
  await api.redis.stop();
  await api.redis.start();
  const apps = () => api.requestOnce(tokenOf('nobody'), 'GET', '/api/apps');
  await until(async () => (await apps()).status === 200, 'the api is back');
  await refused(trigger('edge', 'one-more'), 429, /live runs is 3, of which 3/);
  await refused(trigger('names', 'c'), 403, /apps/);
});

test('verify compares the counts with what there is, and puts them right', async () => {
  assert.equal(slipway('verify').status, 0, slipway('verify').stdout);
  redis('HSET', 'slipway:{0}:tenant:edge:used', 'live', '9', 'bytes', '77');
  const found = slipway('verify');
  assert.equal(found.status, 1);
  assert.match(found.stdout, /live runs of the tenant 'edge': .* counts 9, and there are 3/);
  assert.match(found.stdout, /stored bytes of the tenant 'edge': .* counts 77, and there are 0/);
  assert.equal(slipway('verify', '--repair').status, 0);
  assert.equal(show('edge').live.used, 3);
  redis('DEL', 'slipway:{0}:tenant:edge:used');
  assert.equal(slipway('verify', '--repair').status, 0);
  assert.equal(show('edge').live.used, 3);
});

test('tenant list has each of them, with what it uses', () => {
  const lines = slipway('tenant', 'list', '--json').stdout.trim().split('\n').map((line) => JSON.parse(line));
  const names = lines.map(({ tenant }) => tenant);
  assert.deepEqual(names, [...names].sort());
  assert.deepEqual(lines.find(({ tenant }) => tenant === 'names').apps, { budget: 2, used: 2 });
  assert.deepEqual(lines.find(({ tenant }) => tenant === 'nobody'), { tenant: 'nobody',
    requests: { budget: null, used: null }, bytes: { budget: null, used: null }, apps: { budget: null, used: 1 },
    live: { budget: null, used: null }, starts: { budget: null, used: null } });
  const shown = slipway('tenant', 'show', 'names').stdout;
  assert.match(shown, /^apps +2 of 2$/m);
  assert.match(shown, /^live runs +-$/m);
  assert.match(slipway('tenant', 'list').stdout, /^edge .* 3 of 3 /m);
  assert.equal(slipway('tenant', 'fly').status, 64);
});

test('runs from before the budget are counted by the workers, and what they end makes room', async () => {
  for (const app of ['a', 'b']) await accepted(trigger('old', app));
  for (const app of ['a', 'b']) redis('HDEL', `slipway:{0}:app:old:${app}:hello:greet`, 'budgeted');
  redis('HSET', 'slipway:{0}:tenant:old:used', 'live', '0');
  redis('HSET', 'slipway:{0}:paused', 'workflow:hello', '{}');
  startWorker();
  await until(() => show('old').live.used === 2, 'they are counted');
  await refused(trigger('old', 'c'), 429, /live runs/);
  redis('DEL', 'slipway:{0}:paused');
  await done('old', 'a');
  await done('old', 'b');
  assert.equal(show('old').live.used, 0);
});

test('a result that is given back is no start, and neither does it stay live', async () => {
  await accepted(trigger('reuse', 'a'));
  await done('reuse', 'a');
  const { reused } = await accepted(trigger('reuse', 'a'), 200);
  assert.equal(reused, true);
  assert.equal(show('reuse').starts.used, 1);
  assert.equal(show('reuse').live.used, 0);
});

test('the workers measure what an app takes, and what is gone takes nothing', async () => {
  await accepted(trigger('swept', 'a'));
  await done('swept', 'a');
  const keys = () => redis('KEYS', 'slipway:{0}:*:swept:a:*').split('\n');
  const measured = () => keys()
    .map((key) => Number(redis('MEMORY', 'USAGE', key))).reduce((sum, bytes) => sum + bytes, 0);
  // Workers that have nothing to do look every ten seconds: as if these had passed.
  const pass = () => redis('HDEL', 'slipway:{0}:sweep', 'at');
  await until(() => pass() && show('swept').bytes.used === measured(), 'it is measured');
  redis('DEL', ...keys());
  redis('ZADD', 'slipway:{0}:apps:swept', '1', 'a');
  await until(() => pass() && show('swept').bytes.used === 0 && show('swept').apps.used === 0, 'it is forgotten');
});

test('a tenant at its limit holds up no other, which is served before the next of those that wait', async () => {
  await stopWorker();
  const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => trigger('flood', `app-${i}`)));
  assert.equal(answers.filter(({ status }) => status === 202).length, 40);
  await accepted(trigger('quiet', 'a'));
  startWorker();
  const quiet = await done('quiet', 'a');
  const begun = await Promise.all(Array.from({ length: 60 }, async (_, i) => {
    const { body } = await api.get(tokenOf('flood'), `/api/deploy?appId=app-${i}&workflowId=hello&actionId=greet`);
    return body.startedAt !== undefined && body.startedAt < quiet.startedAt;
  }));
  assert.ok(begun.filter(Boolean).length <= 2, `${begun.filter(Boolean).length} of the flood began before`);
  await until(() => show('flood').live.used === 0, 'all have ended');
  assert.equal(slipway('verify').status, 0);
});

test('while a tenant is refused at its limits, another one is told of none, and its run is done', async () => {
  await stopWorker();
  startWorker();
  for (const tenant of ['full', 'calm']) tokenOf(tenant);
  // It waits for what never comes, so its runs stay live.
  await accepted(start('full', 'a', { inputs: { greet: { text: '${app.never.hello.greet.text}' } } }));
  await refused(trigger('full', 'b'), 429, /live runs is 2, of which 2/);

  const refusals = [];
  let isOver = false;
  const hammer = async () => {
    while (!isOver) {
      const answer = await trigger('full', 'b');
      if (!isOver) refusals.push(answer);
    }
  };
  const overRequests = () => refusals.filter(({ text }) => text.includes('requests a minute')).length;
  const hammering = Array.from({ length: 8 }, hammer);
  try {
    await until(() => overRequests() >= 8, 'its requests are used up');
    const before = overRequests();
    await accepted(trigger('calm', 'a'));
    const polls = [];
    await until(async () => {
      const answer = await api.get(tokenOf('calm'), '/api/deploy?appId=a&workflowId=hello&actionId=greet');
      polls.push(answer);
      return answer.status !== 200 || (answer.body.status === 'done' && overRequests() >= before + 100);
    }, 'its run is done, and the other one was refused all the while');
    assert.deepEqual(polls.filter(({ status }) => status !== 200).map(({ text }) => text), []);
  } finally {
    isOver = true;
    await Promise.all(hammering);
  }
  for (const answer of refusals) assert.equal(answer.status, 429, answer.text);
  assert.equal(show('full').live.used, 2);
  assert.equal(show('calm').live.used, 0);
});
