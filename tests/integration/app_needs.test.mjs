// Apps that need one another: what waits for what, rings, and results that were made from another app's output.
//
// covers: src/store/scripts/ring.lua src/store/scripts/start.lua src/store/scripts/trigger.lua src/api/ring.c
// covers: src/store/scripts/dependants.lua src/store/scripts/names.lua src/api/launch.c src/api/trigger_response.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Stack, until } from './stack.mjs';

let stack;
let pairs = 0;
before(async () => { stack = await Stack.start({ env: { SLIPWAY_ALLOW_LOOPBACK: 'yes' } }); });
after(() => stack.stop());

const aPair = () => [`docs-${(pairs += 1)}`, `timelining-${pairs}`];
const post = (mode, appId, workflowId, rest = {}) => stack.post({ mode, appId, workflowId, ...rest });
const poll = async (appId, workflowId = 'hello') =>
  (await stack.get(`/api/deploy?appId=${appId}&workflowId=${workflowId}`)).body;
const stepOf = async (appId, id, workflowId = 'hello') =>
  (await poll(appId, workflowId)).actions.find((one) => one.actionId === id);
const ended = (appId, status = 'done', workflowId = 'hello') => until(async () => {
  const answer = await poll(appId, workflowId);
  return answer.deployment?.status === status && answer;
}, `the deployment of ${appId} is ${status}`);
const untilStep = (appId, id, holds, what, workflowId = 'hello') => until(async () => {
  const status = await stepOf(appId, id, workflowId);
  return holds(status) && status;
}, `${id} of ${appId} ${what}`);

const greet = (text, repeat) => ({ inputs: { greet: { text }, ...(repeat ? { repeat: { text: repeat } } : {}) } });
const textOf = (app, step = 'greet') => `\${app.${app}.hello.${step}.text}`;
const start = (app, body) => post('start', app, 'hello', body);

function assertRing(answer, ...names) {
  assert.equal(answer.status, 409, JSON.stringify(answer.body));
  assert.equal(answer.body.class, 'needs_ring');
  const said = / itself: (.*)$/.exec(answer.body.detail)?.[1].split(' -> ');
  assert.equal(said?.[0], said?.at(-1), answer.body.detail);
  assert.deepEqual(new Set(said), new Set(names));
  assert.match(answer.body.remedy.text, /out of the inputs/);
}

test('a ring is refused with its names when the last of it starts, whichever that is; nothing is made', async () => {
  const [docs, timelining] = aPair();
  const bodies = { [docs]: greet(`from ${textOf(timelining)}`), [timelining]: greet(`from ${textOf(docs)}`) };
  for (const [first, second] of [[docs, timelining], [timelining, docs]]) {
    assert.equal((await start(first, bodies[first])).status, 202);
    assert.match((await stepOf(first, 'greet')).detail, new RegExp(`waits for ${second}\\.hello\\.greet`));
    assertRing(await start(second, bodies[second]), `${docs}.hello.greet`, `${timelining}.hello.greet`);
    assert.equal((await poll(second)).deployment, null);
    assert.equal((await stepOf(second, 'greet')).status, 'idle');
    await post('cancel', first, 'hello');
    await ended(first, 'error');
    await stack.redis('DEL', `slipway:{0}:app:default:${first}:hello:_deployment`,
      `slipway:{0}:app:default:${first}:hello:greet`, `slipway:{0}:app:default:${first}:hello:repeat`);
  }
});

test('of two that would close a ring and start at once, one is made', async () => {
  const [docs, timelining] = aPair();
  const both = await Promise.all([start(docs, greet(textOf(timelining))), start(timelining, greet(textOf(docs)))]);
  assert.deepEqual(both.map((one) => one.status).sort(), [202, 409]);
  assert.equal((await start(both[0].status === 202 ? docs : timelining,
    both[0].status === 202 ? greet(textOf(timelining)) : greet(textOf(docs)))).status, 200);
});

test('a ring over three apps, through steps of one workflow', async () => {
  const [docs, timelining] = aPair();
  const blog = `blog-${pairs}`;
  assert.equal((await start(docs, greet(textOf(timelining, 'repeat')))).status, 202);
  assert.equal((await start(timelining, greet(textOf(blog)))).status, 202);
  assertRing(await start(blog, greet(textOf(docs))), `${docs}.hello.greet`, `${timelining}.hello.repeat`,
    `${timelining}.hello.greet`, `${blog}.hello.greet`);
  assert.equal((await start(blog, greet('text', textOf(docs)))).status, 202);
  for (const app of [docs, timelining, blog]) await ended(app);
});

