// `slipway run`: its inputs are its own, all of them are checked first, and what another client does meanwhile is told.
// The server drives the deployment: whoever watches may go, and come back.
//
// covers: src/cli/run_input.c src/cli/command_run.c src/cli/watch.c src/cli/session.c src/cli/command_retry.c
// covers: src/cli/held_poll.c src/cli/command_cancel.c src/cli/command_skip.c src/cli/watched_deployment.c
// covers: src/api/mode_trigger.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { Stack, build, slipway, until } from '../integration/stack.mjs';
import { runWorkflow } from '../../client/slipway.js';

let stack;
before(async () => {
  stack = await Stack.start({ flags: ['--no-emulator'], env: { SLIPWAY_ALLOW_LOOPBACK: 'yes' } });
});
after(() => stack.stop());

let files = 0;
async function fileOf(content) {
  const file = path.join(stack.folder, `input-${files++}.json`);
  await writeFile(file, JSON.stringify(content));
  return file;
}

async function run(app, workflow, input, ...rest) {
  return slipway('run', workflow, '--app', app, '--url', stack.url, '--input', await fileOf(input), ...rest);
}

// A command that is under way: what it printed so far, and its end.
function begin(...words) {
  const child = spawn(path.join(build, 'slipway'), words.includes('--url') ? words : [...words, '--url', stack.url]);
  const begun = { child, output: '', errors: '' };
  child.stdout.on('data', (bytes) => { begun.output += bytes; });
  child.stderr.on('data', (bytes) => { begun.errors += bytes; });
  begun.ended = new Promise((resolve) => { child.once('close', (code, signal) => resolve({ code, signal })); });
  begun.prints = (pattern) => until(() => pattern.test(begun.output), `it prints ${pattern}`);
  return begun;
}

// The second step of `hello` waits for another app: whatever happens meanwhile happens after the first one.
let gates = 0;
function gate() {
  const name = `gate-${(gates += 1)}`;
  return {
    name,
    inputs: { greet: { text: 'hello' }, repeat: { text: `behind \${app.${name}.hello.greet.text}` } },
    open: () => run(name, 'hello', { inputs: { greet: { text: 'the gate' } } }),
  };
}

