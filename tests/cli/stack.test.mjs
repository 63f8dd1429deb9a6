// A stack of apps that need one another: applied in every order, again, after something was deleted by hand and after
// the command was killed, and destroyed. On the stand-ins for GitHub and Vercel.
//
// covers: src/cli/command_apply.c src/cli/command_destroy.c src/cli/stack_body.c src/cli/stack_follow.c
// covers: src/cli/stack_plan.c src/cli/session.c src/api/route_app_users.c src/store/app_users.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { Stack, build, slipway, until } from '../integration/stack.mjs';

let stack;
let example;
before(async () => {
  stack = await Stack.start();
  example = await readFile('conf/dev/stack.yaml', 'utf8');
});
after(() => stack.stop());

const url = () => ['--url', stack.url];
const apply = (file, ...flags) => slipway('apply', '-f', file, ...url(), ...flags);
const destroy = (...words) => slipway('destroy', ...words, '--yes', ...url());
const poll = async (appId, workflowId) => (await stack.get(`/api/deploy?appId=${appId}&workflowId=${workflowId}`)).body;
const outputs = async (app) =>
  Object.fromEntries((await poll(app, 'site')).actions.map((step) => [step.actionId, step.output]));
const resources = async (app) =>
  JSON.parse((await slipway('resources', app, '--json', '--redis-url', `unix://${stack.folder}/redis.sock`)).stdout);

async function write(name, text) {
  const file = path.join(stack.folder, name);
  await writeFile(file, text);
  return file;
}

// The example with other names, its apps in this order.
function renamed(prefix, order = ['docs', 'timelining', 'notes']) {
  const text = example.replaceAll('127.0.0.1:8080', new URL(stack.url).host)
    .replaceAll(/\b(docs|timelining|notes)\b(?=:$|[.}]|, fork)/gm, `${prefix}-$1`)
    .replaceAll('shared: link', `shared: ${prefix}_link`);
  const [, body] = text.split('\napps:\n');
  const apps = Object.fromEntries(body.split(/^ {2}(?=\S)/m).slice(1)
    .map((app) => [/-(\w+):/.exec(app)[1], `  ${app.trimEnd()}\n`]));
  return `apps:\n${order.map((name) => apps[name]).join('')}`;
}

// Where the worker was told that a provider is.
async function provider(name) {
  const words = (await readFile(`/proc/${await stack.daemon('slipway-worker')}/cmdline`, 'utf8')).split('\0');
  return words[words.indexOf(`--${name}-url`) + 1];
}
const authorization = { authorization: 'Bearer test_token_admin' };
const atGitHub = async (name) =>
  (await fetch(`${await provider('github')}/repos/acme/${name}`, { headers: authorization })).status;

test('it is applied in every order of its apps, and each has the values of the others', async () => {
  const orders = [['docs', 'timelining', 'notes'], ['docs', 'notes', 'timelining'], ['timelining', 'docs', 'notes'],
    ['timelining', 'notes', 'docs'], ['notes', 'docs', 'timelining'], ['notes', 'timelining', 'docs']];
  const all = await Promise.all(orders.map(async (order, i) =>
    apply(await write(`order-${i}.yaml`, renamed(`o${i}`, order)))));
  for (const [i, result] of all.entries()) {
    assert.equal(result.code, 0, result.stdout + result.stderr);
    assert.match(result.stdout, /order-\d\.yaml is done after/);
    const [docs, timelining] = [await outputs(`o${i}-docs`), await outputs(`o${i}-timelining`)];
    assert.equal(docs.check.url, `${stack.url}/healthz?timelining=${timelining.deployment.alias}`);
    const note = (await poll(`o${i}-notes`, 'hello')).actions[0].output.text;
    assert.equal(note, `docs: ${docs.deployment.alias}, timelining: ${timelining.deployment.alias}`);
    for (const name of ['docs', 'timelining']) {
      const { actions } = await poll(`o${i}-${name}`, 'site');
      assert.ok(actions.every((step) => step.status === 'done' && !step.stale), JSON.stringify(actions));
    }
  }
});