test('a ring through after', async () => {
  const [docs, timelining] = aPair();
  assert.equal((await start(docs, greet(textOf(timelining)))).status, 202);
  const late = { ...greet('late'), after: [{ appId: docs, workflowId: 'hello' }] };
  assertRing(await start(timelining, late), `${timelining}.hello.greet`, `${docs}.hello`, `${docs}.hello.greet`);

  const [first, second] = aPair();
  const after = (app) => ({ ...greet('text'), after: [{ appId: app, workflowId: 'hello' }] });
  assert.equal((await start(first, after(second))).status, 202);
  const refused = await start(second, after(first));
  assert.equal(refused.body.class, 'needs_ring', JSON.stringify(refused.body));
});

test('a trigger that may be held closes no ring, and neither does a retry with other inputs', async () => {
  const [docs, timelining] = aPair();
  assert.equal((await start(docs, greet(textOf(timelining)))).status, 202);
  const inputs = { greet: { text: textOf(docs) } };
  const held = await stack.trigger(timelining, 'hello', 'greet', { inputs, hold: true });
  assertRing(held, `${docs}.hello.greet`, `${timelining}.hello.greet`);
  const refused = await stack.trigger(timelining, 'hello', 'greet', { inputs });
  assert.equal(refused.body.class, 'needs_not_done');

  const [one, other] = aPair();
  assert.equal((await start(other, greet(textOf('nobody')))).status, 202);
  assert.equal((await start(one, greet('fine', textOf(other)))).status, 202);
  assertRing(await post('retry', other, 'hello', greet(textOf(one, 'repeat'))),
    `${one}.hello.repeat`, `${other}.hello.greet`);
});

// Each gives the other something: no ring of steps, however they are started.
const back = (docs, timelining) => ({
  [docs]: greet('docs', `docs and ${textOf(timelining)}`),
  [timelining]: greet('timelining', `timelining and ${textOf(docs)}`),
});

for (const [order, begin] of Object.entries({
  'docs first': async (docs, timelining, bodies) => {
    await start(docs, bodies[docs]);
    await untilStep(docs, 'repeat', (status) => status.reason === 'needs', 'waits');
    await start(timelining, bodies[timelining]);
  },
  'timelining first': async (docs, timelining, bodies) => {
    await start(timelining, bodies[timelining]);
    await untilStep(timelining, 'repeat', (status) => status.reason === 'needs', 'waits');
    await start(docs, bodies[docs]);
  },
  'at once': (docs, timelining, bodies) =>
    Promise.all([start(docs, bodies[docs]), start(timelining, bodies[timelining])]),
  'one step by a trigger': async (docs, timelining, bodies) => {
    await stack.trigger(docs, 'hello', 'repeat', { inputs: bodies[docs].inputs, hold: true });
    await start(timelining, bodies[timelining]);
    assert.match((await stepOf(docs, 'repeat')).detail, /greet/);
    await start(docs, bodies[docs]);
  },
})) {
  test(`apps that give one another values end right: ${order}`, async () => {
    const [docs, timelining] = aPair();
    await begin(docs, timelining, back(docs, timelining));
    const answers = [await ended(docs), await ended(timelining)];
    assert.deepEqual(answers.map((answer) => answer.actions[1].output.text),
      ['docs and timelining', 'timelining and docs']);
    assert.ok(answers.every((answer) => answer.actions.every((one) => one.stale === undefined)));
  });
}

test('apps that have given one another values start again, one and both, and nothing waits for ever', async () => {
  const [docs, timelining] = aPair();
  const bodies = back(docs, timelining);
  await Promise.all([start(docs, bodies[docs]), start(timelining, bodies[timelining])]);
  await ended(docs);
  await ended(timelining);
  for (let round = 0; round < 3; round += 1) {
    const ids = await Promise.all([start(docs, bodies[docs]), start(timelining, bodies[timelining])]);
    assert.ok(ids.every((one) => one.status === 202), JSON.stringify(ids));
    await ended(docs);
    await ended(timelining);
  }
});

