// Secrets of apps: sealed on arrival, put in by the worker, and nowhere to be read on the way.
//
// covers: src/core/secret.c src/api/sealed_inputs.c
// covers: src/base/process.c src/cli/command_key.c src/api/mode_configure.c src/store/payload.c src/worker/attempt.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build, childrenOf, slipway, until } from './stack.mjs';
import { startBehindFront } from './front.mjs';

const VALUE = 'correct horse\n"battery" $${staple}';
const IN_JSON = JSON.stringify(VALUE).slice(1, -1);
let front;
let stack;
let folder;

before(async () => {
  ({ front, stack, folder } = await startBehindFront());
});
after(() => front?.end());

const configure = (appId, parts) => stack.post({ mode: 'configure', appId, ...parts });

// All that Redis has ever been told, and all that was logged.
async function everythingWritten() {
  const texts = [];
  for (const below of ['redis', 'log']) {
    for (const name of await readdir(path.join(stack.folder, below), { recursive: true })) {
      const file = path.join(stack.folder, below, name);
      if ((await stat(file)).isFile()) texts.push(await readFile(file, 'utf8'));
    }
  }
  assert.match(texts.join('\n'), /sealed\.[0-9a-f]{8}\./);
  return texts.join('\n');
}

function assertUnseen(text, what) {
  for (const form of [VALUE, IN_JSON]) assert.ok(!text.includes(form), `${what} has the secret`);
}

test('only the names come back', async () => {
  const set = await configure('names', { secrets: { ONE: VALUE, TWO: 'another value' } });
  assert.equal(set.status, 200, JSON.stringify(set.body));
  assert.deepEqual(set.body.secrets, ['ONE', 'TWO']);
  assertUnseen(JSON.stringify(set.body), 'the answer');
  const left = await configure('names', { secrets: { TWO: null } });
  assert.deepEqual(left.body.secrets, ['ONE']);
  const sealed = await stack.redis('HGET', 'slipway:{0}:app:default:names:payload', 'secrets');
  assert.match(sealed, /^\{"ONE":"sealed\.[^"]+"\}$/);
});

test('a workflow has them at the providers, and nobody else has', async () => {
  const inputs = {
    repo: { owner: 'acme', name: 'sealed', fork: 'upstream/app-template' },
    secrets: { secrets: [{ name: 'DEPLOY_KEY', value: '${secret.DEPLOY_KEY}' }] },
    project: { name: 'sealed' },
    env: { variables: [{ key: 'API_KEY', value: 'key=${secret.DEPLOY_KEY} $${x}', type: 'encrypted' }] },
    check: { url: `${stack.url}/healthz` },
  };
  assert.equal((await configure('sealed', { inputs, secrets: { DEPLOY_KEY: VALUE } })).status, 200);
  const redis = ['--redis-url', `unix://${stack.folder}/redis.sock`];
  const planned = await slipway('plan', 'site', '--app', 'sealed', '--url', stack.url);
  const done = await slipway('run', 'site', '--app', 'sealed', '--url', stack.url);
  assert.equal(done.code, 0, done.stdout + done.stderr);
  const sent = front.calls.filter((call) => call.method === 'POST' && /\/env(\?|$)/.test(call.path));
  assert.equal(JSON.parse(sent[0].body)[0].value, `key=${VALUE} \${x}`);
  assert.equal(front.changes(/^PUT 201 .*\/actions\/secrets\/DEPLOY_KEY$/).length, 1);
  const { body } = await stack.get('/api/deploy?appId=sealed&workflowId=site');
  const resources = await slipway('resources', 'sealed', ...redis);
  assertUnseen(
    JSON.stringify(body) + planned.stdout + done.stdout + done.stderr + resources.stdout,
    'what people see',
  );
  assertUnseen(await everythingWritten(), 'what is written');
});

// The steps of a site up to its variables, with these inputs besides.
async function untilVariables(app, inputs, secrets) {
  const steps = { repo: { owner: 'acme', name: app, fork: 'upstream/app-template' }, project: { name: app } };
  assert.equal((await configure(app, { inputs: { ...steps, ...inputs }, secrets })).status, 200);
  for (const step of ['repo', 'project']) {
    assert.equal((await stack.trigger(app, 'site', step)).status, 202);
    await stack.untilStatus(app, 'site', step, 'done');
  }
}

const ended = (status) => ['done', 'error'].includes(status.status);
const isUpsert = (call) => call.method === 'POST' && /\/env(\?|$)/.test(call.path);

// Vercel refuses the variables, and repeats what it was sent.
function refuseVariables() {
  front.answers = (call) => isUpsert(call) && {
    status: 400,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ error: { code: 'bad_request', message: `not ${JSON.parse(call.body)[0].value}` } }),
  } || undefined;
}

