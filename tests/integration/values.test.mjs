// Where values come from besides a person: functions in references, and what is generated once and kept.
//
// covers: src/core/reference_function.c src/core/input.c src/core/run.c src/worker/attempt.c
// covers: src/api/body_secrets.c src/store/shared_secrets.c src/store/scripts/share.lua src/store/payload.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { startBehindFront } from './front.mjs';
import { Stack, slipway } from './stack.mjs';

let front;
let stack;
let folder;

before(async () => {
  ({ front, stack, folder } = await startBehindFront());
});
after(async () => {
  await stack?.stop();
  await front?.end();
});

const configure = (appId, parts) => stack.post({ mode: 'configure', appId, ...parts });
const ended = (status) => ['done', 'error'].includes(status.status);

async function greet(app, text) {
  const { status, body } = await stack.trigger(app, 'hello', 'greet', { inputs: { greet: { text } } });
  return status < 300 ? stack.untilStatus(app, 'hello', 'greet', ended) : body;
}

test('the trigger applies functions to config and env, a worker to outputs of steps and other apps', async () => {
  await configure('derived', { config: { name: 'Grüße an Ada' }, env: { STAGE: 'PROD' } });
  const first = await greet('derived', '${config.name|slug}-${env.STAGE|lower}-${env.NONE|default:Main|lower}');
  assert.equal(first.output.text, 'grusse-an-ada-prod-main');
  await greet('maker', 'HÖR Mal');
  const other = await greet('derived', '${app.maker.hello.greet.text|slug|default:x}');
  assert.equal(other.output.text, 'hor-mal');
  const inputs = { repeat: { text: 'of ${step.greet.text|slug}' } };
  const own = await stack.trigger('derived', 'hello', 'repeat', { inputs });
  assert.equal(own.status, 202, JSON.stringify(own.body));
  assert.equal((await stack.untilStatus('derived', 'hello', 'repeat', ended)).output.text, 'of hor-mal');
});

test('the same derived value is the same input, whatever it is derived from', async () => {
  await configure('same', { config: { name: 'A b' } });
  const inputs = { greet: { text: '${config.name|slug}' } };
  const first = await stack.trigger('same', 'hello', 'greet', { inputs });
  await stack.untilStatus('same', 'hello', 'greet', 'done');
  await configure('same', { config: { name: 'a  B!' } });
  const again = await stack.trigger('same', 'hello', 'greet', { inputs });
  assert.equal(again.body.runId, first.body.runId);
});

test('a wrong function is named with its place before anything is run, in each mode', async () => {
  const rows = [['${config.name|upper}', /not a function/], ['${step.greet.text|slug:9}', /argument that takes none/],
    ['${secret.A|lower}', /no function can be applied to a secret/]];
  for (const [text, message] of rows) {
    for (const mode of ['trigger', 'validate']) {
      const actionId = mode === 'trigger' ? 'repeat' : undefined;
      const inputs = { greet: { text: 'a' }, repeat: { text } };
      const refused = await stack.post({ mode, appId: 'wrong', workflowId: 'hello', actionId, inputs });
      assert.equal(refused.status, 422, JSON.stringify(refused.body));
      const place = refused.body.errors.find((fault) => fault.place === '/inputs/repeat/text');
      assert.match(place.message, message);
    }
  }
  assert.equal((await stack.status('wrong', 'hello', 'repeat')).status, 'idle');
});

test('a value that a worker cannot derive ends the run with the place', async () => {
  await greet('maker', '?!');
  const failed = await greet('nothing', '${app.maker.hello.greet.text|slug}');
  assert.equal(failed.error.class, 'invalid_input');
  assert.equal(failed.error.place, '/input/text');
  assert.match(failed.error.message, /slug leaves nothing of '\?!'/);
});

