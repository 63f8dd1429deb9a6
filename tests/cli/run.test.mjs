// `slipway run`: its inputs are its own, all of them are checked first, and what another client does meanwhile is told.
//
// covers: src/cli/run_input.c src/cli/command_run.c src/api/mode_trigger.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Stack, slipway } from '../integration/stack.mjs';

let stack;
before(async () => { stack = await Stack.start({ flags: ['--no-emulator'] }); });
after(() => stack.stop());

let files = 0;
async function run(app, workflow, input, ...rest) {
  const file = path.join(stack.folder, `input-${files++}.json`);
  await writeFile(file, JSON.stringify(input));
  return slipway('run', workflow, '--app', app, '--url', stack.url, '--input', file, ...rest);
}

const keysOf = async (app) =>
  (await stack.redis('KEYS', `slipway:{0}:app:default:${app}:*`)).split('\n').filter(Boolean);

// The last output of each step, of a run with --json.
function outputs(result) {
  const lines = result.stdout.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line));
  return Object.fromEntries(lines.map((line) => [line.actionId, line.output.text]));
}

test('every place that is wrong is told before anything is stored or started, with exit status 64', async () => {
  const inputs = {
    repo: { owner: 'acme', name: 'docs' }, project: { name: 'docs' }, env: {}, domian: {},
    domain: { nmae: 'www.example.org' }, check: { url: '${config.checkUrl}', status: 7 },
  };
  const result = await run('typo', 'site', { inputs, config: { checkUrl: 'https://example.org/' }, env: { A: 'b' } });
  assert.equal(result.code, 64, result.stdout + result.stderr);
  for (const told of ['/inputs/domian', 'domain: /inputs/domain/nmae', 'check: /inputs/check/status'])
    assert.ok(result.stderr.includes(`\n  ${told}: `), result.stderr);
  assert.match(result.stderr, /Nothing was started/);
  assert.deepEqual(await keysOf('typo'), []);
});

test('inputs are those of the run alone, and the rest of the file is the app\'s', async () => {
  const input = { inputs: { greet: { text: '${config.word}' } }, config: { word: 'hi' }, env: { A: 'b' } };
  const result = await run('own', 'hello', input, '--json');
  assert.equal(result.code, 0, result.stdout + result.stderr);
  assert.deepEqual(outputs(result), { greet: 'hi', repeat: 'again: hi' });
  const { body } = await stack.post({ mode: 'configure', appId: 'own' });
  assert.deepEqual([body.inputs, body.config, body.env], [{}, { word: 'hi' }, { A: 'b' }]);
});

test('what was configured stands below the input of the run', async () => {
  await stack.post({ mode: 'configure', appId: 'below', inputs: { greet: { text: 'configured' } } });
  const first = await slipway('run', 'hello', '--app', 'below', '--url', stack.url, '--json');
  assert.deepEqual(outputs(first), { greet: 'configured', repeat: 'again: configured' });
  const second = await run('below', 'hello', { inputs: { greet: { text: 'given' } } }, '--json');
  assert.deepEqual(outputs(second), { greet: 'given', repeat: 'again: given' });
});

test('a trigger that means an older configuration is refused', async () => {
  const configure = (config) => stack.post({ mode: 'configure', appId: 'version', config });
  const inputs = { greet: { text: '${config.word}' } };
  const { version } = (await configure({ word: 'first' })).body;
  assert.equal((await configure({ word: 'first' })).body.version, version, 'the same again is no change');
  assert.equal((await stack.trigger('version', 'hello', 'greet', { inputs, configVersion: version })).status, 202);
  await stack.untilStatus('version', 'hello', 'greet', 'done');
  await configure({ word: 'second' });
  const refused = await stack.trigger('version', 'hello', 'greet', { inputs, configVersion: version });
  assert.equal(refused.status, 409);
  assert.equal(refused.body.class, 'config_changed');
  assert.equal((await stack.status('version', 'hello', 'greet')).output.text, 'first');
  assert.equal((await stack.trigger('version', 'hello', 'greet', { inputs, configVersion: 'x' })).status, 400);
});

test('two runs of one app at once: which ends well has made what it was given', async () => {
  for (let round = 0; round < 15; round++) {
    const words = ['one', 'two'].map((word) => `${word}-${round}`);
    const one = (text) => run('both', 'hello', { inputs: { greet: { text } } }, '--json');
    const results = await Promise.all(words.map(one));
    results.forEach((result, i) => {
      if (result.code === 0) assert.deepEqual(outputs(result), { greet: words[i], repeat: `again: ${words[i]}` });
      else assert.match(result.stderr, /a different input|another client|run again by|not done/, result.stderr);
    });
  }
});

test('two runs that configure an app differently at once: which ends well has used its own', async () => {
  const inputs = { greet: { text: '${config.word}' } };
  for (let round = 0; round < 15; round++) {
    const words = ['one', 'two'].map((word) => `${word}-${round}`);
    const one = (word) => run('config', 'hello', { inputs }, '--json', '--set', `word=${word}`);
    const results = await Promise.all(words.map(one));
    results.forEach((result, i) => {
      if (result.code === 0) assert.deepEqual(outputs(result), { greet: words[i], repeat: `again: ${words[i]}` });
      else assert.match(result.stderr, /configured again|a different input|run again by|not done/, result.stderr);
    });
  }
});

test('two runs with the same input and the same configuration do not stand in each other\'s way', async () => {
  const input = { inputs: { greet: { text: '${config.word}' } }, config: { word: 'same' } };
  const results = await Promise.all([1, 2, 3].map(() => run('same', 'hello', input, '--json')));
  for (const result of results) assert.equal(result.code, 0, result.stderr);
});
