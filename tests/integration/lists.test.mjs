// What people look around with: the lists of apps and of what one app has had.
//
// covers: src/api/routes.c src/api/page.c src/api/route_apps.c src/api/route_app.c src/api/route_app_deployments.c
// covers: src/api/route_workers.c src/api/route_app_history.c src/api/route_app_resources.c src/api/route_app_events.c
// covers: src/api/app_deployments.c src/api/resources_list.c src/store/apps.c src/store/streams.c
// covers: src/core/history.c src/core/resource.c src/store/scripts/history.lua
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Stack, slipway, until } from './stack.mjs';
import { SlipwayClient } from '../../client/slipway.js';

let stack;
let apps = 0;
before(async () => { stack = await Stack.start({ env: { SLIPWAY_ALLOW_LOOPBACK: 'yes' } }); });
after(() => stack.stop());

const anApp = (name = 'list') => `${name}-${(apps += 1)}`;
const post = (mode, appId, workflowId, rest = {}) => stack.post({ mode, appId, workflowId, ...rest });
const get = async (path) => {
  const answer = await stack.get(path);
  assert.equal(answer.status, 200, `${path}: ${JSON.stringify(answer.body)}`);
  return answer.body;
};
const key = (app, what) => `slipway:{0}:app:default:${app}:${what}`;

// Starts a deployment and waits for its end.
async function deploy(app, inputs, workflow = 'hello', mode = 'start') {
  const { status, body } = await post(mode, app, workflow, { inputs });
  assert.equal(status, 202, JSON.stringify(body));
  return until(async () => {
    const answer = await get(`/api/deploy?appId=${app}&workflowId=${workflow}`);
    return answer.deployment.deploymentId === body.deploymentId && answer.deployment.status !== 'running' && answer;
  }, `the deployment of ${app} has ended`);
}
const hello = (app, text = 'hello') => deploy(app, { greet: { text } });

// All entries of a list by pages of so many; `between` is called after each page.
async function walk(path, name, limit, between = async () => {}) {
  const entries = [];
  let after = '';
  do {
    const body = await get(`${path}${path.includes('?') ? '&' : '?'}limit=${limit}${after}`);
    assert.ok(body[name].length <= limit, `${body[name].length} of ${limit}`);
    entries.push(...body[name]);
    await between(body);
    after = body.next === null ? null : `&after=${encodeURIComponent(body.next)}`;
  } while (after !== null);
  return entries;
}

test('a history has each run that ended, with what it was given, gave and made', async () => {
  const app = anApp();
  const { deployment } = await deploy(app, {
    repo: { owner: 'acme', name: app, fork: 'upstream/app-template' }, project: { name: app },
    check: { url: `${stack.url}/healthz` },
  }, 'site');
  const body = await get(`/api/apps/${app}/history?limit=200`);
  assert.equal(body.appId, app);
  const repo = body.runs.find((run) => run.actionId === 'repo');
  assert.equal(repo.deploymentId, deployment.deploymentId);
  assert.equal(repo.status, 'done');
  assert.equal(repo.input.fork, 'upstream/app-template');
  assert.equal(repo.output.fullName, `acme/${app}`);
  assert.match(repo.digest, /^[0-9a-f]{64}$/);
  assert.match(repo.definition, /^[0-9a-f]{16}$/);
  assert.deepEqual([repo.attempt, repo.crashes, repo.failures, repo.error], [1, 0, [], null]);
  assert.ok(repo.queuedAt <= repo.startedAt && repo.startedAt <= repo.finishedAt, JSON.stringify(repo));
  const [made] = repo.resources;
  assert.deepEqual([made.provider, made.type, made.state, made.run], ['github', 'repository', 'created', repo.runId]);

  const { resources } = await get(`/api/apps/${app}/resources`);
  assert.ok(resources.some((one) => one.provider === 'vercel' && one.type === 'project'));
  assert.deepEqual(await walk(`/api/apps/${app}/resources`, 'resources', 1), resources);
  const { events } = await get(`/api/apps/${app}/events?limit=200`);
  assert.ok(events.some((event) => event.event === 'deployment' && event.detail === 'done'), JSON.stringify(events));
});