test('they are cut out of outputs and errors', async (t) => {
  t.after(() => { front.answers = () => undefined; });
  const variables = [{ key: 'WORD', value: 'the word is ${secret.WORD}' }];
  await untilVariables('echo', { env: { variables } }, { WORD: VALUE });
  refuseVariables();
  assert.equal((await stack.trigger('echo', 'site', 'env')).status, 202);
  const status = await stack.untilStatus('echo', 'site', 'env', ended);
  assert.match(status.error.message, /not the word is \*+$/);
  assertUnseen(await everythingWritten(), 'what is written');
});

test('a secret may be a plain word, and its step is done all the same', async () => {
  const inputs = { check: { path: '/healthz', protectionBypass: '${secret.WORD}' } };
  await configure('words', { secrets: { WORD: 'healthz' }, inputs });
  await stack.post({ mode: 'plan', appId: 'words', workflowId: 'site', inputs });
  const plan = await stack.untilStatus('words', 'site', 'plan', ended);
  assert.equal(plan.status, 'done', JSON.stringify(plan));
});

const planned = async (app) => (await slipway('plan', 'site', '--app', app, '--url', stack.url)).stdout;

test('an input may name one in hundreds of places', async () => {
  const value = '${secret.PART}'.repeat(300);
  const secrets = Array.from({ length: 20 }, (_, i) => ({ name: `S${i}`, value }));
  await untilVariables('many', { secrets: { secrets } }, { PART: 'a"bc\\d' });
  await stack.trigger('many', 'site', 'secrets');
  const status = await stack.untilStatus('many', 'site', 'secrets', ended);
  assert.deepEqual(status.output, { created: 20, updated: 0 }, JSON.stringify(status));
});

test('no secret stands where the table does not say so, whoever writes it there', async () => {
  await configure('places', { secrets: { WORD: VALUE }, config: { sly: '${secret.WORD}', dollar: '$' } });
  for (const url of ['${secret.WORD}', 'https://host.example/?x=${secret.WORD}']) {
    const inputs = { check: { url } };
    const refused = await stack.trigger('places', 'site', 'check', { inputs });
    assert.equal(refused.status, 422, JSON.stringify(refused.body));
    assert.equal(refused.body.errors[0].place, '/inputs/check/url');
    await stack.post({ mode: 'plan', appId: 'places', workflowId: 'site', inputs });
    const plan = await stack.untilStatus('places', 'site', 'plan', ended);
    const check = plan.output.steps.find((step) => step.id === 'check');
    assert.equal(check.change, 'blocked');
    assert.match(check.error.message, /'WORD' is not allowed here/);
  }
  // What a reference stands for is text, whatever it looks like.
  for (const text of ['${config.sly}', '${config.dollar}{secret.WORD}']) {
    await stack.trigger('places', 'hello', 'greet', { inputs: { greet: { text } }, force: true });
    const status = await stack.untilStatus('places', 'hello', 'greet', ended);
    assert.equal(status.output.text, '${secret.WORD}');
  }
});

test('what is written in clear where a secret may stand is sealed, and shown by nothing', async () => {
  const clear = 'correct-horse-in-clear', also = 'another-horse-in-clear', plain = 'a plain value';
  const inputs = {
    env: { variables: [{ key: 'ONE', value: clear }, { key: 'TWO', value: plain, type: 'plain' }] },
    secrets: { secrets: [{ name: 'ONE', value: also }] },
  };
  await untilVariables('clear', {}, {});
  const set = await configure('clear', { inputs });
  assert.deepEqual(set.body.sealed, ['/inputs/env/variables/0/value', '/inputs/secrets/secrets/0/value']);
  assert.deepEqual(set.body.inputs.env.variables, [{ key: 'ONE' }, { key: 'TWO', value: plain, type: 'plain' }]);
  const first = await stack.trigger('clear', 'site', 'env');
  await stack.untilStatus('clear', 'site', 'env', 'done');
  const sent = JSON.parse(front.calls.findLast(isUpsert).body);
  assert.deepEqual(sent.map((variable) => variable.value), [clear, plain]);
  // Configured once it is the same each time; in a trigger of its own it is another.
  assert.equal((await stack.trigger('clear', 'site', 'env')).body.runId, first.body.runId);
  const own = await stack.trigger('clear', 'site', 'env', { inputs, triggerId: 'once' });
  assert.equal(own.status, 202);
  assert.equal((await stack.trigger('clear', 'site', 'env', { inputs, triggerId: 'once' })).body.runId, own.body.runId);
  await stack.untilStatus('clear', 'site', 'env', 'done');
  await stack.trigger('clear', 'site', 'secrets', { inputs });
  await stack.untilStatus('clear', 'site', 'secrets', 'done');
  const redis = ['--redis-url', `unix://${stack.folder}/redis.sock`];
  const file = path.join(folder, 'clear.json');
  await writeFile(file, JSON.stringify({ inputs }));
  const plan = await slipway('plan', 'site', '--app', 'clear', '--url', stack.url, '--input', file);
  const resources = await slipway('resources', 'clear', ...redis);
  const status = await slipway('status', 'clear', 'site', '--url', stack.url);
  const seen = [JSON.stringify(set.body), plan.stdout, plan.stderr, resources.stdout, status.stdout,
    await everythingWritten()].join('\n');
  for (const text of [clear, also]) assert.ok(!seen.includes(text), `${text} is to be seen`);
});