test('a default that would stand in clear where a secret may is stored nowhere', async () => {
  const inputs = { check: { protectionBypass: '${config.none|default:correct-horse-in-clear}' } };
  for (const mode of ['configure', 'trigger', 'validate', 'plan']) {
    const target = mode === 'configure' ? {} : { workflowId: 'site' };
    const actionId = mode === 'trigger' ? 'check' : undefined;
    const refused = await stack.post({ mode, appId: 'clear', ...target, actionId, inputs });
    assert.equal(refused.status, 422, `${mode}: ${JSON.stringify(refused.body)}`);
  }
  assert.equal(await stack.redis('KEYS', 'slipway:{0}:app:clear:*'), '');
});

test('a deployment that the server drives has derived values in each of its steps', async () => {
  await configure('driven', { config: { name: 'Grüße an Ada' } });
  const inputs = { greet: { text: '${config.name|slug}' }, repeat: { text: '${step.greet.text|slug|default:x}!' } };
  const wrong = { ...inputs, repeat: { text: '${step.greet.text|slugg}' } };
  const refused = await stack.post({ mode: 'start', appId: 'driven', workflowId: 'hello', inputs: wrong });
  assert.equal(refused.status, 422, JSON.stringify(refused.body));
  assert.equal(refused.body.errors[0].place, '/inputs/repeat/text');
  const started = await stack.post({ mode: 'start', appId: 'driven', workflowId: 'hello', inputs });
  assert.equal(started.status, 202, JSON.stringify(started.body));
  assert.equal((await stack.untilStatus('driven', 'hello', 'repeat', ended)).output.text, 'grusse-an-ada!');
});

test('what a workflow asks a person for is what validate misses in inputs that are empty', async () => {
  const { workflows } = (await stack.get('/api/workflows')).body;
  for (const { id, asks } of workflows) {
    const asked = asks.filter(({ source, optional }) => source === 'given' && !optional);
    const { body } = await stack.post({ mode: 'validate', appId: 'asks', workflowId: id });
    const missed = (body.errors ?? []).filter(({ message }) => message === 'it is missing');
    assert.deepEqual(missed.map(({ place }) => place).sort(),
      asked.map(({ inputKey, field }) => `/inputs/${inputKey}/${field}`).sort(), id);
  }
});

// ---- what is generated once and kept ----

const isUpsert = (call) => call.method === 'POST' && /\/env(\?|$)/.test(call.path);
const secretsOf = (app) => stack.redis('HGET', `slipway:{0}:app:default:${app}:payload`, 'secrets');
const hex = { generate: { length: 32, alphabet: 'hex' } };
const shared = (name, more) => ({ ...hex, shared: name, ...more });

// A site up to its project, with a variable whose value is the secret KEY.
async function prepare(app) {
  const inputs = {
    repo: { owner: 'acme', name: app, fork: 'upstream/app-template' },
    project: { name: app },
    env: { variables: [{ key: 'KEY', value: '${secret.KEY}' }] },
  };
  assert.equal((await configure(app, { inputs })).status, 200);
  for (const step of ['repo', 'project']) {
    await stack.trigger(app, 'site', step);
    await stack.untilStatus(app, 'site', step, 'done');
  }
}

// The value of the variable as Vercel is sent it; with 200, as it was sent before.
const sent = {};
async function sentBy(app, expected = 202) {
  const answer = await stack.trigger(app, 'site', 'env');
  assert.equal(answer.status, expected, JSON.stringify(answer.body));
  if (expected === 200) return sent[app];
  const status = await stack.untilStatus(app, 'site', 'env', ended);
  assert.equal(status.status, 'done', JSON.stringify(status));
  sent[app] = JSON.parse(front.calls.findLast(isUpsert).body).find(({ key }) => key === 'KEY').value;
  return sent[app];
}

test('a secret is generated once and kept: asking for it again changes nothing', async () => {
  await prepare('once');
  const set = await configure('once', { secrets: { KEY: hex } });
  assert.equal(set.status, 200, JSON.stringify(set.body));
  assert.deepEqual(set.body.secrets, ['KEY']);
  const value = await sentBy('once');
  assert.match(value, /^[0-9a-f]{32}$/);
  const again = await configure('once', { secrets: { KEY: { generate: { length: 64, alphabet: 'base64url' } } } });
  assert.equal(again.body.version, set.body.version);
  assert.equal((await stack.trigger('once', 'site', 'env')).body.reused, true);
  const anew = await configure('once', { secrets: { KEY: { ...hex, anew: true } } });
  assert.equal(anew.body.version, set.body.version + 1);
  const other = await sentBy('once');
  assert.match(other, /^[0-9a-f]{32}$/);
  assert.notEqual(other, value);
});

