// The server drives a whole workflow: clients start it and go.
//
// covers: src/api/mode_start.c src/api/mode_retry.c src/api/mode_skip.c src/api/mode_cancel.c src/api/launch.c
// covers: src/api/checked_inputs.c src/store/deployments.c src/store/shown.c src/core/deployment.c
// covers: src/store/scripts/start.lua src/store/scripts/stop.lua src/store/scripts/skip.lua
// covers: src/store/scripts/dependants.lua src/store/scripts/deployment.lua src/store/scripts/history.lua
// covers: src/store/scripts/place.lua src/store/scripts/states.lua
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Stack, until } from './stack.mjs';

let stack;
let apps = 0;
before(async () => { stack = await Stack.start({ env: { SLIPWAY_ALLOW_LOOPBACK: 'yes' } }); });
after(() => stack.stop());

const anApp = () => `app-${(apps += 1)}`;
const post = (mode, appId, workflowId, rest = {}) => stack.post({ mode, appId, workflowId, ...rest });
const poll = async (appId, workflowId) => (await stack.get(`/api/deploy?appId=${appId}&workflowId=${workflowId}`)).body;
const ended = (appId, workflowId, status) => {
  let answer;
  return until(async () => {
    answer = await poll(appId, workflowId);
    return answer.deployment?.status === status && answer;
  }, `the deployment of ${appId} is ${status}`).catch((error) => {
    throw new Error(`${error.message}; it is ${JSON.stringify(answer)}`);
  });
};
const step = (answer, id) => answer.actions.find((one) => one.actionId === id);
const statuses = (answer) => Object.fromEntries(answer.actions.map((one) => [one.actionId, one.status]));

const site = (name, rest = {}) => ({
  inputs: {
    repo: { owner: 'acme', name, fork: 'upstream/app-template' },
    project: { name },
    env: { variables: [{ key: 'SITE_NAME', value: 'Site', type: 'plain' }] },
    check: { url: `${stack.url}/healthz` },
    ...rest,
  },
});

test('one request starts a workflow, and it ends without any client', async () => {
  const app = anApp();
  const { status, body } = await post('start', app, 'site', site(app));
  assert.equal(status, 202, JSON.stringify(body));
  assert.equal(body.status, 'running');
  assert.match(body.deploymentId, /^[0-9a-f]{32}$/);
  const answer = await ended(app, 'site', 'done');
  assert.equal(answer.deployment.deploymentId, body.deploymentId);
  assert.deepEqual([...new Set(answer.actions.map((one) => one.status))], ['done']);
  assert.ok(answer.actions.every((one) => one.deploymentId === body.deploymentId));
});

test('all faults of all steps are named at once, and nothing is made', async () => {
  const app = anApp();
  const { status, body } = await post('start', app, 'site', {
    inputs: { repo: { owner: 'acme' }, project: { name: 'Not A Name' }, check: { url: 'no url' } },
  });
  assert.equal(status, 422);
  assert.ok(body.errors.length >= 3, JSON.stringify(body));
  assert.equal((await poll(app, 'site')).deployment, null);
  assert.equal(await stack.redis('EXISTS', `slipway:{0}:app:default:${app}:site:repo`), '0');
});

test('two clients that start the same get one deployment; other inputs are refused with what differs', async () => {
  // It is not done before the last of them has asked.
  const [app, gate] = [anApp(), anApp()];
  const after = [{ appId: gate, workflowId: 'hello' }];
  const start = (rest) => post('start', app, 'site', { ...site(app, rest), after });
  const both = await Promise.all([start(), start()]);
  assert.deepEqual(both.map((one) => one.status).sort(), [200, 202]);
  assert.equal(both[0].body.deploymentId, both[1].body.deploymentId);
  const other = await start({ project: { name: `${app}-b` } });
  assert.equal(other.status, 409);
  assert.equal(other.body.class, 'run_conflict');
  assert.match(other.body.detail, /the steps that differ: project/);
  assert.equal(other.body.current.deploymentId, both[0].body.deploymentId);
  await post('start', gate, 'hello', { inputs: { greet: { text: 'open' } } });
  await ended(app, 'site', 'done');
});