test('a clear secret under a name that is spelt wrongly is stored nowhere', async () => {
  const places = [
    ['/inputs/secrets/secrets/0/valeu', { secrets: { secrets: [{ name: 'X', valeu: 'misspelt-secret' }] } }],
    ['/inputs/secrets', { secrets: [{ name: 'X', value: 'misspelt-secret' }] }],
    ['/inputs/secrets/secrets', { secrets: { secrets: 'misspelt-secret' } }],
    ['/inputs/env/variable', { env: { variable: [{ key: 'X', value: 'misspelt-secret' }] } }],
    ['/inputs/check/protectionbypass', { check: { protectionbypass: 'misspelt-secret' } }],
  ];
  for (const [place, inputs] of places) {
    const refused = await configure('misspelt', { inputs });
    assert.equal(refused.status, 422, `${place}: ${JSON.stringify(refused.body)}`);
    assert.equal(refused.body.errors[0].place, place);
    await stack.post({ mode: 'plan', appId: 'misspelt', workflowId: 'site', inputs });
  }
  assert.equal((await configure('misspelt', { inputs: { check: { protectionbypass: null } } })).status, 200);
  assert.ok(!(await everythingWritten()).includes('misspelt-secret'));
});

test('the secrets of one step hide nothing of another in a plan', async () => {
  const url = `${stack.url}/nothing-there`;
  const variables = [{ key: 'SITE', value: url }];
  const inputs = { env: { variables }, check: { url } };
  await untilVariables('apart', inputs, {});
  await stack.post({ mode: 'plan', appId: 'apart', workflowId: 'site' });
  const plan = await stack.untilStatus('apart', 'site', 'plan', ended);
  const of = (id) => JSON.stringify(plan.output.steps.find((step) => step.id === id));
  assert.match(of('env'), /SITE does not exist/);
  assert.ok(of('check').includes(url), of('check'));
});

test('a clear secret sent again while its run is live is told from the first by nobody', async (t) => {
  t.after(() => { front.answers = () => undefined; });
  await untilVariables('live', {}, {});
  const inputs = { env: { variables: [{ key: 'ONE', value: 'correct-horse-in-clear' }] } };
  front.answers = (call) => (isUpsert(call) ? { status: 500, headers: {}, body: '' } : undefined);
  assert.equal((await stack.trigger('live', 'site', 'env', { inputs })).status, 202);
  const again = await stack.trigger('live', 'site', 'env', { inputs });
  assert.equal(again.status, 409);
  assert.match(again.body.remedy.text, /configure the secret once/);
  await stack.post({ mode: 'cancel', appId: 'live', workflowId: 'site', actionId: 'env' });
});

test('no input says where a secret of the app goes', async () => {
  const own = { check: { protectionBypass: '${secret.BYPASS}' } };
  const theirs = { check: { url: `${stack.url}/healthz` } };
  await configure('bypass', { secrets: { BYPASS: VALUE }, inputs: own });
  for (const mode of ['trigger', 'plan', 'validate']) {
    const actionId = mode === 'trigger' ? 'check' : undefined;
    const refused = await stack.post({ mode, appId: 'bypass', workflowId: 'site', actionId, inputs: theirs });
    if (mode === 'plan') {
      const plan = await stack.untilStatus('bypass', 'site', 'plan', ended);
      assert.match(plan.output.steps.find((step) => step.id === 'check').error.message, /has a secret/);
      continue;
    }
    assert.equal(refused.status, 422, JSON.stringify(refused.body));
    assert.ok(refused.body.errors.some(({ place, message }) =>
      place === '/inputs/check/url' && /has a secret/.test(message)),
      JSON.stringify(refused.body.errors));
  }
});

test('the same secret is the same input, another one is another', async () => {
  const variables = [{ key: 'WORD', value: '${secret.WORD}' }];
  await untilVariables('again', { env: { variables } }, { WORD: VALUE });
  const first = await stack.trigger('again', 'site', 'env');
  await stack.untilStatus('again', 'site', 'env', 'done');
  assert.equal((await stack.trigger('again', 'site', 'env')).body.reused, true);
  await configure('again', { secrets: { WORD: 'another value' } });
  const second = await stack.trigger('again', 'site', 'env');
  assert.equal(second.status, 202);
  assert.notEqual(second.body.runId, first.body.runId);
  await stack.untilStatus('again', 'site', 'env', 'done');
});