test('a plan before anything is configured has what the file configures, its secrets too', async () => {
  const file = await write('before.yaml', renamed('before'));
  const { code, stdout, stderr } = await apply(file, '--plan');
  assert.equal(code, 0, stdout + stderr);
  const told = /^before-docs +to configure: config\.siteName, config\.checkUrl, secret\.LINK_TOKEN$/m;
  assert.match(stdout, told, stderr);
  assert.match(stdout, /^before-docs\/site +repo +create/m);
  assert.match(stdout, /^before-docs\/site +env +(create|update) /m);
  assert.match(stdout, /LINK_TOKEN does not exist/);
  assert.doesNotMatch(stdout, /\b(blocked|conflict)\b/);
  assert.doesNotMatch(stdout, /config '/);
  const { config, secrets } = (await stack.post({ mode: 'configure', appId: 'before-docs' })).body;
  assert.deepEqual([config, secrets], [{}, []]);
  assert.equal((await poll('before-docs', 'site')).deployment, null);
});

test('applied again it looks, changes nothing, and says so', async () => {
  const file = await write('again.yaml', renamed('again'));
  assert.equal((await apply(file)).code, 0);
  const before = [await outputs('again-docs'), await outputs('again-timelining')];
  const { deployment } = await poll('again-docs', 'site');
  const second = await apply(file);
  assert.equal(second.code, 0, second.stdout + second.stderr);
  assert.match(second.stdout, /again-docs\/site: unchanged\n/);
  assert.match(second.stdout, /is done after [\d.]+ s: unchanged\n$/);
  assert.notEqual((await poll('again-docs', 'site')).deployment.deploymentId, deployment.deploymentId);
  const now = [await outputs('again-docs'), await outputs('again-timelining')];
  for (const i of [0, 1]) {
    assert.equal(now[i].project.id, before[i].project.id);
    assert.equal(now[i].deployment.id, before[i].deployment.id);
    assert.deepEqual([now[i].env.created, now[i].env.updated, now[i].env.removed], [0, 0, 0]);
  }
  const plan = await apply(file, '--plan');
  assert.equal(plan.code, 0, plan.stdout + plan.stderr);
  assert.doesNotMatch(plan.stdout, /\b(create|update|remove|adopt|conflict)\b/);
});

test('the connections that apps name are configured, and exported', async () => {
  const file = await write('connected.yaml', `apps:
  connected:
    workflow: hello
    connections:
      github: settings
    inputs:
      greet:
        text: hi
`);
  assert.match((await apply(file, '--plan')).stdout, /^connected +to configure: connections\.github$/m);
  const result = await apply(file);
  assert.equal(result.code, 0, result.stdout + result.stderr);
  const { connections } = (await stack.post({ mode: 'configure', appId: 'connected' })).body;
  assert.deepEqual(connections, { github: 'settings' });
  assert.match((await apply(file, '--plan')).stdout, /^connected +to configure: nothing$/m);
  const exported = await slipway('export', 'connected', '--url', stack.url);
  assert.deepEqual(JSON.parse(exported.stdout).apps.connected.connections, { github: 'settings' }, exported.stderr);
  await write('connected.yaml', (await readFile(file, 'utf8')).replace('settings', 'nobodys'));
  const refused = await apply(file);
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /no connection 'nobodys'/);
});

// What Vercel has as the value of a variable.
async function variable(app, key) {
  const { project } = await outputs(app);
  const answer = await fetch(`${await provider('vercel')}/v10/projects/${project.id}/env?decrypt=true&teamId=${
    project.accountId}`, { headers: authorization });
  return (await answer.json()).envs.find((one) => one.key === key).value;
}

test('apps of a stack share a secret that nobody has chosen', async () => {
  const file = await write('shared.yaml', renamed('shared'));
  const result = await apply(file);
  assert.equal(result.code, 0, result.stdout + result.stderr);
  const value = await variable('shared-docs', 'LINK_TOKEN');
  assert.match(value, /^[0-9a-f]{32}$/);
  assert.equal(await variable('shared-timelining', 'LINK_TOKEN'), value);
  assert.equal((await apply(file)).code, 0);
  assert.equal(await variable('shared-docs', 'LINK_TOKEN'), value);
});

