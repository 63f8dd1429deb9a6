// An executor that somebody has taken over asks for tokens of a GitHub App by questions of its own making, over the
// channel of the real worker: what it gets, what operators are told of it, and that it holds up nobody else.
//
// covers: src/worker/answers.c src/worker/service.c src/worker/mint_order.c src/worker/minters.c src/worker/alarm.c
import test, { before, after, beforeEach } from 'node:test';
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Hostile } from './hostile.mjs';
import { childrenOf, slipway, until } from './stack.mjs';

const TOKENS_MAX = 256; // of one attempt
const TRIES = 3; // of a run whose executors end amid it
const RUN_FINISH = 3; // as the executor's result says it
const READ = { contents: 'read', metadata: 'read' };
const hostile = new Hostile();
let stack;
let peer;
let worker;
let pem;

const isMint = ({ path: called }) => called.endsWith('/access_tokens');
const minted = () => peer.calls.filter(isMint).map(({ body }) => JSON.parse(body));

// As GitHub does, for whatever the app has asked for.
function make(call, response) {
  const { repositories = [] } = JSON.parse(call.body);
  const expires = new Date(Date.now() + 3600 * 1000).toISOString().replace(/\.\d+/, '');
  peer.send(response, 201, {
    token: `ghs_${randomBytes(12).toString('hex')}`, expires_at: expires,
    repositories: repositories.map((name) => ({ full_name: `acme/${name}` })),
  });
}

const redisUrl = () => `unix://${stack.folder}/redis.sock`;

async function connect(name, ...flags) {
  const conf = await readFile(path.join(stack.folder, 'conf', 'secrets.conf'), 'utf8');
  const made = await slipway('connection', 'add', name, '--tenant', 'default', '--provider', 'github', '--installation',
    '7', '--app-id', 'Iv1.own', '--app-key-file', pem, '--replace', '--redis-url', redisUrl(),
    '--secrets-public-key', conf.trim().split('=')[1], ...flags);
  assert.equal(made.code, 0, made.stderr);
}

before(async () => {
  await hostile.start();
  ({ stack, peer, worker } = hostile);
  peer.intercept = (call, response) => {
    if (isMint(call)) make(call, response);
    return isMint(call);
  };
  pem = path.join(stack.folder, 'own.pem');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await writeFile(pem, privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });
  await connect('narrow', '--repository', 'acme/docs', '--app', 'mine*', '--default');
  await connect('wide', '--owner', '*', '--app', 'other');
});
after(() => hostile.stop());
beforeEach(() => { peer.calls = []; });

// A question as an honest executor asks it, or with other members.
const question = (members = {}) => JSON.stringify({
  kind: 'mint', provider: 'github', owner: 'acme', repository: 'docs', permissions: READ, time_left_ms: 20000,
  key: randomBytes(32).toString('base64url'), ...members,
});

const begin = (app, messages, rest = {}) =>
  stack.trigger(app, 'hostile', 'ask', { inputs: { ask: { messages, ...rest } }, force: true });
const ended = (app) => stack.untilStatus(app, 'hostile', 'ask', ({ status }) => status !== 'running');

// What the supervisor has replied to each.
async function ask(app, messages, rest) {
  const begun = await begin(app, messages, rest);
  assert.equal(begun.status, 202, JSON.stringify(begun.body));
  const status = await ended(app);
  assert.equal(status.status, 'done', JSON.stringify(status));
  return status.output.replies.map((text) => JSON.parse(text));
}

const alarms = () => worker.log().split('\n').filter((line) => line.includes('event="run refused what it asked for"'));

const childOf = async (name) => (await childrenOf(worker.pid)).find((child) => child.name === name)?.pid;

test('what its run may have it gets, for that repository and with those permissions alone', async () => {
  const [reply] = await ask('mine', [question()]);
  assert.equal(reply.class, undefined, JSON.stringify(reply));
  assert.ok(reply.text.length > 100, JSON.stringify(reply));
  assert.doesNotMatch(reply.text, /ghs_/);
  assert.deepEqual(minted(), [{ permissions: READ, repositories: ['docs'] }]);
});

// Each with what it wants to get at.
const REFUSED = {
  'a repository that is not listed': { repository: 'payroll' },
  'one of another owner': { owner: 'other' },
  'all repositories': { owner: undefined, repository: undefined },
  'all repositories, by empty names': { owner: '', repository: '' },
  'a wider grant, spelled out in the name of a repository': { repository: 'docs, contents: read' },
  'one beside that which is listed': { repository: '../payroll' },
  'an owner with a name': { owner: 'acme/docs', repository: 'payroll' },
  'a line of the log': { repository: 'docs\nlevel=info event=forged' },
  'the same name in other letters': { repository: 'd\u00f6cs' },
  'a permission that the action does not name': { permissions: { ...READ, administration: 'write' } },
  'more of one that it names': { permissions: { contents: 'write' } },
  'all permissions': { permissions: undefined },
  'all permissions, by an empty list': { permissions: {} },
  'the page, with another permission': { wants_page: true, permissions: { administration: 'write' } },
  'the connection of another app': { name: 'wide' },
  'a provider that its action does not call': { provider: 'vercel' },
  'a provider that is none': { provider: '../github' },
  'an answer to no key': { key: 'k'.repeat(300) },
};