test('a start whose answer was lost is sent again and makes nothing twice, also when it has ended', async () => {
  const app = anApp();
  const body = { inputs: { greet: { text: 'hello' } }, startId: `s-${app}` };
  const first = await post('start', app, 'hello', body);
  await ended(app, 'hello', 'done');
  const again = await post('start', app, 'hello', body);
  assert.equal(again.status, 200);
  assert.equal(again.body.deploymentId, first.body.deploymentId);
  const anew = await post('start', app, 'hello', { inputs: body.inputs });
  assert.equal(anew.status, 202);
  assert.notEqual(anew.body.deploymentId, first.body.deploymentId);
});

test('a start that is sent again is known before it is checked, whatever has changed meanwhile', async () => {
  const app = anApp();
  const configured = await stack.post({ mode: 'configure', appId: app, config: { text: 'hello' } });
  const body = { inputs: { greet: { text: '\${config.text}' } }, startId: 'once', replace: true,
    configVersion: configured.body.version };
  const first = await post('start', app, 'hello', body);
  assert.equal(first.status, 202, JSON.stringify(first.body));
  const done = await ended(app, 'hello', 'done');
  await stack.post({ mode: 'configure', appId: app, config: { text: null } });
  const unknownPlan = { plan: 'f'.repeat(64) };
  const again = await post('start', app, 'hello', { ...body, ...unknownPlan });
  assert.equal(again.status, 200, JSON.stringify(again.body));
  assert.deepEqual(again.body, done.deployment);
  const other = await post('start', app, 'hello', { ...body, startId: 'another' });
  assert.equal(other.body.class, 'config_changed');

  // A retry as well: by now it would be 422.
  const retry = { startId: 'once' };
  assert.equal((await post('retry', app, 'hello', retry)).status, 422);
  await stack.post({ mode: 'configure', appId: app, config: { text: 'hello' } });
  assert.equal((await post('retry', app, 'hello', retry)).status, 200);
  await stack.post({ mode: 'configure', appId: app, config: { text: null } });
  const known = await post('retry', app, 'hello', retry);
  assert.equal(known.status, 200, JSON.stringify(known.body));
  assert.equal(known.body.deploymentId, first.body.deploymentId);
});

test('of two clients that replace what the other has started, none does so by sending it again', async () => {
  const app = anApp();
  const never = { after: [{ appId: `${app}-never`, workflowId: 'hello' }], replace: true };
  const bodies = ['one', 'two'].map((text) => ({ inputs: { greet: { text } }, startId: text, ...never }));
  const first = await post('start', app, 'hello', bodies[0]);
  const second = await post('start', app, 'hello', bodies[1]);
  assert.deepEqual([first.status, second.status], [202, 202]);
  const again = await post('start', app, 'hello', bodies[0]);
  assert.equal(again.status, 200, JSON.stringify(again.body));
  assert.equal(again.body.deploymentId, first.body.deploymentId);
  assert.deepEqual([again.body.status, again.body.reason], ['error', 'cancelled']);
  const { deployment } = await poll(app, 'hello');
  assert.deepEqual([deployment.deploymentId, deployment.status], [second.body.deploymentId, 'running']);

  await stack.redis('DEL', `slipway:{0}:app:default:${app}:deployments`);
  const forgotten = await post('start', app, 'hello', bodies[0]);
  assert.equal(forgotten.status, 409);
  assert.match(forgotten.body.detail, new RegExp(first.body.deploymentId));
  assert.equal(forgotten.body.current.deploymentId, second.body.deploymentId);
  await post('cancel', app, 'hello');
});