test('what was deleted by hand is made anew, and what was made from it follows', async () => {
  const file = await write('hand.yaml', renamed('hand'));
  assert.equal((await apply(file)).code, 0);
  const before = await outputs('hand-docs');
  const { id, accountId } = before.project;
  const gone = await fetch(`${await provider('vercel')}/v9/projects/${id}?teamId=${accountId}`,
    { method: 'DELETE', headers: authorization });
  assert.ok(gone.ok, String(gone.status));
  const second = await apply(file);
  assert.equal(second.code, 0, second.stdout + second.stderr);
  assert.match(second.stdout, /hand-docs\/site: changed\n/);
  assert.notEqual((await outputs('hand-docs')).project.id, before.project.id);
  for (const name of ['docs', 'timelining']) {
    assert.ok((await poll(`hand-${name}`, 'site')).actions.every((step) => step.status === 'done' && !step.stale));
  }
  assert.match((await apply(file)).stdout, /: unchanged\n$/);
});

// Starts the command, and kills it once its output matches.
async function killed(pattern, ...words) {
  const child = spawn(path.join(build, 'slipway'), [...words, ...url()], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (bytes) => { output += bytes; });
  const end = new Promise((resolve) => { child.once('exit', resolve); });
  await until(() => pattern.test(output), `it prints ${pattern}`);
  child.kill('SIGKILL');
  await end;
}

test('killed in between, the server goes on, and the same command joins it', async () => {
  const file = await write('killed.yaml', renamed('killed'));
  await killed(/killed-docs\/site +running/, 'apply', '-f', file);
  const { deployment } = await poll('killed-docs', 'site');
  assert.equal(deployment.status, 'running');
  const second = await apply(file);
  assert.equal(second.code, 0, second.stdout + second.stderr);
  assert.equal((await poll('killed-docs', 'site')).deployment.deploymentId, deployment.deploymentId);

  await killed(/killed-timelining\/teardown +running|killed-notes: 0 removed/, 'destroy', '-f', file, '--yes');
  const rest = await destroy('-f', file);
  assert.equal(rest.code, 0, rest.stdout + rest.stderr);
  assert.equal(await atGitHub('killed-docs'), 404);
  assert.equal(await atGitHub('killed-timelining'), 404);
});

test('two that apply the same get the same deployments', async () => {
  const file = await write('two.yaml', renamed('two'));
  const both = await Promise.all([apply(file, '--json'), apply(file, '--json')]);
  const ends = both.map((result) => {
    assert.equal(result.code, 0, result.stdout + result.stderr);
    return JSON.parse(result.stdout.trimEnd().split('\n').at(-1)).workflows;
  });
  assert.deepEqual(ends[0].map((one) => one.deploymentId), ends[1].map((one) => one.deploymentId));
  assert.deepEqual(ends[0].map((one) => one.appId).sort(), ['two-docs', 'two-notes', 'two-timelining']);
});

test('it is destroyed: who needs others first, created things only, and applied again it is all there', async () => {
  const file = await write('end.yaml', renamed('end'));
  assert.equal((await apply(file)).code, 0);
  const asked = await slipway('destroy', '-f', file, ...url());
  assert.equal(asked.code, 64);
  assert.match(asked.stderr, /nothing was removed: give --yes/);
  assert.match(asked.stdout, /end-docs: the repository acme\/end-docs will be removed, with all its content/);
  assert.equal(await atGitHub('end-docs'), 200);

  const result = await destroy('-f', file);
  assert.equal(result.code, 0, result.stdout + result.stderr);
  const order = [...result.stdout.matchAll(/^end-(\w+): \d removed/gm)].map(([, name]) => name);
  assert.deepEqual(order, ['notes', 'timelining', 'docs']);
  assert.match(result.stdout, /^end-docs: 2 removed, 0 left$/m);
  for (const name of ['docs', 'timelining']) assert.equal(await atGitHub(`end-${name}`), 404);
  assert.equal((await destroy('-f', file)).code, 0);

  const anew = await apply(file);
  assert.equal(anew.code, 0, anew.stdout + anew.stderr);
  assert.equal(await atGitHub('end-docs'), 200);
});