test('whatever else it asks for is refused, and GitHub is asked for nothing', async () => {
  const replies = await ask('mine', Object.values(REFUSED).map(question));
  assert.equal(replies.length, Object.keys(REFUSED).length);
  Object.keys(REFUSED).forEach((what, i) => {
    const shown = `${what}: ${JSON.stringify(replies[i])}`;
    assert.match(replies[i].class ?? 'none', /^(not_allowed|internal|auth_missing)$/, shown);
    assert.equal(replies[i].text, undefined, what);
  });
  assert.deepEqual(minted(), []);
});

// As the minter names what it has made, for people to read.
test('a name that spells out a wider grant gets no token that was made for that', async () => {
  await stack.post({ mode: 'configure', appId: 'other', connections: { github: 'wide' } });
  const [wide, spelled] = await ask('other', [
    question(), question({ repository: 'docs, contents: read', permissions: { metadata: 'read' } }),
  ]);
  assert.ok(wide.text.length > 100, JSON.stringify(wide));
  assert.equal(spelled.class, 'not_allowed', JSON.stringify(spelled));
});

test('a repository that may be missing is no way to a token for all, nor is what is only checked', async () => {
  const { intercept } = peer;
  peer.intercept = (call, response) => {
    const { repositories = [] } = JSON.parse(call.body || '{}');
    if (call.path === '/app/installations/7') peer.send(response, 200, { permissions: { ...READ, secrets: 'write' } });
    else if (repositories.includes('gone')) peer.send(response, 422, { message: 'a repository does not exist' });
    else return intercept(call, response);
    return true;
  };
  const gone = { owner: 'other', repository: 'gone' };
  const [missing, checked, more] = await ask('other', [
    question({ ...gone, may_be_missing: true }), question({ checks: true }),
    question({ checks: true, permissions: { secrets: 'write' } }),
  ]);
  peer.intercept = intercept;
  assert.equal(missing.class, 'scope_missing', JSON.stringify(missing));
  assert.deepEqual([checked.class, checked.text], [undefined, undefined], JSON.stringify(checked));
  assert.equal(more.class, 'not_allowed', JSON.stringify(more));
  assert.deepEqual(minted(), [
    { permissions: READ, repositories: ['gone'] }, { permissions: { metadata: 'read' }, repositories: ['docs'] },
  ]);
});

test('an app that the connection does not list gets nothing by it', async () => {
  const [reply] = await ask('stranger', [question()]);
  assert.equal(reply.class, 'not_allowed', JSON.stringify(reply));
  // As every app that names a connection which an operator has not given to it.
  assert.ok(alarms().every((line) => !line.includes('app=stranger')), alarms().join('\n'));
  assert.deepEqual(minted(), []);
});

test('operators are told of it once for each attempt, by the log and the audit', async () => {
  const before = alarms().length;
  await ask('mine', Array.from({ length: 50 }, () => question({ repository: 'payroll\nlevel=info' })));
  await until(() => alarms().length > before, 'the log has it');
  await ask('mine', [question()]);
  const told = alarms().slice(before);
  assert.equal(told.length, 1, told.join('\n'));
  assert.match(told[0], /^time=\S+ level=error .*app=mine .*step=ask .*class=not_allowed .*payroll/);
  const audit = await slipway('audit', '--redis-url', redisUrl(), '--json');
  const entries = audit.stdout.split('\n').filter((line) => line.includes('payroll level=info'));
  assert.equal(entries.length, 1, audit.stdout + audit.stderr);
  assert.match(entries[0], /"class":"not_allowed"/);
  assert.match(entries[0], /"appId":"mine"/);
});

test('a secret that the input does not name is not given, and operators are told', async () => {
  const set = await stack.post({ mode: 'configure', appId: 'mine', secrets: { KEY: 'a-secret-of-some-length' } });
  assert.equal(set.status, 200, JSON.stringify(set.body));
  const before = alarms().length;
  const key = randomBytes(32).toString('base64url');
  const [reply] = await ask('mine', [JSON.stringify({ kind: 'secret', name: 'KEY', key })]);
  assert.equal(reply.class, 'not_allowed', JSON.stringify(reply));
  assert.equal(reply.text, undefined);
  const isTold = () => /app=mine .*does not refer to the secret 'KEY'/.test(alarms().slice(before).join('\n'));
  await until(isTold, 'the log has it');
});

test('no question is so large that the keeper ends by it', async () => {
  const keeper = await childOf('slipway-keeper');
  const [reply] = await ask('mine', [question({ key: '@' })], { stuff: 'kkkkkkkk', times: 1600000 });
  assert.notEqual(reply.class, undefined, JSON.stringify(reply));
  assert.equal(reply.text, undefined);
  assert.equal(await childOf('slipway-keeper'), keeper);
  assert.doesNotMatch(worker.log(), /keeper ended/);
});