test('what a person has given is kept, and null makes room for a new one', async () => {
  await prepare('given');
  await configure('given', { secrets: { KEY: 'of-a-person' } });
  const kept = await configure('given', { secrets: { KEY: hex } });
  assert.equal(kept.status, 200);
  assert.equal(await sentBy('given'), 'of-a-person');
  assert.deepEqual((await configure('given', { secrets: { KEY: null } })).body.secrets, []);
  const gone = await stack.trigger('given', 'site', 'env');
  assert.equal(gone.status, 422);
  assert.match(gone.body.detail, /no secret 'KEY'/);
  await configure('given', { secrets: { KEY: hex } });
  assert.match(await sentBy('given'), /^[0-9a-f]{32}$/);
});

test('how a secret was asked for is told while the value is the one that was made', async () => {
  const generated = async (secrets) => {
    const { status, body } = await configure('asked', { secrets });
    assert.equal(status, 200, JSON.stringify(body));
    return body.generated;
  };
  const longer = { generate: { length: 64, alphabet: 'base64url' } };
  assert.deepEqual(await generated({ OWN: 'of-a-person' }), {});
  assert.deepEqual(await generated({ OWN: hex, KEY: hex, LINK: shared('asked') }), { KEY: hex, LINK: shared('asked') });
  const { body } = await configure('asked', {});
  assert.deepEqual(body.generated, { KEY: hex, LINK: shared('asked') });
  // To ask for another kind makes no other value; 'anew' does, and is asked for once.
  assert.deepEqual(await generated({ KEY: longer }), { KEY: hex, LINK: shared('asked') });
  assert.equal((await configure('asked', { secrets: { KEY: hex } })).body.version, body.version);
  assert.deepEqual((await generated({ KEY: { ...longer, anew: true } })).KEY, longer);
  assert.deepEqual((await generated({ OWN: { ...hex, anew: true } })).OWN, hex);
  assert.deepEqual(await generated({ OWN: 'of-a-person', KEY: null }), { LINK: shared('asked') });
  // A plan or a validation keeps nothing.
  await stack.post({ mode: 'validate', appId: 'asked', workflowId: 'hello', inputs: { greet: { text: 'a' } },
    secrets: { NEW: hex } });
  assert.deepEqual(await generated({}), { LINK: shared('asked') });
  await Promise.all(Array.from({ length: 8 }, (_, i) => configure('asked', { secrets: { [`S${i}`]: hex } })));
  assert.equal(Object.keys(await generated({})).length, 9);
});

test('a secret that is given for an app that has none is kept by whoever comes first', async () => {
  await prepare('initial');
  const first = await configure('initial', { secrets: { KEY: { initial: 'of-the-first' } } });
  assert.deepEqual([first.status, first.body.secrets, first.body.generated], [200, ['KEY'], {}]);
  const second = await configure('initial', { secrets: { KEY: { initial: 'of-the-second' } } });
  assert.deepEqual([second.status, second.body.version], [200, first.body.version]);
  assert.equal(await sentBy('initial'), 'of-the-first');
  assert.equal((await stack.trigger('initial', 'site', 'env')).body.reused, true);
  await configure('initial', { secrets: { KEY: null } });
  const racing = await Promise.all(Array.from({ length: 8 }, (_, i) =>
    configure('initial', { secrets: { KEY: { initial: `of-number-${i}` } } })));
  assert.equal(new Set(racing.map(({ body }) => body.version)).size, 1, JSON.stringify(racing.map(({ body }) => body)));
  assert.match(await sentBy('initial'), /^of-number-\d$/);
  for (const secret of [{ initial: 7 }, { initial: 'a-value', more: 1 }, { initial: null },
    { initial: 'a-value', generate: {} }, { initial: 'short' }]) {
    const { status, body } = await configure('initial', { secrets: { NEW: secret } });
    assert.equal(status, 400, JSON.stringify(body));
    assert.equal(body.errors[0].place, '/secrets/NEW');
    assert.doesNotMatch(JSON.stringify(body), /a-value/);
  }
});