test('destroy of one app cancels what is being deployed, and leaves and names what was adopted', async () => {
  const site = (name, more) => `apps:
  ${name}:
    workflow: site
    inputs:
      repo: {owner: acme, name: theirs, fork: upstream/app-template${more}}
      project: {name: ${name}}
      env: {variables: [{key: A, value: b, type: plain}]}
      check: {url: "${stack.url}/nowhere", within: 600}
`;
  await apply(await write('theirs.yaml', site('theirs', ', share: true')), '--detach');
  await stack.untilStatus('theirs', 'site', 'check', (step) => step.phase === 'waiting');
  await apply(await write('ours.yaml', site('ours', ', share: true, adopt: true')), '--detach');
  await stack.untilStatus('ours', 'site', 'check', (step) => step.phase === 'waiting');
  const result = await destroy('ours');
  assert.equal(result.code, 0, result.stdout + result.stderr);
  assert.match(result.stdout, /ours: the repository acme\/theirs will be kept, because it was adopted/);
  assert.match(result.stdout, /ours: cancelling site, which is being deployed/);
  assert.match(result.stdout, /^ours: 1 removed, 1 left$/m);
  assert.equal(await atGitHub('theirs'), 200);
  assert.deepEqual(await resources('ours'), []);
  assert.equal((await poll('theirs', 'site')).deployment.status, 'running');
});

test('destroy of one app names the apps that stay and use it; who has been made without it since is none', async () => {
  const file = (text) => write('users.yaml', `apps:
  users-a: {workflow: hello, inputs: {greet: {text: a}}}
  users-b: {workflow: hello, inputs: {greet: {text: "${text}"}}}
`);
  assert.equal((await apply(await file('\${app.users-a.hello.repeat.text}'))).code, 0);
  assert.deepEqual((await stack.get('/api/apps/users-a/users')).body, { appId: 'users-a', users: [
    { appId: 'users-b', workflowId: 'hello', actionId: 'greet', uses: { workflowId: 'hello', actionId: 'repeat' } },
  ], hidden: 0 });
  assert.deepEqual((await stack.get('/api/apps/users-b/users')).body.users, []);
  const warning = /users-a: warning: greet of the app 'users-b', which stays, uses what its step repeat has given/;
  assert.match((await destroy('users-a')).stdout, warning);
  assert.doesNotMatch((await destroy('-f', await file('\${app.users-a.hello.repeat.text}'))).stdout, /warning/);
  assert.equal((await apply(await file('b'))).code, 0);
  assert.doesNotMatch((await destroy('users-a')).stdout, /warning/);
});

test('Ctrl-C ends the watching only, and two that destroy at the same time both come to the end', async () => {
  const file = await write('interrupted.yaml', renamed('interrupted'));
  const words = ['apply', '-f', file, ...url()];
  const child = spawn(path.join(build, 'slipway'), words, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => { output += bytes; });
  const end = new Promise((resolve) => { child.once('exit', resolve); });
  await until(() => /interrupted-notes\/hello +running/.test(output), 'all are started');
  child.kill('SIGINT');
  assert.equal(await end, 130);
  assert.match(output, /What was started goes on at the server; 'slipway apply -f .*interrupted\.yaml' again goes on/);
  await until(async () => (await poll('interrupted-docs', 'site')).deployment.status === 'done', 'the server goes on');

  for (const result of await Promise.all([destroy('-f', file), destroy('-f', file)])) {
    assert.equal(result.code, 0, result.stdout + result.stderr);
  }
  assert.equal(await atGitHub('interrupted-docs'), 404);
});