test('one that asks without end is refused in the end, and others are served meanwhile', async () => {
  const replies = begin('mine', [question({ refresh: true })], { repeats: 10000 });
  await until(() => minted().length > 20, 'it asks');
  await connect('second', '--repository', 'acme/docs', '--app', 'honest');
  await stack.post({ mode: 'configure', appId: 'honest', connections: { github: 'second' } });
  const [reply] = await ask('honest', [question()]);
  assert.ok(reply.text.length > 100, JSON.stringify(reply));
  await replies;
  const status = await ended('mine');
  assert.equal(status.status, 'done', JSON.stringify(status));
  assert.equal(JSON.parse(status.output.replies[0]).class, 'internal');
  assert.ok(minted().length <= TOKENS_MAX + 1, String(minted().length));
});

const END = { kind: 'result', write: RUN_FINISH, status: 'done', output: '{"replies":[]}' };
const DONE = JSON.stringify(END);
const LEAVES = JSON.stringify({ ...END, leaves: true });

// What it says without waiting for replies, why it is killed, and what becomes of its run.
const VIOLATIONS = {
  'a question before the one before it is answered': [[question(), question()], /it says more while/, 'error'],
  'the end of its run amid a question': [[question(), DONE], /it says more while/, 'error'],
  'a question after the end of its run': [[DONE, question()], /without a run/, 'done'],
  'that it is ready after its last run': [[LEAVES, '{"kind":"ready"}'], /without a run/, 'done'],
  'what is no message': [['{"kind":'], /cannot be read/, 'error'],
};

for (const [i, [what, [messages, why, status]]] of Object.entries(VIOLATIONS).entries()) {
  test(`it is killed for ${what}, and heard no more`, async () => {
    const from = worker.log().length;
    const since = () => worker.log().slice(from).split('\n');
    const killed = () => since().filter((line) => line.includes('event="executor killed"'));
    const flood = Array.from({ length: 200 }, () => question());
    const app = `mine-${i}`;
    await begin(app, [...messages, ...flood].map((text) => `-${text}`).concat(question()));
    assert.equal((await ended(app)).status, status);
    await until(() => since().some((line) => line.includes('event="executor ended"')), 'it has ended');
    assert.ok(killed().length >= 1 && killed().length <= TRIES, killed().join('\n'));
    for (const line of killed()) assert.match(line, why);
    const [reply] = await ask('mine', [question()]);
    assert.ok(reply.text.length > 100, JSON.stringify(reply));
  });
}

test('a run whose output is no text ends with what it is, and its executor takes the next one', async () => {
  const [{ pid }] = await worker.executors();
  await begin('garbled', [], { garbles: true });
  const { error, crashes } = await ended('garbled');
  assert.equal(error.class, 'internal', JSON.stringify(error));
  assert.match(error.message, /output/);
  assert.equal(crashes, 0);
  assert.equal((await worker.executors())[0].pid, pid);
});

// Whether it says so, or has had as many runs as one may have.
const STAYING = { leaves: [LEAVES, {}], 'has had its last run': [DONE, { SLIPWAY_EXECUTOR_ACTIONS: '1' }] };
for (const [how, [end, env]] of Object.entries(STAYING)) {
  test(`one that ${how} and stays all the same is killed, and the next run has another process`, async () => {
    const other = await hostile.startWorker({ env });
    await worker.drain();
    worker = other;
    const [{ pid }] = await worker.executors();
    await begin('mine-last', [`-${end}`, '?']);
    assert.equal((await ended('mine-last')).status, 'done');
    const [reply] = await ask('mine', [question()]);
    assert.ok(reply.text.length > 100, JSON.stringify(reply));
    assert.match(worker.log(), /event="executor killed" why="it stays after its last run"/);
    assert.notEqual((await worker.executors())[0]?.pid, pid);
  });
}

// The last ones of many lines come at once with the end of the process, and of its run.
for (const [many, kept] of [[100, 100], [5000, 250]]) {
  test(`after ${many} lines of its log the end of its run is heard, and the next run has another process`, async () => {
    const other = await hostile.startWorker({ env: { SLIPWAY_EXECUTOR_ACTIONS: '1' } });
    await worker.drain();
    worker = other;
    const app = `lines-${many}`;
    await begin(app, [`-${JSON.stringify({ kind: 'log', log: 'a line' })}`], { repeats: many });
    const status = await ended(app);
    assert.equal(status.status, 'done', JSON.stringify(status));
    assert.equal(status.crashes, 0);
    const events = (await stack.redis('LRANGE', `slipway:{0}:app:default:${app}:events`, '0', '-1')).split('\n');
    const lines = events.filter((line) => line.includes(' log '));
    assert.ok(lines.length >= kept, `${lines.length} lines`);
    const [reply] = await ask('mine', [question()]);
    assert.ok(reply.text.length > 100, JSON.stringify(reply));
  });
}