test('a step that fails holds what needs it; a retry with changed inputs goes on with the rest', async () => {
  const app = anApp();
  const inputs = site(app, { repo: { owner: 'acme', name: app, fork: 'upstream/no-such-repository' } }).inputs;
  await post('start', app, 'site', { inputs });
  const failed = await ended(app, 'site', 'error');
  assert.equal(step(failed, 'repo').status, 'error');
  assert.equal(step(failed, 'project').phase, 'blocked');
  assert.equal(step(failed, 'project').reason, 'need_failed');
  assert.match(step(failed, 'project').detail, /it needs repo, which failed/);

  const retried = await post('retry', app, 'site', { inputs: { repo: { fork: 'upstream/app-template' } } });
  assert.equal(retried.status, 202, JSON.stringify(retried.body));
  assert.equal(retried.body.deploymentId, failed.deployment.deploymentId);
  const done = await ended(app, 'site', 'done');
  assert.deepEqual([...new Set(Object.values(statuses(done)))], ['done']);
  assert.equal(step(done, 'repo').attempt, 1);
});

test('a retry runs nothing again that is done and was made from the same', async () => {
  const app = anApp();
  await post('start', app, 'site', site(app, { check: { url: `${stack.url}/nowhere`, within: 1 } }));
  const failed = await ended(app, 'site', 'error');
  assert.equal(step(failed, 'check').status, 'error');
  await post('retry', app, 'site', { inputs: { check: { url: `${stack.url}/healthz` } } });
  const done = await ended(app, 'site', 'done');
  for (const id of ['repo', 'project', 'env']) {
    assert.equal(step(done, id).runId, step(failed, id).runId, id);
  }
});

test('starting a workflow that is done looks at the world again, and changes nothing where nothing lacks', async () => {
  const app = anApp();
  await post('start', app, 'site', site(app));
  const first = await ended(app, 'site', 'done');
  const before = {};
  for (const id of ['repo', 'project', 'env']) before[id] = await stack.hash(app, 'site', id);
  await post('start', app, 'site', site(app));
  const second = await until(async () => {
    const answer = await poll(app, 'site');
    return answer.deployment.deploymentId !== first.deployment.deploymentId &&
      answer.deployment.status === 'done' && answer;
  }, 'the second one is done');
  assert.notEqual(step(second, 'repo').runId, step(first, 'repo').runId);
  for (const id of ['repo', 'project', 'env']) {
    const { gives } = await stack.hash(app, 'site', id);
    assert.match(gives, /^[0-9a-f]{32} [0-9a-f]{8}\.[\w-]{22}$/);
    assert.equal(gives.split(' ')[0], before[id].gives.split(' ')[0], id);
  }
  assert.equal(step(second, 'deployment').output.id, step(first, 'deployment').output.id);
  assert.ok(second.actions.every((one) => one.stale === undefined), JSON.stringify(second.actions));
});

test('cancel ends what has not begun, and says that it was cancelled', async () => {
  const app = anApp();
  await post('start', app, 'site', site(app, { check: { url: `${stack.url}/nowhere`, within: 600 } }));
  await until(async () => step(await poll(app, 'site'), 'check').phase === 'waiting', 'the check waits');
  const { status, body } = await stack.post({ mode: 'cancel', appId: app, workflowId: 'site' });
  assert.equal(status, 202, JSON.stringify(body));
  const answer = await ended(app, 'site', 'error');
  assert.equal(answer.deployment.reason, 'cancelled');
  assert.equal(step(answer, 'check').error.class, 'cancelled');
  assert.equal(step(answer, 'repo').status, 'done');
});

test('replace cancels the live one first', async () => {
  const app = anApp();
  await post('start', app, 'site', site(app, { check: { url: `${stack.url}/nowhere`, within: 600 } }));
  const { status, body } = await post('start', app, 'site', { ...site(app), replace: true });
  assert.equal(status, 202, JSON.stringify(body));
  const done = await ended(app, 'site', 'done');
  assert.equal(done.deployment.deploymentId, body.deploymentId);
});

test('of two clients that replace a deployment by the same, one starts it and the other gets it', async () => {
  const app = anApp();
  await post('start', app, 'site', site(app, { check: { url: `${stack.url}/nowhere`, within: 600 } }));
  // One that is not done before the slowest of the clients has asked.
  const body = { ...site(app, { check: { url: `${stack.url}/nowhere`, within: 500 } }), replace: true };
  const both = await Promise.all([1, 2, 3, 4].map(() => post('start', app, 'site', body)));
  assert.deepEqual(both.map((one) => one.status).sort(), [200, 200, 200, 202], JSON.stringify(both));
  assert.equal(new Set(both.map((one) => one.body.deploymentId)).size, 1);
  assert.equal((await poll(app, 'site')).deployment.deploymentId, both[0].body.deploymentId);
  await post('cancel', app, 'site');
});