test('a plan that nobody works at says what it waits for', async () => {
  const idle = await Stack.start({ flags: ['--no-emulator', '--no-worker'] });
  const file = await write('idle.yaml', 'apps: {idle: {workflow: hello, inputs: {greet: {text: a}}}}\n');
  const words = ['apply', '--plan', '-f', file, '--url', idle.url];
  const child = spawn(path.join(build, 'slipway'), words, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stderr.on('data', (bytes) => { output += bytes; });
  await until(() => /^waiting for the plan of idle\/hello: queued/m.test(output), 'it says so');
  child.kill('SIGKILL');
  await idle.stop();
});

test('what is wrong anywhere is told with its line, and nothing is configured or started', async () => {
  const file = await write('wrong.yaml', `apps:
  wrong-a:
    workflow: hello
    inputs:
      greet: {text: hello}
    config: {name: a}
  wrong-b:
    workflow: hello
    inputs:
      greet: {text: 7, txt: x}
      greeet: {}
`);
  const result = await apply(file);
  assert.equal(result.code, 64);
  assert.match(result.stderr, /wrong\.yaml:10:15: wrong-b\/hello: greet: \/inputs\/greet\/text: it must be a string/);
  assert.match(result.stderr, /wrong\.yaml:10:24: .*there is no such member/);
  assert.match(result.stderr, /wrong\.yaml:11:7: .*no step of the workflow 'hello' takes this input/);
  assert.match(result.stderr, /Nothing was configured or started/);
  assert.equal((await poll('wrong-a', 'hello')).deployment, null);
  assert.deepEqual((await stack.post({ mode: 'configure', appId: 'wrong-a' })).body.config, {});
});

test('a ring between apps is refused with its names, where the file shows it', async () => {
  const file = await write('ring.yaml', `apps:
  ring-a:
    workflow: hello
    inputs:
      greet:
        text: "b: \${app.ring-b.hello.repeat.text}"
  ring-b:
    workflow: hello
    inputs:
      greet: {text: "a: \${app.ring-a.hello.greet.text}"}
`);
  const result = await apply(file);
  assert.equal(result.code, 64);
  const names = 'ring-b.hello.greet -> ring-a.hello.greet -> ring-b.hello.repeat -> ring-b.hello.greet';
  const turned = [names, ...[1, 2].map((by) => {
    const parts = names.split(' -> ').slice(0, 3);
    const list = [...parts.slice(by), ...parts.slice(0, by)];
    return [...list, list[0]].join(' -> ');
  })];
  assert.ok(turned.some((one) => result.stderr.includes(one)), result.stderr);
  assert.match(result.stderr, /ring\.yaml:(6|10):\d+: these would wait for one another for ever/);
  assert.equal((await poll('ring-a', 'hello')).deployment, null);
});

test('after: an app begins when another is done; other inputs while it is live need --replace', async () => {
  const file = (text) => write('after.yaml', `apps:
  after-b: {workflow: hello, inputs: {greet: {text: b}}, after: [after-a/site]}
  after-a:
    workflows:
      site:
        inputs:
          repo: {owner: acme, name: after-a, fork: upstream/app-template}
          project: {name: after-a}
          env: {variables: [{key: A, value: ${text}, type: plain}]}
          check: {url: "${stack.url}/nowhere", within: 600}
      hello: {inputs: {greet: {text: a}}}
`);
  const first = await apply(await file('one'), '--detach');
  assert.equal(first.code, 0, first.stdout + first.stderr);
  assert.match(first.stdout, /^after-a\/site: deployment [0-9a-f]{32}$/m);
  const waiting = (await poll('after-b', 'hello')).actions[0];
  assert.equal(waiting.phase, 'blocked');
  assert.match(waiting.detail, /after-a/);
  await stack.untilStatus('after-a', 'site', 'check', (step) => step.phase === 'waiting');

  const refused = await apply(await file('two'), '--detach');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /'after-a' is being deployed by 'site' with other inputs/);
  const replaced = await apply(await file('two'), '--detach', '--replace');
  assert.equal(replaced.code, 0, replaced.stdout + replaced.stderr);
  assert.equal((await destroy('-f', await file('two'))).code, 0);
});