test('clients that generate the same secret at once get one', async () => {
  const all = await Promise.all(Array.from({ length: 8 }, (_, i) =>
    configure('race', { secrets: { KEY: hex }, config: { [`c${i % 2}`]: i } })));
  for (const { status, body } of all) assert.equal(status, 200, JSON.stringify(body));
  const first = await secretsOf('race');
  assert.match(first, /^\{"KEY":"sealed\.[^"]+"\}$/);
  await configure('race', { secrets: { KEY: hex } });
  assert.equal(await secretsOf('race'), first);
});

test('apps that share a secret by name end with one value, also when they ask at once', async () => {
  const apps = ['docs', 'timelining'];
  for (const app of apps) await prepare(app);
  const all = await Promise.all(apps.map((app) => configure(app, { secrets: { KEY: shared('session') } })));
  for (const { status, body } of all) assert.equal(status, 200, JSON.stringify(body));
  const value = await sentBy('docs');
  assert.match(value, /^[0-9a-f]{32}$/);
  assert.equal(await sentBy('timelining'), value);
  assert.equal(await secretsOf('docs'), '{"KEY":"shared.session"}');
  // Another name is another secret; two names of one app may share.
  await prepare('alone');
  await configure('alone', { secrets: { KEY: shared('other'), TOO: shared('other') } });
  assert.notEqual(await sentBy('alone'), value);
  const versions = await Promise.all(apps.map((app) => configure(app, { secrets: { KEY: shared('session') } })));
  assert.deepEqual(versions.map(({ body }) => body.version), all.map(({ body }) => body.version));
  assert.equal((await stack.trigger('docs', 'site', 'env')).body.reused, true);
});

test('a new value for one app is a new value for all that share it, and they are run again', async () => {
  const former = await sentBy('docs', 200);
  await configure('docs', { secrets: { KEY: shared('session', { anew: true }) } });
  const value = await sentBy('timelining');
  assert.notEqual(value, former);
  assert.equal(await sentBy('docs'), value);
});

test('who leaves takes nothing from the others, and a secret of its own is not replaced by a shared one', async () => {
  const value = await sentBy('timelining', 200);
  await configure('docs', { secrets: { KEY: null } });
  assert.equal((await stack.trigger('docs', 'site', 'env')).status, 422);
  await configure('docs', { secrets: { KEY: hex } });
  for (const mode of ['configure', 'validate']) {
    const target = mode === 'validate' ? { workflowId: 'site' } : {};
    const refused = await stack.post({ mode, appId: 'docs', ...target, secrets: { KEY: shared('session') } });
    assert.equal(refused.status, 422, JSON.stringify(refused.body));
    assert.equal(refused.body.errors[0].place, '/secrets/KEY');
    assert.match(refused.body.remedy.text, /null/);
  }
  assert.notEqual(await sentBy('docs'), value);
  await configure('docs', { secrets: { KEY: null } });
  await configure('docs', { secrets: { KEY: shared('session') } });
  assert.equal(await sentBy('docs'), value);
});

test('a value that goes away is named, and is made again when it is asked for', async () => {
  await stack.redis('HDEL', 'slipway:{0}:shared:default', 'session');
  const gone = await stack.trigger('timelining', 'site', 'env');
  assert.equal(gone.status, 422, JSON.stringify(gone.body));
  assert.match(gone.body.detail, /no secret 'KEY'/);
  assert.equal((await configure('timelining', { secrets: { KEY: shared('session') } })).status, 200);
  const value = await sentBy('timelining');
  assert.equal(await sentBy('docs'), value);
});

test('what is sealed for sharing opens as nothing else', async () => {
  await prepare('thief');
  const sealed = await stack.redis('HGET', 'slipway:{0}:shared:default', 'session');
  await configure('thief', { secrets: { KEY: 'of-the-thief' } });
  for (const [key, field, text] of [
    ['slipway:{0}:app:default:thief:payload', 'secrets', JSON.stringify({ KEY: sealed })],
    ['slipway:{0}:shared:default', 'other', sealed],
  ]) {
    await stack.redis('HSET', key, field, text);
    const app = field === 'other' ? 'alone' : 'thief';
    await stack.trigger(app, 'site', 'env');
    const status = await stack.untilStatus(app, 'site', 'env', 'error');
    assert.match(status.error.message, /cannot be opened/);
  }
});

test('a wish that cannot be granted is refused with its place, and nothing is stored', async () => {
  const rows = [
    [{ KEY: { generate: { length: 8 } } }, '/secrets/KEY/generate/length'],
    [{ KEY: { generate: { alphabet: 'aab' } } }, '/secrets/KEY/generate/alphabet'],
    [{ KEY: { generat: {} } }, '/secrets/KEY/generat'],
    [{ KEY: { ...hex, shared: 'a.b' } }, '/secrets/KEY/shared'],
    [{ 'a-b': hex }, '/secrets/a-b'],
    [{ 'a-b': shared('wish') }, '/secrets/a-b'],
    [{ KEY: ['x'] }, '/secrets/KEY'],
  ];
  for (const [secrets, place] of rows) {
    const refused = await configure('wish', { secrets });
    assert.equal(refused.status, 400, JSON.stringify(refused.body));
    assert.equal(refused.body.errors[0].place, place);
  }
  assert.equal(await stack.redis('EXISTS', 'slipway:{0}:app:default:wish:payload'), '0');
  assert.equal(await stack.redis('HEXISTS', 'slipway:{0}:shared:default', 'wish'), '0');
});

test('a wish may stand in the file of every slipway run', async () => {
  const file = path.join(folder, 'wish.json');
  const inputs = { greet: { text: 'hi' } };
  await writeFile(file, JSON.stringify({ inputs, secrets: { KEY: hex, TOO: shared('session') } }));
  const words = ['run', 'hello', '--app', 'file', '--url', stack.url, '--input', file];
  for (let times = 0; times < 2; times++) {
    const done = await slipway(...words);
    assert.equal(done.code, 0, done.stdout + done.stderr);
    assert.equal(await stack.redis('HGET', 'slipway:{0}:app:default:file:payload', 'version'), '1');
  }
});

test('validate takes a wish for granted and stores nothing', async () => {
  const inputs = { repo: { owner: 'acme', name: 'x' }, project: { name: 'x' },
    check: { protectionBypass: '${secret.KEY}' } };
  const secrets = { KEY: shared('valid') };
  const checked = await stack.post({ mode: 'validate', appId: 'valid', workflowId: 'site', inputs, secrets });
  assert.ok(!JSON.stringify(checked.body).includes('KEY'), JSON.stringify(checked.body));
  assert.equal(await stack.redis('HEXISTS', 'slipway:{0}:shared:default', 'valid'), '0');
});

test('a restart of all of it keeps the values, and none of them is to be read anywhere', async () => {
  const value = await sentBy('docs', 200);
  await stack.leave();
  const settings = front.settings(path.join(folder, 'token'));
  stack = await Stack.start({ folder: stack.folder, flags: ['--no-emulator'], env: settings });
  assert.equal(await sentBy('docs', 200), value);
  await prepare('later');
  await configure('later', { secrets: { KEY: shared('session') } });
  assert.equal(await sentBy('later'), value);
  const texts = [];
  for (const below of ['redis', 'log']) {
    for (const name of await readdir(path.join(stack.folder, below), { recursive: true })) {
      const file = path.join(stack.folder, below, name);
      if ((await stat(file)).isFile()) texts.push(await readFile(file, 'latin1'));
    }
  }
  assert.match(texts.join('\n'), /sealed\.[0-9a-f]{8}\./);
  assert.ok(!texts.join('\n').includes(value));
});