test('of two retries that change different inputs at once, none takes back what the other has changed', async () => {
  const app = anApp();
  const wrong = { repo: { owner: 'acme', name: app, fork: 'upstream/no-such-repository' },
    check: { url: `${stack.url}/nowhere`, within: 1 } };
  await post('start', app, 'site', site(app, wrong));
  await ended(app, 'site', 'error');
  const changes = [{ repo: { fork: 'upstream/app-template' } }, { check: { url: `${stack.url}/healthz` } }];
  // Where the other one comes first, a step runs with what failed before: 409 until that has ended.
  const retry = (inputs) => until(async () => {
    const { status, body } = await post('retry', app, 'site', { inputs });
    assert.ok(status < 300 || body.class === 'run_conflict', JSON.stringify(body));
    return status < 300;
  }, 'the retry is accepted');
  await Promise.all(changes.map(retry));
  const done = await ended(app, 'site', 'done');
  assert.deepEqual([...new Set(Object.values(statuses(done)))], ['done']);
});

test('a deployment that is being cancelled is not taken for one that will be done', async () => {
  const app = anApp();
  await post('start', app, 'site', site(app, { check: { url: `${stack.url}/nowhere`, within: 600 } }));
  await stack.redis('HSET', `slipway:{0}:app:default:${app}:site:_deployment`, 'cancel', '1');
  const again = await post('start', app, 'site', site(app, { check: { url: `${stack.url}/nowhere`, within: 600 } }));
  assert.equal(again.status, 409);
  assert.match(again.body.detail, /is being cancelled/);
  await post('cancel', app, 'site');
  await ended(app, 'site', 'error');
});

test('a person gives the result of a step that fails, and the rest goes on with it', async () => {
  const app = anApp();
  await post('start', app, 'hello', { inputs: { greet: { text: 'hello' } } });
  await ended(app, 'hello', 'done');
  const given = await post('skip', app, 'hello', { actionId: 'greet', output: { text: 'by hand', length: 7 } });
  assert.equal(given.status, 409, JSON.stringify(given.body));

  const other = anApp();
  await post('start', other, 'site', site(other, { repo: { owner: 'acme', name: other, fork: 'upstream/none' } }));
  const failed = await ended(other, 'site', 'error');
  const wrong = await post('skip', other, 'site', { actionId: 'repo', output: { fullName: 7 } });
  assert.equal(wrong.status, 422);
  assert.match(wrong.body.errors?.[0]?.place ?? wrong.body.place, /^\/output/);
  assert.equal(step(failed, 'project').reason, 'need_failed');
});

test('what a person gave before the first start is kept until its inputs change', async () => {
  const [app, later] = [anApp(), anApp()];
  const byHand = (id) => post('skip', id, 'hello', { actionId: 'greet', output: { text: 'by hand', length: 7 } });
  const greeting = async (id) => {
    const { reason, output } = step(await ended(id, 'hello', 'done'), 'greet');
    return [reason, output.text];
  };
  const kept = ['given', 'by hand'];
  const configure = (id, text) => post('configure', id, undefined, { inputs: { greet: { text } } });

  // The inputs are configured: the result is that of these.
  await configure(app, 'hello');
  assert.equal((await byHand(app)).body.reason, 'given');
  assert.equal((await post('trigger', app, 'hello', { actionId: 'greet' })).body.reused, true);
  await post('start', app, 'hello');
  assert.deepEqual(await greeting(app), kept);
  await post('start', app, 'hello');
  assert.deepEqual(await greeting(app), kept);
  await configure(app, 'good day');
  await post('start', app, 'hello');
  assert.deepEqual(await greeting(app), [null, 'good day']);

  // They come with the start: the result is for the first that come.
  await byHand(later);
  await post('start', later, 'hello', { inputs: { greet: { text: 'hello' } } });
  assert.deepEqual(await greeting(later), kept);
  await post('start', later, 'hello', { inputs: { greet: { text: 'hello' } } });
  assert.deepEqual(await greeting(later), kept);
  await post('start', later, 'hello', { inputs: { greet: { text: 'hello' } }, force: true });
  assert.deepEqual(await greeting(later), [null, 'hello']);
});