// Another address of the server that can be away.
async function startDoor() {
  const door = { target: stack.port, open: true };
  const sockets = new Set();
  const server = createServer((socket) => {
    if (!door.open) {
      socket.destroy();
      return;
    }
    const other = connect(door.target, '127.0.0.1');
    for (const end of [socket, other]) {
      sockets.add(end);
      end.on('error', () => {});
      end.on('close', () => { socket.destroy(); other.destroy(); });
    }
    socket.pipe(other).pipe(socket);
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  door.url = `http://127.0.0.1:${server.address().port}`;
  door.shut = () => { door.open = false; sockets.forEach((socket) => socket.destroy()); };
  door.close = () => { door.shut(); server.close(); };
  return door;
}

const deploymentOf = async (app, workflow = 'hello') =>
  (await stack.get(`/api/deploy?appId=${app}&workflowId=${workflow}`)).body.deployment;
const untilEnded = (app, status) =>
  until(async () => (await deploymentOf(app))?.status === status, `the deployment of ${app} is ${status}`);

const keysOf = async (app) =>
  (await stack.redis('KEYS', `slipway:{0}:app:default:${app}:*`)).split('\n').filter(Boolean);

// The last output of each step, of a run with --json.
function outputs(result) {
  const lines = result.stdout.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line))
    .filter(({ actionId }) => actionId !== undefined);
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

test('two runs with the same input and the same configuration do not stand in each other\'s way', async () => {
  const input = { inputs: { greet: { text: '${config.word}' } }, config: { word: 'same' } };
  const results = await Promise.all([1, 2, 3].map(() => run('same', 'hello', input, '--json')));
  for (const result of results) assert.equal(result.code, 0, result.stderr);
});

test('killed after its first step, the deployment ends done all the same', async () => {
  const { inputs, open } = gate();
  const watching = begin('run', 'hello', '--app', 'killed', '--input', await fileOf({ inputs }));
  await watching.prints(/^greet +done/m);
  await watching.prints(/^repeat +blocked .*it waits for gate-\d+\.hello\.greet/m);
  watching.child.kill('SIGKILL');
  await watching.ended;
  await open();
  await untilEnded('killed', 'done');
  assert.equal((await stack.status('killed', 'hello', 'repeat')).output.text, 'behind the gate');
});

test('Ctrl-C stops watching, says so, and how to watch again and to cancel', async () => {
  const { inputs, open } = gate();
  const watching = begin('run', 'hello', '--app', 'stopped', '--input', await fileOf({ inputs }));
  await watching.prints(/^repeat +blocked/m);
  watching.child.kill('SIGINT');
  assert.deepEqual(await watching.ended, { code: 130, signal: null });
  const { deploymentId, status } = await deploymentOf('stopped');
  assert.equal(status, 'running');
  assert.match(watching.errors, new RegExp(`The server goes on with the deployment ${deploymentId}`));
  const commands = [...watching.errors.matchAll(/slipway (status|cancel) (.*)$/gm)].map((match) => match[0]);
  assert.deepEqual(commands, [
    `slipway status stopped hello --watch --url ${stack.url}`, `slipway cancel stopped hello --url ${stack.url}`,
  ]);
  // What it says works.
  const again = begin('status', 'stopped', 'hello', '--watch');
  await again.prints(/^repeat +blocked/m);
  await open();
  assert.equal((await again.ended).code, 0, again.errors);
  assert.match(again.output, /^repeat +done/m);
});

// The polls of an app that the web server has seen, without those that this test sends. Its log has all that were
// answered before one that stands there.
let marks = 0;
async function pollsOf(app) {
  const mark = `/healthz?mark=${(marks += 1)} `;
  await stack.get(mark.trim());
  const log = await until(async () => {
    const text = await readFile(path.join(stack.folder, 'log/nginx-access.log'), 'utf8');
    return text.includes(mark) && text;
  }, 'the log of the web server is written');
  return log.split('\n').filter((line) => line.includes(`"GET /api/deploy?appId=${app}&`) && !line.includes('"node"'));
}

// A few for each change of two steps, and one each 10 s: none for the time between.
const mostPolls = (began) => 12 + (Date.now() - began) / 10000;

test('it waits for each change at the server, and asks for nothing meanwhile', async () => {
  const { inputs, open } = gate();
  const began = Date.now();
  const watching = begin('run', 'hello', '--app', 'held', '--input', await fileOf({ inputs }));
  await watching.prints(/^repeat +blocked/m);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await open();
  assert.equal((await watching.ended).code, 0);
  const polls = await pollsOf('held');
  assert.doesNotMatch(polls[0], /wait=/);
  assert.ok(polls.slice(1).every((line) => /&since=\w{32}&wait=10 /.test(line)), polls.join('\n'));
  assert.ok(polls.length <= mostPolls(began), `${polls.length} polls`);
});

test('so does apply, whose apps are followed one behind the other, and an interrupt ends it at once', async () => {
  const [first, second] = [gate(), gate()];
  const apps = { 'apply-a': first, 'apply-b': second };
  const file = await fileOf({ apps: Object.fromEntries(Object.entries(apps)
    .map(([app, { inputs }]) => [app, { workflows: { hello: { inputs } } }])) });
  const began = Date.now();
  const interrupted = begin('apply', '-f', file);
  await interrupted.prints(/^apply-b.hello .*repeat blocked/m);
  interrupted.child.kill('SIGINT');
  assert.equal((await interrupted.ended).code, 130);

  const watching = begin('apply', '-f', file);
  await watching.prints(/^apply-b.hello .*repeat blocked/m);
  await first.open();
  await watching.prints(/^apply-a.hello +done/m);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await second.open();
  assert.equal((await watching.ended).code, 0, watching.errors);
  const held = (await pollsOf('apply-b')).filter((line) => /&since=\w{32}&wait=10 /.test(line));
  assert.ok(held.length > 0 && held.length <= mostPolls(began), `${held.length} polls were held`);
});

test('so does plan', async () => {
  const { code, stderr } = await slipway('plan', 'hello', '--app', 'planned', '--url', stack.url,
    '--input', await fileOf({ inputs: { greet: { text: 'hello' } } }));
  assert.equal(code, 0, stderr);
  const [polled, ...held] = await pollsOf('planned');
  assert.doesNotMatch(polled ?? '', /wait=/);
  assert.ok(held.every((line) => /&since=\w{32}&wait=\d+ /.test(line)), held.join('\n'));
});

test('and destroy, which cancels what is being deployed', async () => {
  const { inputs } = gate();
  const watching = begin('run', 'hello', '--app', 'removed', '--input', await fileOf({ inputs }));
  await watching.prints(/^repeat +blocked/m);
  const before = (await pollsOf('removed')).length;
  // The removal takes longer than a poll is held, however fast the worker is.
  const queue = async (...words) => {
    const done = await slipway('queue', ...words, '--redis-url', `unix://${stack.folder}/redis.sock`);
    assert.equal(done.code, 0, done.stderr);
  };
  await queue('pause', 'workflow', 'teardown', '--reason', 'a test');
  const destroying = begin('destroy', 'removed', '--yes');
  const isHeld = (line) => /workflowId=teardown&since=\w{32}&wait=10 /.test(line);
  await until(async () => (await pollsOf('removed')).slice(before).some(isHeld), 'a poll of it was held');
  await queue('resume', 'workflow', 'teardown');
  assert.equal((await destroying.ended).code, 0, destroying.errors);
  await watching.ended;
});

test('two at once with the same input watch one deployment; other inputs are refused with what differs', async () => {
  const { inputs, open } = gate();
  const words = ['run', 'hello', '--app', 'twice', '--input', await fileOf({ inputs }), '--json'];
  const both = [begin(...words), begin(...words)];
  await Promise.all(both.map((one) => one.prints(/"phase":"blocked"/)));
  const other = await run('twice', 'hello', { inputs: { ...inputs, greet: { text: 'other' } } });
  assert.equal(other.code, 1);
  assert.match(other.stderr, /'twice' is being deployed by 'hello' with different inputs .*that differ: greet$/m);
  assert.match(other.stderr, /what to do: .*slipway status twice hello --watch.*--replace/);
  await open();
  const ends = await Promise.all(both.map((one) => one.ended));
  assert.deepEqual(ends.map(({ code }) => code), [0, 0]);
  const { deploymentId } = await deploymentOf('twice');
  for (const { output } of both) {
    const lines = output.trim().split('\n').map((line) => JSON.parse(line));
    assert.deepEqual([...new Set(lines.map((line) => line.deploymentId))], [deploymentId]);
    const last = lines.at(-1);
    assert.deepEqual([last.actionId, last.status], [undefined, 'done']);
  }
});

test('replaced by other inputs, the first says that it was not its own that was deployed', async () => {
  const [first, second] = [gate(), gate()];
  const watching = begin('run', 'hello', '--app', 'replaced', '--input', await fileOf({ inputs: first.inputs }));
  await watching.prints(/^repeat +blocked/m);
  const file = await fileOf({ inputs: second.inputs });
  const detached = await slipway('run', 'hello', '--app', 'replaced', '--url', stack.url, '--input', file, '--replace',
    '--detach');
  assert.equal(detached.code, 0, detached.stderr);
  const { deploymentId } = await deploymentOf('replaced');
  assert.equal(detached.stdout, `${deploymentId}\n`);
  assert.equal((await watching.ended).code, 1);
  assert.match(watching.output + watching.errors, /with other inputs|was cancelled/);
  await second.open();
  await untilEnded('replaced', 'done');
});

test('a step that another client runs alone does not pass for ours; a result given by hand does', async () => {
  const { inputs, open } = gate();
  const words = ['run', 'hello', '--input', await fileOf({ inputs }), '--app'];
  const watching = begin(...words, 'alone');
  await watching.prints(/^repeat +blocked/m);
  await stack.trigger('alone', 'hello', 'greet', { inputs: { greet: { text: 'theirs' } } });
  assert.equal((await watching.ended).code, 1);
  assert.match(watching.errors, /'greet' of 'alone' was run again by another client/);
  const skipped = begin(...words, 'given');
  await skipped.prints(/^repeat +blocked/m);
  const output = await fileOf({ text: 'by hand', length: 7 });
  assert.equal((await slipway('skip', 'given', 'hello', 'repeat', '--url', stack.url, '--output', output)).code, 0);
  assert.equal((await skipped.ended).code, 0, skipped.errors);
  await open();
});

test('started anew with the same inputs, it is followed on', async () => {
  const door = await startDoor();
  try {
    const { inputs, open } = gate();
    const file = await fileOf({ inputs });
    const watching = begin('run', 'hello', '--app', 'anew', '--input', file, '--url', door.url);
    await watching.prints(/^repeat +blocked/m);
    // It sees neither the end of the first deployment nor the start of the second.
    door.shut();
    await slipway('cancel', 'anew', 'hello', '--url', stack.url);
    const again = await slipway('run', 'hello', '--app', 'anew', '--url', stack.url, '--input', file, '--detach');
    assert.equal(again.code, 0, again.stderr);
    door.open = true;
    await watching.prints(new RegExp(`another client has started it again; this is deployment ${again.stdout.trim()}`));
    await open();
    assert.equal((await watching.ended).code, 0, watching.output + watching.errors);
  } finally {
    door.close();
  }
});

test('after: it waits for the deployment of another app, which it names', async () => {
  const watching = begin('run', 'hello', '--app', 'later', '--after', 'sooner/hello', '--input',
    await fileOf({ inputs: { greet: { text: 'later' } } }));
  await watching.prints(/^greet +blocked .*needs: .*sooner/m);
  await run('sooner', 'hello', { inputs: { greet: { text: 'sooner' } } });
  assert.equal((await watching.ended).code, 0, watching.errors);
  const wrong = await run('later', 'hello', {}, '--after', 'sooner');
  assert.equal(wrong.code, 64);
  assert.match(wrong.stderr, /--after needs APP\/WORKFLOW, not 'sooner'/);
});

test('what failed, what waits for it, and the retry that goes on with other inputs', async () => {
  const inputs = { repo: { owner: 'acme', name: 'failed' }, project: { name: 'failed' } };
  const first = await run('failed', 'site', { inputs: { ...inputs, check: { url: `${stack.url}/healthz` } } });
  assert.equal(first.code, 1);
  assert.match(first.stdout, /^failed: site has ended in error after/m);
  assert.match(first.stdout, /^ {2}failed: repo$/m);
  assert.match(first.stdout, /^ {2}waiting for that: .*project, env, deployment, domain, check/m);
  assert.match(first.stdout, new RegExp(`run 'slipway retry failed site --url ${stack.url}'`));
  assert.doesNotMatch(first.stdout, /need_failed/);
  const { deploymentId } = await deploymentOf('failed', 'site');
  const again = await slipway('retry', 'failed', 'site', '--url', stack.url, '--deployment', deploymentId);
  assert.equal(again.code, 1);
  assert.match(again.stdout, /^repo +error/m);
  const wrong = await slipway('retry', 'failed', 'site', '--url', stack.url, '--deployment', 'another');
  assert.match(wrong.stderr, /'failed' has no such deployment of 'site'/);
  const invalid = await slipway('retry', 'failed', 'site', '--url', stack.url, '--input',
    await fileOf({ inputs: { repo: { owner: 7 } } }));
  assert.equal(invalid.code, 64);
  assert.match(invalid.stderr, /repo: \/inputs\/repo\/owner: /);
});

test('a result is given by hand, once, and checked', async () => {
  const inputs = { repo: { owner: 'acme', name: 'hand' }, project: { name: 'hand' } };
  await run('hand', 'site', { inputs: { ...inputs, check: { url: `${stack.url}/healthz` } } });
  const skip = async (step, output) =>
    slipway('skip', 'hand', 'site', step, '--url', stack.url, '--output', await fileOf(output));
  const wrong = await skip('check', { status: 'fine' });
  assert.equal(wrong.code, 64);
  assert.match(wrong.stderr, /at: \/output\/status/);
  const given = await skip('check', { status: 200 });
  assert.equal(given.code, 0, given.stderr);
  assert.match(given.stdout, /^check +done/m);
  assert.equal((await stack.status('hand', 'site', 'check')).reason, 'given');
  assert.equal((await skip('check', { status: 200 })).code, 1);
});

test('cancel ends a deployment and says what is; where nothing is under way it says so', async () => {
  const { inputs } = gate();
  const watching = begin('run', 'hello', '--app', 'ended', '--input', await fileOf({ inputs }));
  await watching.prints(/^repeat +blocked/m);
  const other = await slipway('cancel', 'ended', 'hello', '--url', stack.url, '--deployment', 'another');
  assert.equal(other.code, 1);
  const past = await slipway('cancel', 'ended', 'hello', 'repeat', '--run', 'r1', '--url', stack.url);
  assert.equal(past.code, 1);
  assert.match(past.stderr, /the step 'repeat' of 'ended' now has the run [0-9a-f]{32}, not r1/);
  const cancelled = await slipway('cancel', 'ended', 'hello', '--url', stack.url);
  assert.equal(cancelled.code, 0, cancelled.stderr);
  assert.match(cancelled.stdout, /^greet +done/m);
  assert.match(cancelled.stdout, /^ended: hello was cancelled after/m);
  assert.match(cancelled.stdout, /^ {2}not done: repeat$/m);
  assert.equal((await watching.ended).code, 1);
  assert.match(watching.output, /was cancelled/);
  const shown = await slipway('status', 'ended', 'hello', '--url', stack.url);
  assert.match(shown.stdout, /^deployment [0-9a-f]{32}: error, cancelled, ended 2/m);
  const nothing = await slipway('status', 'nobody', 'hello', '--watch', '--url', stack.url);
  assert.equal(nothing.code, 1);
  assert.match(nothing.stderr, /there is no deployment of 'nobody' by 'hello'[^]*'slipway run hello --app nobody'/);
  const elsewhere = await slipway('cancel', 'ended', 'hello', '--run', 'r1', '--url', stack.url);
  assert.equal(elsewhere.code, 64);
  assert.match(elsewhere.stderr, /--run names a run of one step/);
  const none = await slipway('cancel', 'nobody', 'hello', '--url', stack.url);
  assert.equal(none.code, 0);
  assert.match(none.stdout, /'nobody' has no deployment by 'hello'/);
});

test('what was made from something that has changed since is shown as such', async () => {
  const { name, inputs, open } = gate();
  await open();
  await run('old', 'hello', { inputs });
  await run(name, 'hello', { inputs: { greet: { text: 'another gate' } } });
  await until(async () => (await stack.status('old', 'hello', 'repeat')).stale, 'it is stale');
  const { stdout } = await slipway('status', 'old', 'hello', '--url', stack.url);
  assert.match(stdout, /^repeat +done .*stale: made from something that has changed since; a run makes it again/m);
  assert.match((await run('old', 'hello', { inputs })).stdout, /^repeat +done .*behind another gate/m);
});

test('started by a program in JavaScript, watched by the command line', async () => {
  const { inputs, open } = gate();
  const controller = new AbortController();
  const started = runWorkflow('hello', 'shared', { baseUrl: stack.url, inputs, signal: controller.signal });
  await until(async () => (await deploymentOf('shared')) !== null, 'it is started');
  const watching = begin('status', 'shared', 'hello', '--watch');
  await watching.prints(/^repeat +blocked/m);
  controller.abort();
  await assert.rejects(started, { name: 'AbortError' });
  await open();
  assert.equal((await watching.ended).code, 0, watching.errors);
});

test('the server is restarted while it is watched: it is watched on', async () => {
  const door = await startDoor();
  try {
    const { inputs, open } = gate();
    const file = await fileOf({ inputs });
    const watching = begin('run', 'hello', '--app', 'restarted', '--input', file, '--url', door.url);
    await watching.prints(/^repeat +blocked/m);
    door.shut();
    await stack.leave();
    stack = await Stack.start({ folder: stack.folder, flags: ['--no-emulator'] });
    Object.assign(door, { target: stack.port, open: true });
    await open();
    assert.equal((await watching.ended).code, 0, watching.output + watching.errors);
    assert.match(watching.output, /^repeat +done/m);
  } finally {
    door.close();
  }
});

// The last ones, for they send more than nginx lets one address send: it makes whoever comes after them wait.

test('two runs of one app at once: which ends well has made what it was given', async () => {
  for (let round = 0; round < 15; round++) {
    const words = ['one', 'two'].map((word) => `${word}-${round}`);
    const one = (text) => run('both', 'hello', { inputs: { greet: { text } } }, '--json');
    const results = await Promise.all(words.map(one));
    results.forEach((result, i) => {
      if (result.code === 0) assert.deepEqual(outputs(result), { greet: words[i], repeat: `again: ${words[i]}` });
      else assert.match(result.stderr, /different inputs?|another client/, result.stderr);
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
      else assert.match(result.stderr, /configured again|different inputs?|another client/, result.stderr);
    });
  }
});