test('a run that was tried again tells of each attempt', async () => {
  const app = anApp();
  const failure = ['3 1764300000001 network the third', '2 1764300000000 network the second',
    '1 1764200000000 timeout it took too long'].join('\n');
  await hello(app);
  await stack.redis('LPUSH', key(app, 'history'), ['9000000000000-0 error hello greet r1 - - 3 0 - -',
    ...failure.split('\n').map((line) => `failures ${line}`), 'error {"class":"network","message":"no"}'].join('\n'));
  const [run] = (await get(`/api/apps/${app}/history`)).runs;
  assert.deepEqual(run.failures, [
    { attempt: 1, at: '2025-11-26T23:33:20.000Z', class: 'timeout', message: 'it took too long' },
    { attempt: 2, at: '2025-11-28T03:20:00.000Z', class: 'network', message: 'the second' },
    { attempt: 3, at: '2025-11-28T03:20:00.001Z', class: 'network', message: 'the third' },
  ]);
  assert.equal(run.error.class, 'network');
});

// While workers are already of this build, and the api is not yet.
test('a run whose only attempt an older build did not find in its hash had one', async () => {
  const app = anApp();
  await hello(app);
  await stack.redis('LPUSH', key(app, 'history'), '9000000000000-0 done hello greet r1 - - - - - -');
  const [run] = (await get(`/api/apps/${app}/history`)).runs;
  assert.deepEqual([run.runId, run.attempt, run.crashes], ['r1', 1, 0]);
});

test('pages neither repeat nor miss a run while others are added', async () => {
  const app = anApp();
  for (let i = 0; i < 4; i += 1) await hello(app, `text ${i}`);
  const first = (await get(`/api/apps/${app}/history?limit=200`)).runs.map((run) => run.runId);
  assert.equal(first.length, 8);
  let added = 0;
  const walked = await walk(`/api/apps/${app}/history`, 'runs', 3, async () => {
    if ((added += 1) < 3) await hello(app, `more ${added}`);
  });
  assert.deepEqual(walked.map((run) => run.runId), first);
});

test('a filter finds what stands far behind what it leaves out, and says when that is all', async () => {
  const app = anApp();
  await hello(app);
  const fill =
    "for i = 1, 250 do redis.call('LPUSH', KEYS[1], '9000000000000-' .. i .. ' error site repo ' .. i) end";
  await stack.redis('EVAL', fill, '1', key(app, 'history'));
  const runs = await walk(`/api/apps/${app}/history?workflowId=hello&status=done`, 'runs', 1);
  assert.deepEqual(runs.map((run) => run.actionId), ['repeat', 'greet']);
  assert.deepEqual((await get(`/api/apps/${app}/history?workflowId=gone`)).runs, []);
  assert.equal((await walk(`/api/apps/${app}/history?status=error`, 'runs', 200)).length, 250);
});

test('a deployment stands in the list once, however often it was retried, and while it is live', async () => {
  const app = anApp();
  const wrong = { repo: { owner: 'acme', name: app, fork: 'upstream/no-such-repository' }, project: { name: app },
    check: { url: `${stack.url}/nowhere`, within: 1 } };
  const failed = await deploy(app, wrong, 'site');
  await deploy(app, { repo: { fork: 'upstream/app-template' } }, 'site', 'retry');
  await deploy(app, { check: { url: `${stack.url}/healthz` } }, 'site', 'retry');
  await hello(app);
  const { deployments, next } = await get(`/api/apps/${app}/deployments`);
  assert.equal(next, null);
  assert.deepEqual(deployments.map((one) => [one.workflowId, one.status]), [['hello', 'done'], ['site', 'done']]);
  const [, site] = deployments;
  assert.equal(site.deploymentId, failed.deployment.deploymentId);
  assert.equal(site.inputs.repo.fork, 'upstream/app-template');
  assert.ok(site.steps.includes('repo') && site.retriedAt >= site.startedAt, JSON.stringify(site));

  await post('start', app, 'site', { inputs: { ...wrong, repo: { ...wrong.repo, fork: 'upstream/app-template' },
    check: { url: `${stack.url}/nowhere`, within: 600 } } });
  const live = await get(`/api/apps/${app}/deployments?status=running`);
  assert.deepEqual(live.deployments.map((one) => one.status), ['running']);
  assert.equal(live.deployments[0].retriedAt, null);
  const all = await get(`/api/apps/${app}/deployments?limit=1`);
  assert.deepEqual(all.deployments.map((one) => one.status), ['running', 'done']);
  const rest = await get(`/api/apps/${app}/deployments?limit=1&after=${all.next}`);
  assert.deepEqual(rest.deployments.map((one) => one.deploymentId), [site.deploymentId]);
  assert.equal(rest.next, null);
  await post('cancel', app, 'site');
  // What it ends later is a change of the app, and another test reads the apps by their last change.
  await until(async () => {
    const { actions } = await get(`/api/deploy?appId=${app}&workflowId=site`);
    return actions.every(({ status }) => status !== 'running');
  }, 'its runs have ended');
});