test('a step waits for a step of another app, and goes on when that is done', async () => {
  const [docs, timelining] = [anApp(), anApp()];
  const reference = `\${app.${docs}.hello.greet.text}`;
  await post('start', timelining, 'hello', { inputs: { greet: { text: `they say ${reference}` } } });
  const waiting = await until(async () => {
    const answer = await poll(timelining, 'hello');
    return step(answer, 'greet').reason === 'needs' && answer;
  }, 'it waits');
  assert.match(step(waiting, 'greet').detail, new RegExp(`${docs}\\.hello\\.greet`));
  assert.equal(waiting.deployment.status, 'running');
  await post('start', docs, 'hello', { inputs: { greet: { text: 'good day' } } });
  const done = await ended(timelining, 'hello', 'done');
  assert.equal(step(done, 'greet').output.text, 'they say good day');

  await post('start', docs, 'hello', { inputs: { greet: { text: 'good night' } } });
  await until(async () => step(await poll(timelining, 'hello'), 'greet').stale === true, 'its result is stale');
  await post('start', timelining, 'hello', { inputs: { greet: { text: `they say ${reference}` } } });
  await until(async () => step(await poll(timelining, 'hello'), 'greet').output?.text === 'they say good night',
    'it is made anew');
  assert.equal(step(await poll(timelining, 'hello'), 'greet').stale, undefined);
});

test('a retry of a deployment that is done runs again what is stale, and nothing else', async () => {
  const [docs, timelining] = [anApp(), anApp()];
  await post('start', docs, 'hello', { inputs: { greet: { text: 'good day' } } });
  await ended(docs, 'hello', 'done');
  const inputs = { greet: { text: `they say \${app.${docs}.hello.greet.text}` } };
  await post('start', timelining, 'hello', { inputs });
  const done = await ended(timelining, 'hello', 'done');
  const same = await post('retry', timelining, 'hello');
  assert.equal(same.status, 200);
  assert.deepEqual(same.body, done.deployment);

  await post('start', docs, 'hello', { inputs: { greet: { text: 'good night' } } });
  await until(async () => step(await poll(timelining, 'hello'), 'greet').stale === true, 'its result is stale');
  const { status, body } = await post('retry', timelining, 'hello');
  assert.equal(status, 202, JSON.stringify(body));
  assert.equal(body.deploymentId, done.deployment.deploymentId);
  assert.equal(step(await ended(timelining, 'hello', 'done'), 'greet').output.text, 'they say good night');
});

test('after: a deployment waits for that of another app', async () => {
  const [first, second] = [anApp(), anApp()];
  await post('start', second, 'hello', {
    inputs: { greet: { text: 'second' } }, after: [{ appId: first, workflowId: 'hello' }],
  });
  const waiting = await poll(second, 'hello');
  assert.equal(step(waiting, 'greet').phase, 'blocked');
  assert.match(step(waiting, 'greet').detail, new RegExp(first));
  await post('start', first, 'hello', { inputs: { greet: { text: 'first' } } });
  await ended(second, 'hello', 'done');
});

test('a poll shows a step that only the build which started the deployment has', async () => {
  const app = anApp();
  await post('start', app, 'hello', { inputs: { greet: { text: 'hello' } } });
  await ended(app, 'hello', 'done');
  const prefix = `slipway:{0}:app:default:${app}:`;
  await stack.redis('HSET', `${prefix}hello:wave`, 'app', app, 'workflow', 'hello', 'action', 'wave',
    'run', 'r'.repeat(32), 'status', 'done', 'version', '1', 'output', '{}');
  await stack.redis('HSET', `${prefix}steps`, 'hello:wave', '1');
  assert.equal(step(await poll(app, 'hello'), 'wave'), undefined);
  await stack.redis('HSET', `${prefix}hello:_deployment`, 'definition', 'of-another-one');
  const answer = await poll(app, 'hello');
  assert.deepEqual(answer.actions.map((one) => one.actionId), ['greet', 'repeat', 'wave']);
  assert.equal(step(answer, 'wave').status, 'done');
});