test('it ends when one app fails that another needs, says so of both, and a retry there is enough', async () => {
  const file = await write('fails.yaml', `apps:
  fails-b: {workflow: hello, inputs: {greet: {text: "\${app.fails-a.site.check.url}"}}}
  fails-c: {workflow: hello, inputs: {greet: {text: c}}, after: [fails-b/hello]}
  fails-a:
    workflow: site
    inputs:
      repo: {owner: acme, name: fails-a, fork: upstream/no-such-template}
      project: {name: fails-a}
      check: {url: "${stack.url}/healthz"}
`);
  const result = await apply(file);
  assert.equal(result.code, 1, result.stdout + result.stderr);
  assert.match(result.stdout, /^fails-a\/site: failed\nrepo +error/m);
  assert.match(result.stdout, /^fails-b\/hello: failed\ngreet +blocked .*need_failed: it needs fails-a\.site\.check/m);
  assert.match(result.stdout, /^fails-c\/hello: failed\ngreet +blocked .*need_failed: it needs fails-b\.hello/m);
  assert.match(result.stdout, /fails\.yaml has ended in error/);
  const watched = await slipway('status', 'fails-b', 'hello', '--watch', ...url());
  assert.equal(watched.code, 1);
  assert.match(watched.stdout, /waiting for what has failed elsewhere: greet, repeat\n.*retry it there/);

  const repo = { owner: 'acme', name: 'fails-a', fork: 'upstream/app-template' };
  const retried = await stack.post({ mode: 'retry', appId: 'fails-a', workflowId: 'site', inputs: { repo } });
  assert.equal(retried.status, 202, JSON.stringify(retried.body));
  await until(async () => (await poll('fails-c', 'hello')).deployment.status === 'done', 'all of it goes on');
  assert.equal((await destroy('fails-a')).code, 0);
});

test('a secret of a file is sent once, unless asked for; a file that others may read is refused', async () => {
  const secret = await write('token', 'a-token-of-an-app\n');
  const file = await write('secret.yaml', `apps:
  secret-a:
    workflow: site
    inputs:
      repo: {owner: acme, name: secret-a, fork: upstream/app-template}
      project: {name: secret-a}
      env: {variables: [{key: TOKEN, value: "\${secret.TOKEN}", type: encrypted}]}
      check: {url: "${stack.url}/healthz"}
    secrets: {TOKEN: "@token"}
`);
  await chmod(secret, 0o644);
  const exposed = await apply(file);
  assert.equal(exposed.code, 64, exposed.stdout + exposed.stderr);
  assert.match(exposed.stderr, /TOKEN: others than its owner may read or write/);
  await chmod(secret, 0o600);
  const first = await apply(file);
  assert.equal(first.code, 0, first.stdout + first.stderr);
  const version = async () => (await stack.post({ mode: 'configure', appId: 'secret-a' })).body.version;
  const sent = await version();
  const again = await apply(file);
  assert.match(again.stdout, /: unchanged\n$/, again.stdout + again.stderr);
  assert.equal(await version(), sent);
  assert.equal((await apply(file, '--secrets')).code, 0);
  assert.ok(await version() > sent);
});

test('two that apply a new app with a secret of a file at the same time end with one deployment', async () => {
  await writeFile(path.join(stack.folder, 'both-token'), 'a-token-of-an-app\n', { mode: 0o600 });
  const file = await write('both.yaml', `apps:
  both:
    workflow: site
    inputs:
      repo: {owner: acme, name: both, fork: upstream/app-template}
      project: {name: both}
      env: {variables: [{key: TOKEN, value: "\${secret.TOKEN}", type: encrypted}]}
      check: {url: "${stack.url}/nowhere", within: 600}
    secrets: {TOKEN: "@both-token"}
`);
  // The other one comes between the look of the first, which finds no secret, and what it configures.
  let other = null;
  const door = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    if (other === null && body.includes('"configure"') && body.includes('TOKEN')) {
      other = apply(file, '--detach', '--json');
      await other;
      await stack.untilStatus('both', 'site', 'check', (step) => step.phase === 'waiting');
    }
    const answer = await fetch(`${stack.url}${request.url}`, { method: request.method, body: body || undefined,
      headers: { 'content-type': 'application/json' } });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') });
    response.end(await answer.text());
  });
  await new Promise((resolve) => { door.listen(0, '127.0.0.1', resolve); });
  const words = ['apply', '-f', file, '--url', `http://127.0.0.1:${door.address().port}`, '--detach', '--json'];
  const first = await slipway(...words);
  door.close();
  const ids = [first, await other].map((result) => {
    assert.equal(result.code, 0, result.stdout + result.stderr);
    return JSON.parse(result.stdout.trimEnd().split('\n').at(-1)).workflows[0].deploymentId;
  });
  assert.equal(ids[0], ids[1]);
  assert.equal((await destroy('both')).code, 0);
});