test('what is not there, or cannot be kept secret, is refused with its place', async () => {
  const inputs = { check: { protectionBypass: '${secret.NONE}' } };
  const unknown = await stack.trigger('none', 'site', 'check', { inputs });
  assert.equal(unknown.status, 422);
  assert.equal(unknown.body.errors[0].place, '/inputs/check/protectionBypass');
  assert.match(unknown.body.detail, /no secret 'NONE'/);
  for (const [secrets, place] of [
    [{ 'a-b': VALUE }, '/secrets/a-b'],
    [{ SHORT: 'x' }, '/secrets/SHORT'],
    [{ NUMBER: 5 }, '/secrets/NUMBER'],
    [[], '/secrets'],
  ]) {
    const refused = await configure('none', { secrets });
    assert.equal(refused.status, 400, JSON.stringify(refused.body));
    assert.equal(refused.body.errors[0].place, place);
  }
  assert.equal(await stack.redis('EXISTS', 'slipway:{0}:app:default:none:payload'), '0');
});

test('what was sealed for another app does not open', async () => {
  const variables = [{ key: 'WORD', value: '${secret.WORD}' }];
  await untilVariables('thief', { env: { variables } }, { WORD: 'of the thief' });
  await configure('victim', { secrets: { WORD: VALUE } });
  const taken = await stack.redis('HGET', 'slipway:{0}:app:default:victim:payload', 'secrets');
  await stack.redis('HSET', 'slipway:{0}:app:default:thief:payload', 'secrets', taken);
  await stack.trigger('thief', 'site', 'env');
  const status = await stack.untilStatus('thief', 'site', 'env', 'error');
  assert.equal(status.error.class, 'invalid_input');
  assert.match(status.error.message, /cannot be opened/);
});

// As root nothing is hidden from us: they run as somebody else then, whose files in /proc belong to root if hidden.
// A sanitizer has to look into its own process.
const open = /sanitize/.test(process.env.BUILD ?? '') && 'with sanitizers processes stay open';
test('no process that holds secrets can be looked into by others of its user, and none leaves a core',
  { skip: open }, async (t) => {
  const own = path.join(folder, 'hidden');
  await mkdir(own);
  await chmod(folder, 0o755);
  await chmod(own, 0o777);
  const words = process.getuid() === 0 ? ['setpriv', '--reuid', '65534', '--clear-groups'] : [];
  const key = (await readFile(path.join(stack.folder, 'conf', 'secrets.keys'), 'utf8')).trim();
  const env = { ...process.env, SLIPWAY_SECRETS_KEYS: key };
  const flags = { 'slipway-worker': ['--executors', '1'], 'slipway-api': ['--listen', path.join(own, 'api.sock')] };
  for (const [name, more] of Object.entries(flags)) {
    await copyFile(path.join(build, name), path.join(own, name));
    const [program, ...rest] = [...words, path.join(own, name), '--redis-url', `unix://${own}/none.sock`, ...more];
    const child = spawn(program, rest, { stdio: 'ignore', env });
    t.after(() => child.kill('SIGTERM'));
    const parts = await until(async () => {
      const children = await childrenOf(child.pid);
      return children.length > 0 && [child.pid, ...children.map(({ pid }) => pid)];
    }, `${name} has its processes`);
    for (const pid of parts) {
      assert.equal((await stat(`/proc/${pid}/environ`)).uid, 0, `${name} can be looked into`);
      assert.match(await readFile(`/proc/${pid}/limits`, 'utf8'), /^Max core file size +0 +0 /m);
    }
  }
});

test('slipway key makes a pair that the doctor likes, and never writes over one', async () => {
  const file = path.join(folder, 'keys');
  const made = await slipway('key', file);
  assert.equal(made.code, 0, made.stderr);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const [, publicKey] = /^SLIPWAY_SECRETS_PUBLIC_KEY=(public\.\S+)\n$/.exec(made.stdout);
  const again = await slipway('key', file);
  assert.equal(again.code, 64);
  assert.match(again.stderr, /File exists/);
  const other = await slipway('key', `${file}.other`);
  assert.notEqual(other.stdout, made.stdout);
  const doctor = async (keys) => {
    const flags = ['--secrets-public-key', publicKey, '--secrets-keys-file', keys];
    const { stdout } = await slipway('doctor', '--redis-url', `unix://${stack.folder}/redis.sock`, ...flags);
    return stdout.split('\n').find((line) => line.includes('secrets'));
  };
  assert.match(await doctor(file), /^ok +secrets +the workers can open/);
  assert.match(await doctor(`${file}.other`), /^fault +secrets .*lacks the key/);
});