test('a step that somebody runs by itself with another input ends no deployment that it was part of', async () => {
  const app = anApp();
  const never = [{ appId: `${app}-never`, workflowId: 'hello' }];
  await post('start', app, 'hello', { inputs: { greet: { text: 'asked for' } }, after: never });
  await post('cancel', app, 'hello');
  await ended(app, 'hello', 'error');
  const greet = { actionId: 'greet', inputs: { greet: { text: 'another' } } };
  assert.equal((await post('trigger', app, 'hello', greet)).status, 202);
  await stack.untilStatus(app, 'hello', 'greet', 'done');
  assert.equal((await post('trigger', app, 'hello', { actionId: 'repeat' })).status, 202);
  await stack.untilStatus(app, 'hello', 'repeat', 'done');
  const { deployment } = await poll(app, 'hello');
  assert.equal(deployment.status, 'error');
});

test('a cancel works where a hand has made one of the steps something else', async () => {
  const app = anApp();
  const never = [{ appId: `${app}-never`, workflowId: 'hello' }];
  await post('start', app, 'hello', { inputs: { greet: { text: 'hello' } }, after: never });
  await stack.redis('SET', `slipway:{0}:app:default:${app}:hello:greet`, 'x');
  assert.equal((await post('cancel', app, 'hello')).status, 202);
  assert.equal((await stack.status(app, 'hello', 'repeat')).status, 'error');
});

test('a cancel names a step or a deployment, not both', async () => {
  const app = anApp();
  const { body } = await post('start', app, 'hello', { inputs: { greet: { text: 'hello' } } });
  const both = await post('cancel', app, 'hello', { actionId: 'greet', deploymentId: body.deploymentId });
  assert.equal(both.status, 400);
  assert.equal(both.body.errors[0].place, '/deploymentId');
});

test('a cancel of a run leaves the one alone that somebody has started since', async () => {
  const app = anApp();
  const never = [{ appId: `${app}-never`, workflowId: 'hello' }];
  const inputs = { greet: { text: 'hello' } };
  const cancel = (runId) => post('cancel', app, 'hello', { actionId: 'greet', runId });
  await post('start', app, 'hello', { inputs, after: never });
  const { runId } = await stack.status(app, 'hello', 'greet');
  assert.equal((await cancel(runId)).status, 202);
  const again = await cancel(runId);
  assert.deepEqual([again.status, again.body.status, again.body.runId], [200, 'error', runId]);
  // Nobody has run it yet, or somebody else has: nothing runs, and it says what is there.
  const idle = await post('cancel', app, 'hello', { actionId: 'greet', runId: 'another' });
  assert.deepEqual([idle.status, idle.body.runId], [200, runId]);

  await post('start', app, 'hello', { inputs, after: never });
  const late = await cancel(runId);
  const live = await stack.status(app, 'hello', 'greet');
  assert.deepEqual([late.status, late.body.class, late.body.current.runId], [409, 'run_conflict', live.runId]);
  assert.equal(live.status, 'running');
  assert.ok(late.body.detail.includes(live.runId) && late.body.detail.includes(runId), late.body.detail);
  assert.equal((await cancel(live.runId)).status, 202);
});

test('a cancel by runId names the step of the run', async () => {
  const app = anApp();
  for (const more of [{ runId: 'r1' }, { runId: 'r1', deploymentId: 'd1' }]) {
    const { status, body } = await post('cancel', app, 'hello', more);
    assert.deepEqual([status, body.errors[0].place], [400, '/runId']);
  }
  const unnamed = await post('cancel', app, 'hello', { actionId: 'greet', runId: '' });
  assert.deepEqual([unnamed.status, unnamed.body.errors[0].place], [400, '/runId']);
});