test('a secret that cannot be read to its end is sent to nobody', async () => {
  for (const [name, why] of [['.', 'Is a directory'], ['/proc/self/mem', 'Input/output error']]) {
    const file = await write('unread.yaml',
      `apps: {unread: {workflow: hello, inputs: {greet: {text: x}}, secrets: {TOKEN: "@${name}"}}}\n`);
    const { code, stderr } = await apply(file);
    assert.equal(code, 64);
    assert.match(stderr, new RegExp(`slipway: TOKEN: cannot read \\S+: ${why}\n`));
  }
  assert.deepEqual((await stack.post({ mode: 'configure', appId: 'unread' })).body.secrets, []);
});

test('where nobody answers, the address is named with its port', async () => {
  const { code, stderr } = await slipway('apps', '--url', 'http://127.0.0.1:9');
  assert.equal(code, 69);
  assert.match(stderr, /GET 127\.0\.0\.1:9\/api\/apps: Couldn't connect/);
});

test('what is live with other inputs is found before anything is configured, or what was stored is said', async () => {
  const file = (value, note, region = 'fra1') => write('live.yaml', `apps:
  live-a:
    workflow: site
    inputs:
      repo: {owner: acme, name: live-a, fork: upstream/app-template}
      project: {name: live-a}
      env: {variables: [{key: A, value: ${value}, type: plain}, {key: NOTE, value: "\${config.note}", type: plain}]}
      check: {url: "${stack.url}/nowhere", within: 600}
    config: {note: ${note}}
  live-b: {workflow: hello, inputs: {greet: {text: b}}, after: [live-a], env: {REGION: ${region}}}
`);
  const configured = async (app) => (await stack.post({ mode: 'configure', appId: app })).body;
  for (let i = 0; i < 2; i += 1) {
    const { code, stderr } = await apply(await file('one', 'first'), '--detach');
    assert.equal(code, 0, stderr);
  }
  const before = [await configured('live-a'), await configured('live-b')];
  const refused = await apply(await file('two', 'second', 'iad1'), '--detach');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /'live-a' is being deployed by 'site' with other inputs \(deployment [0-9a-f]{32}\)/);
  assert.match(refused.stderr, /what to do: Wait until it has ended \('slipway status live-a site --watch'.*--replace/);
  assert.match(refused.stderr, /Nothing was configured or started\.\n$/);
  assert.doesNotMatch(refused.stderr, /"replace"|goes on at the server/);
  assert.deepEqual([await configured('live-a'), await configured('live-b')], before);

  // That the inputs are others by what is configured, only the start finds out.
  const late = await apply(await file('one', 'second', 'iad1'), '--detach');
  assert.equal(late.code, 1);
  assert.match(late.stderr, /'live-a' is being deployed by 'site' with different inputs.*env/);
  assert.match(late.stderr, /what to do: Wait until it has ended.*--replace/);
  assert.match(late.stderr, /\nStored: config, env and secrets of live-a live-b\.\n/);
  assert.match(late.stderr, /\nNothing was started\.\n$/);
  assert.doesNotMatch(late.stderr, /"replace"|goes on at the server/);
  assert.equal((await configured('live-a')).config.note, 'second');
  assert.equal((await apply(await file('two', 'second'), '--detach', '--replace')).code, 0);
  assert.equal((await destroy('-f', await file('two', 'second'))).code, 0);
});