test('secrets stand in no list: neither the text, nor what it was sealed to', async () => {
  const app = anApp();
  const secret = 'a-very-secret-value';
  await stack.post({ mode: 'configure', appId: app, secrets: { TOKEN: 'configured-secret' } });
  await deploy(app, {
    repo: { owner: 'acme', name: app, fork: 'upstream/app-template' }, project: { name: app },
    env: { variables: [{ key: 'A', value: secret }, { key: 'B', value: '${secret.TOKEN}' },
      { key: 'C', value: 'clear', type: 'plain' }] },
    check: { url: `${stack.url}/healthz` },
  }, 'site');
  const texts = [];
  for (const list of ['deployments', 'history', 'resources', 'events']) {
    texts.push(JSON.stringify(await get(`/api/apps/${app}/${list}?limit=200`)));
  }
  for (const text of texts) assert.doesNotMatch(text, /very-secret|configured-secret|\$\{sealed|sealed\.[0-9a-f]{8}/);
  const [deployment] = JSON.parse(texts[0]).deployments;
  assert.deepEqual(deployment.sealed, ['/inputs/env/variables/0/value']);
  assert.deepEqual(deployment.inputs.env.variables.map((one) => one.value), [undefined, '${secret.TOKEN}', 'clear']);
  const env = JSON.parse(texts[1]).runs.find((run) => run.actionId === 'env');
  assert.deepEqual(env.sealed, ['/input/variables/0/value']);
  assert.equal(env.input.variables[1].value, '${secret.TOKEN}');
});

test('the list of apps has each once by its last change, with the state of its deployments', async () => {
  const [one, two] = [anApp(), anApp()];
  await hello(one);
  await hello(two);
  await stack.redis('ZADD', 'slipway:{0}:apps:default', '1700000000000', 'same-b', '1700000000000', 'same-a',
    '5', 'not an id');
  const all = (await get('/api/apps?limit=200')).apps;
  const ids = all.map((app) => app.appId);
  assert.ok(ids.indexOf(two) < ids.indexOf(one), ids.join());
  assert.deepEqual(ids.slice(-2), ['same-b', 'same-a']);
  const [deployment] = all[ids.indexOf(one)].deployments;
  assert.deepEqual([deployment.workflowId, deployment.status], ['hello', 'done']);
  assert.deepEqual((await walk('/api/apps', 'apps', 1)).map((app) => app.appId), ids);
  await stack.redis('ZREM', 'slipway:{0}:apps:default', 'same-a', 'same-b', 'not an id');

  const app = await get(`/api/apps/${one}`);
  assert.equal(app.deployments[0].status, 'done');
  assert.deepEqual(app.counts, { resources: 0, deployments: 1, runs: 2, events: app.counts.events });
  assert.equal(app.configVersion, 0);
});

test('an app has the last deployment of each workflow, also one that was pushed out of the list or is of other builds',
  async () => {
    const app = anApp();
    await hello(app, 'an input');
    await stack.redis('DEL', key(app, 'deployments'));
    assert.deepEqual((await get(`/api/apps/${app}/deployments`)).deployments, []);
    for (const step of ['greet', 'repeat', '_deployment']) {
      await stack.redis('COPY', key(app, `hello:${step}`), key(app, `older:${step}`));
    }
    await stack.redis('HSET', key(app, 'steps'), 'older:greet', '1', 'older:repeat', '1', 'no step', '1');
    await stack.redis('HSET', key(app, 'older:_deployment'), 'workflow', 'older', 'deployment', 'of-another-build');
    const { workflows, deployments } = await get(`/api/apps/${app}`);
    assert.deepEqual(workflows, ['hello', 'older']);
    assert.deepEqual(deployments.map((one) => [one.workflowId, one.inputs, one.after, one.steps]),
      ['hello', 'older'].map((name) => [name, { greet: { text: 'an input' } }, [], ['greet', 'repeat']]));
    assert.equal(deployments[1].deploymentId, 'of-another-build');
    // A key that a hand has broken hides none of the others.
    await stack.redis('DEL', key(app, 'hello:_deployment'));
    await stack.redis('SET', key(app, 'hello:_deployment'), 'broken');
    assert.deepEqual((await get(`/api/apps/${app}`)).deployments.map((one) => one.workflowId), ['older']);
  });

test('a live deployment of a workflow that this build does not have is listed wherever the others are', async () => {
  const [app, other] = [anApp(), anApp()];
  await hello(app);
  await hello(other);
  for (const step of ['greet', '_deployment']) {
    await stack.redis('COPY', key(app, `hello:${step}`), key(app, `gone:${step}`));
  }
  await stack.redis('HSET', key(app, 'steps'), 'gone:greet', '1');
  await stack.redis('HSET', key(app, 'gone:_deployment'), 'workflow', 'gone', 'deployment', 'a'.repeat(32),
    'status', 'running');
  const names = (list) => list.map((one) => `${one.workflowId} ${one.status}`);
  assert.deepEqual(names((await get(`/api/apps/${app}`)).deployments), ['hello done', 'gone running']);
  assert.deepEqual(names((await get(`/api/apps/${app}/deployments`)).deployments), ['gone running', 'hello done']);
  assert.deepEqual(names((await get(`/api/apps/${app}/deployments?status=running`)).deployments), ['gone running']);
  assert.deepEqual(names((await get(`/api/apps/${app}/deployments?workflowId=gone`)).deployments), ['gone running']);
  assert.deepEqual(names((await get(`/api/apps/${app}/deployments?workflowId=hello`)).deployments), ['hello done']);
  const { apps: all } = await get('/api/apps?limit=200');
  assert.deepEqual(names(all.find(({ appId }) => appId === app).deployments), ['hello done', 'gone running']);
  assert.deepEqual(names(all.find(({ appId }) => appId === other).deployments), ['hello done']);
  const shown = await slipway('deployments', app, '--url', stack.url);
  assert.match(shown.stdout, /^gone +running /m);
  assert.match((await slipway('apps', '--url', stack.url)).stdout, /gone +running/);
  // A list of steps that a hand has broken hides no other app, and no workflow that is compiled in.
  await stack.redis('DEL', key(app, 'steps'));
  await stack.redis('SET', key(app, 'steps'), 'broken');
  const broken = (await get('/api/apps?limit=200')).apps;
  assert.deepEqual(names(broken.find(({ appId }) => appId === app).deployments), ['hello done']);
  assert.deepEqual(names(broken.find(({ appId }) => appId === other).deployments), ['hello done']);
  assert.deepEqual(names((await get(`/api/apps/${app}/deployments`)).deployments), ['hello done']);
});

test('an app of nobody has nothing; what is no id, no limit, no cursor is refused and not repeated', async () => {
  for (const list of ['deployments', 'history', 'resources', 'events']) {
    const body = await get(`/api/apps/nobody/${list}`);
    assert.deepEqual([body[list === 'history' ? 'runs' : list], body.next], [[], null]);
  }
  const nobody = await stack.get('/api/apps/nobody');
  assert.deepEqual([nobody.status, nobody.body.class], [404, 'not_found']);

  for (const name of ['%3Cscript%3E', 'a%0Ab', 'a:b', '%7Bapp%7D', 'x'.repeat(65), '%FF', 'a..b', '%2A']) {
    for (const path of [`/api/apps/${name}`, `/api/apps/${name}/history`]) {
      const { status, body } = await stack.get(path);
      assert.deepEqual([status, body.class], [400, 'invalid_request'], path);
      assert.doesNotMatch(JSON.stringify(body), /script|xxx/);
    }
  }
  for (const path of ['/api/apps/a%2Fb/history', '/api/apps/a/history/b', '/api/apps/', '/api/apps/a/']) {
    assert.equal((await stack.get(path)).status, 404, path);
  }
  for (const query of ['limit=0', 'limit=201', 'limit=ten', 'after=x', 'after=1-2-3', 'after=0-0',
    `after=${'9'.repeat(19)}-1`, 'status=running', 'app=a',
    'workflowId=a:b', 'after=%28&limit=5']) {
    const { status, body } = await stack.get(`/api/apps/nobody/history?${query}`);
    assert.deepEqual([status, body.class], [400, 'invalid_request'], query);
  }
  assert.equal((await stack.get('/api/apps?after=5.a:b')).status, 400);
  const answer = await fetch(`${stack.url}/api/apps/nobody/history`, { method: 'DELETE' });
  assert.deepEqual([answer.status, answer.headers.get('allow')], [405, 'GET']);
});

test('state that was broken by hand hides nothing else', async () => {
  const app = anApp();
  await hello(app);
  await stack.redis('SET', key(app, 'site:_deployment'), 'broken');
  await stack.redis('LPUSH', key(app, 'history'), '9000000000000-0 done\ninput no json\nfailures x\nfailures \n7', '?');
  await stack.redis('XADD', key(app, 'deployments'), '*', 'junk', 'x');
  await stack.redis('XADD', key(app, 'deployments'), '*', 'deployment', 'd', 'inputs', '["${sealed.x}"]',
    'started_at', 'x');
  await stack.redis('HSET', key(app, 'ledger'), 'github:repository:a/b', 'no json', 'x', '7');
  const { runs } = await get(`/api/apps/${app}/history`);
  assert.equal(runs.length, 3);
  assert.equal(runs[0].input, null);
  const { deployments } = await get(`/api/apps/${app}/deployments`);
  assert.deepEqual(deployments.map((one) => [one.deploymentId.length, one.inputs === null]), [[1, true], [32, false]]);
  const { resources } = await get(`/api/apps/${app}/resources`);
  const damaged = ['github:repository:a/b', 'x'].map((name) => [name, 'damaged']);
  assert.deepEqual(resources.map((one) => [one.key, one.state]), damaged);
  const listed = (await get('/api/apps')).apps.find((one) => one.appId === app);
  assert.deepEqual(listed.deployments.map((one) => one.workflowId), ['hello']);

  await stack.redis('SET', key(app, 'history'), 'broken');
  const { status, body } = await stack.get(`/api/apps/${app}/history`);
  assert.deepEqual([status, body.class], [500, 'internal']);
  assert.match(body.remedy.text, /slipway verify/);
});

test('the client reads each list, page by page', async () => {
  const app = anApp();
  const client = new SlipwayClient({ baseUrl: stack.url });
  await hello(app);
  assert.ok((await client.apps()).apps.some((one) => one.appId === app));
  assert.equal((await client.app(app)).counts.runs, 2);
  assert.equal((await client.deployments(app, { status: 'done' })).deployments.length, 1);
  const first = await client.history(app, { limit: 1 });
  const second = await client.history(app, { limit: 1, after: first.next });
  assert.deepEqual([...first.runs, ...second.runs].map((run) => run.actionId), ['repeat', 'greet']);
  assert.equal(second.next, null);
  assert.deepEqual((await client.resources(app)).resources, []);
  assert.ok((await client.events(app, { workflowId: 'hello' })).events.length > 0);
  await assert.rejects(client.history('../apps'), { status: 404 });
  // What another test has left, and a heartbeat that is older, say that something runs.
  const [worker] = await until(async () => {
    const workers = await client.workers();
    return workers[0].running.length === 0 && workers;
  }, 'the worker says that nothing runs');
  const known = (await client.workflows()).find((one) => one.id === 'hello');
  assert.equal(worker.definitions.hello, known.definition);
  assert.match(worker.definitions['hello.greet'], /^[0-9a-f]{16}$/);
  assert.ok(Date.parse(worker.startedAt) > 0);
  assert.deepEqual([worker.silent, worker.executors > 0, worker.heartbeatAgeMs < 15000], [false, true, true]);
});

test('a cancelled deployment says what it has made so far', async () => {
  const app = anApp();
  await post('start', app, 'site', { inputs: { repo: { owner: 'acme', name: app, fork: 'upstream/app-template' },
    project: { name: app }, check: { url: `${stack.url}/nowhere`, within: 600 } } });
  await until(async () => (await stack.status(app, 'site', 'project')).status === 'done', 'the project is made');
  const { status, body } = await post('cancel', app, 'site');
  assert.equal(status, 202);
  const made = body.resources.map((one) => `${one.type} ${one.key} ${one.state}`);
  assert.ok(made.includes(`repository acme/${app} created`) && made.includes(`project ${app} created`), made.join());
  const nothing = (await post('cancel', anApp(), 'site')).body;
  assert.deepEqual([nothing.status, nothing.deploymentId, nothing.resources], ['idle', null, []]);
});
