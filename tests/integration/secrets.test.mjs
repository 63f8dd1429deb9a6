// Secrets of apps: sealed on arrival, put in by the worker, and nowhere to be read on the way.
//
// covers: src/core/secret.c src/cli/command_key.c src/api/mode_configure.c src/store/payload.c src/worker/attempt.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { slipway } from './stack.mjs';
import { startBehindFront } from './front.mjs';

const VALUE = 'correct horse\n"battery" staple';
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
  assert.match(await stack.redis('HGET', 'slipway:{0}:app:names:payload', 'secrets'), /^\{"ONE":"sealed\.[^"]+"\}$/);
});

test('a workflow has them at the providers, and nobody else has', async () => {
  const inputs = {
    repo: { owner: 'acme', name: 'sealed', fork: 'upstream/app-template' },
    secrets: { secrets: [{ name: 'DEPLOY_KEY', value: '${secret.DEPLOY_KEY}' }] },
    project: { name: 'sealed' },
    env: { variables: [{ key: 'API_KEY', value: 'key=${secret.DEPLOY_KEY}', type: 'encrypted' }] },
    check: { url: `${stack.url}/healthz` },
  };
  assert.equal((await configure('sealed', { inputs, secrets: { DEPLOY_KEY: VALUE } })).status, 200);
  const redis = ['--redis-url', `unix://${stack.folder}/redis.sock`];
  const planned = await slipway('plan', 'site', '--app', 'sealed', '--url', stack.url);
  const done = await slipway('run', 'site', '--app', 'sealed', '--url', stack.url);
  assert.equal(done.code, 0, done.stdout + done.stderr);
  const sent = front.calls.filter((call) => call.method === 'POST' && /\/env(\?|$)/.test(call.path));
  assert.equal(JSON.parse(sent[0].body)[0].value, `key=${VALUE}`);
  assert.equal(front.changes(/^PUT 201 .*\/actions\/secrets\/DEPLOY_KEY$/).length, 1);
  const { body } = await stack.get('/api/deploy?appId=sealed&workflowId=site');
  const resources = await slipway('resources', 'sealed', ...redis);
  assertUnseen(
    JSON.stringify(body) + planned.stdout + done.stdout + done.stderr + resources.stdout,
    'what people see',
  );
  assertUnseen(await everythingWritten(), 'what is written');
});

test('they are cut out of outputs and errors', async () => {
  await configure('echo', { secrets: { WORD: VALUE }, inputs: { greet: { text: 'the word is ${secret.WORD}' } } });
  assert.equal((await stack.trigger('echo', 'hello', 'greet')).status, 202);
  const status = await stack.untilStatus('echo', 'hello', 'greet', 'done');
  assert.match(status.output.text, /^the word is \*+$/);
  assertUnseen(await everythingWritten(), 'what is written');
});

test('a secret may be a plain word, and have the characters of an escape', async () => {
  const text = '${secret.WORD} ${secret.ODD} $${x}';
  await configure('words', { secrets: { WORD: 'length', ODD: 'a$${b}\n' }, inputs: { greet: { text } } });
  await stack.trigger('words', 'hello', 'greet');
  const status = await stack.untilStatus('words', 'hello', 'greet', 'done');
  assert.deepEqual(status.output, { text: '****** ******* ${x}', length: 19 });
});

const planned = async (app) => (await slipway('plan', 'site', '--app', app, '--url', stack.url)).stdout;

test('what was put into a text that is cut leaves no half of itself', async () => {
  const url = `https://127.0.0.1:1/${'a-part/'.repeat(200)}`;
  await configure('half', { secrets: { HOOK: url }, inputs: { check: { url: '${secret.HOOK}' } } });
  const seen = await planned('half');
  assert.match(seen, /check.*\*{100}/s);
  assert.ok(!seen.includes('a-part'), seen);
  assert.ok(!(await everythingWritten()).includes('a-part'));
});

test('an input may name one in hundreds of places', async () => {
  await configure('many', { secrets: { PART: 'a"bc\\d' }, inputs: { check: { url: '${secret.PART}'.repeat(300) } } });
  assert.match(await planned('many'), /check.*the URL cannot be requested/s);
});

test('the same secret is the same input, another one is another', async () => {
  await configure('again', { secrets: { WORD: VALUE }, inputs: { greet: { text: '${secret.WORD}' } } });
  const first = await stack.trigger('again', 'hello', 'greet');
  await stack.untilStatus('again', 'hello', 'greet', 'done');
  assert.equal((await stack.trigger('again', 'hello', 'greet')).body.reused, true);
  await configure('again', { secrets: { WORD: 'another value' } });
  const second = await stack.trigger('again', 'hello', 'greet');
  assert.equal(second.status, 202);
  assert.notEqual(second.body.runId, first.body.runId);
  await stack.untilStatus('again', 'hello', 'greet', 'done');
});

test('what is not there, or cannot be kept secret, is refused with its place', async () => {
  const unknown = await stack.trigger('none', 'hello', 'greet', { inputs: { greet: { text: '${secret.NONE}' } } });
  assert.equal(unknown.status, 422);
  assert.equal(unknown.body.errors[0].place, '/inputs/greet/text');
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
  assert.equal(await stack.redis('EXISTS', 'slipway:{0}:app:none:payload'), '0');
});

test('what was sealed for another app does not open', async () => {
  await configure('thief', { secrets: { WORD: 'of the thief' }, inputs: { greet: { text: '${secret.WORD}' } } });
  await configure('victim', { secrets: { WORD: VALUE } });
  const taken = await stack.redis('HGET', 'slipway:{0}:app:victim:payload', 'secrets');
  await stack.redis('HSET', 'slipway:{0}:app:thief:payload', 'secrets', taken);
  await stack.trigger('thief', 'hello', 'greet');
  const status = await stack.untilStatus('thief', 'hello', 'greet', 'error');
  assert.equal(status.error.class, 'invalid_input');
  assert.match(status.error.message, /cannot be opened/);
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