// Nobody waits for long for what never comes.
const site = (name, url) => ({ inputs: {
  repo: { owner: 'acme', name, fork: 'upstream/app-template' }, project: { name },
  env: { variables: [{ key: 'SITE_NAME', value: 'Site', type: 'plain' }] },
  check: { url, ...(url.endsWith('/nowhere') ? { within: 1 } : {}) },
} });
const isStale = (stale) => (status) => (status.stale === true) === stale;

test('a need that failed in another app ends the deployment, which goes on after a retry there', async () => {
  const [docs, timelining] = aPair();
  assert.equal((await start(timelining, greet(`see \${app.${docs}.site.check.url}`))).status, 202);
  await post('start', docs, 'site', site(docs, `${stack.url}/nowhere`));
  await ended(docs, 'error', 'site');
  const waiting = await untilStep(timelining, 'greet', (status) => status.reason === 'need_failed', 'waits');
  assert.equal(waiting.phase, 'blocked');
  assert.match(waiting.detail, new RegExp(`it needs ${docs}\\.site\\.check, which failed; it goes on when that`));
  await ended(timelining, 'error');

  assert.equal((await post('retry', docs, 'site', { inputs: { check: { url: `${stack.url}/healthz` } } })).status, 202);
  assert.notEqual((await poll(timelining)).deployment.status, 'error'); // but what it is while it goes on, or then
  await ended(docs, 'done', 'site');
  assert.match((await ended(timelining)).actions[0].output.text, /see http.*healthz/);
});

test('a result is stale while what it was made from in another app is another, or is gone', async () => {
  const [docs, timelining] = aPair();
  const healthy = site(docs, `${stack.url}/healthz`);
  await post('start', docs, 'site', healthy);
  await ended(docs, 'done', 'site');
  const uses = greet(`at \${app.${docs}.site.project.id}`);
  await start(timelining, uses);
  const { text } = (await ended(timelining)).actions[0].output;
  assert.equal((await stepOf(timelining, 'greet')).stale, undefined);

  // A look at the world that finds the same changes nothing; one that fails says nothing of what was made before.
  await post('start', docs, 'site', site(docs, `${stack.url}/nowhere`));
  await ended(docs, 'error', 'site');
  assert.equal((await stepOf(timelining, 'greet')).stale, undefined);

  await removeAll(docs);
  await untilStep(timelining, 'greet', isStale(true), 'is stale');
  assert.equal((await stepOf(docs, 'project', 'site')).removed, true);

  // Made again it is another one: what was made from the first remains stale, until it is made from the second.
  await post('start', docs, 'site', healthy);
  await ended(docs, 'done', 'site');
  assert.equal((await stepOf(timelining, 'greet')).stale, true);
  await start(timelining, uses);
  await untilStep(timelining, 'greet', (status) => status.status === 'done' && isStale(false)(status), 'is made anew');
  assert.notEqual((await stepOf(timelining, 'greet')).output.text, text);
});

test('a retry makes again what was made from an older output of another app, and nothing else', async () => {
  const [docs, timelining] = aPair();
  await start(docs, greet('first'));
  await ended(docs);
  const inputs = (url) => {
    const body = site(timelining, url);
    body.inputs.env.variables[0].value = `\${app.${docs}.hello.greet.text}`;
    return body;
  };
  await post('start', timelining, 'site', inputs(`${stack.url}/nowhere`));
  const failed = (await ended(timelining, 'error', 'site')).actions;
  await start(docs, greet('second'));
  await untilStep(timelining, 'env', isStale(true), 'is stale', 'site');
  await post('retry', timelining, 'site', inputs(`${stack.url}/healthz`));
  const done = (await ended(timelining, 'done', 'site')).actions;
  const changed = done.filter((one, i) => one.runId !== failed[i].runId).map((one) => one.actionId);
  assert.ok(changed.includes('env') && !changed.includes('repo') && !changed.includes('project'), String(changed));
  assert.ok(done.every(isStale(false)));
});

async function removeAll(app) {
  const { status, body } = await post('start', app, 'teardown', { inputs: { teardown: { confirm: app } } });
  assert.equal(status, 202, JSON.stringify(body));
  await ended(app, 'done', 'teardown');
}
