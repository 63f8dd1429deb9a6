// Polls that are held until something changes: spoken to slipway-api itself, with its own Redis and no worker, so that
// nothing changes but what a test does. What is counted is looks, as Redis sees them.
//
// covers: src/api/mode_poll.c src/api/watcher.c src/api/cgi.c src/store/changes.c src/store/scripts/changes.lua
import test from 'node:test';
import assert from 'node:assert/strict';
import path from 'node:path';
import { Stack, askedAgain, until } from './stack.mjs';
import { get, open } from './fastcgi.mjs';
import { cgi } from '../harness/cgi.mjs';
import { Redis } from '../faults/resp.mjs';

let stack;
let redis; // a connection for what is asked again and again, while a poll is held, which it is for 25 s at most
test.before(async () => {
  stack = await Stack.start({ flags: ['--no-emulator', '--no-worker', '--processes', '1'] });
  redis = new Redis(path.join(stack.folder, 'redis.sock'));
});
test.after(async () => {
  redis.close();
  await stack.stop();
});

const CHANGES = 'slipway:{0}:changes';
const query = (appId, more = {}) => new URLSearchParams({ appId, workflowId: 'hello', ...more }).toString();

async function poll(appId, more = {}, headers = {}) {
  const { status, headers: told, body } = await stack.get(`/api/deploy?${query(appId, more)}`, headers);
  const etag = told.get('etag');
  return { status, etag, tag: etag?.slice(1, -1), body };
}

// How often a poll looks at first, whether it is held then or not: it is the same each time.
async function costOf(appId, more = {}) {
  for (let last, same = 0; ;) {
    const before = await looks();
    await poll(appId, more);
    const cost = (await looks()) - before;
    same = cost === last ? same + 1 : 0;
    if (same === 2) return cost;
    last = cost;
  }
}

// A poll that is to be held; `answered` tells whether its answer has come. Where the status has changed just then, for
// a run soon says why it waits, another one is.
async function hold(appId, more = {}) {
  for (;;) {
    const cost = await costOf(appId, more);
    const { tag } = await poll(appId, more);
    const before = await looks();
    const held = { answered: false };
    held.answer = poll(appId, { since: tag, wait: '25', ...more }).then((answer) => {
      held.answered = true;
      return answer;
    });
    const isHeld = async () => (await looks()) >= before + cost && (await watching()) >= 1;
    await until(async () => held.answered || (await isHeld()), 'it is held');
    if (!held.answered) return held;
  }
}

// Connections that wait in XREAD: the watcher's.
async function watching() {
  const clients = await redis.command('CLIENT', 'LIST');
  return clients.split('\n').filter((line) => /cmd=xread/.test(line)).length;
}

async function looks() {
  return Number(/cmdstat_hmget:calls=(\d+)/.exec(await redis.command('INFO', 'commandstats'))?.[1] ?? 0);
}

// Whether the watcher has read all changes so far: it waits for the next one.
async function hasReadAll() {
  const clients = await redis.command('CLIENT', 'LIST');
  return clients.split('\n').some((line) => / flags=\w*b\w* .* cmd=xread /.test(line));
}

// Until nobody looks at anything any more, while a poll is held: the one handler does so in the turns in which it
// answers this, however slow it is.
async function settled() {
  const socket = await open(path.join(stack.folder, 'api.sock'));
  let last = -1;
  for (let same = 0; same < 20;) {
    assert.match(await get(socket, '/healthz'), /^Status: 200/);
    const now = await looks();
    same = now === last && (await hasReadAll()) ? same + 1 : 0;
    last = now;
  }
  socket.destroy();
  return last;
}

const trigger = (appId) =>
  stack.post({ mode: 'trigger', appId, workflowId: 'hello', actionId: 'greet', inputs: INPUTS });
const INPUTS = { greet: { text: 'hello' } };

test('a poll is answered by the change, with what has changed, and not before', async () => {
  const held = await hold('acme');
  await settled();
  assert.equal(held.answered, false);
  assert.equal((await trigger('acme')).status, 202);
  const { status, body } = await held.answer;
  assert.equal(status, 200);
  assert.equal(body.actions[0].status, 'running');
});

test('a change of another app wakes nobody: nobody looks', async () => {
  const held = await hold('quiet');
  const before = await settled();
  await stack.redis('XADD', CHANGES, '*', 'a', 'elsewhere');
  await stack.redis('XADD', CHANGES, '*', 'a', 'default:quie');
  assert.equal(await settled(), before);
  assert.equal(held.answered, false);
  await stack.redis('XADD', CHANGES, '*', 'a', 'default:quiet'); // nothing that it shows has changed
  await until(async () => (await looks()) > before, 'it was looked at');
  await settled();
  assert.equal(held.answered, false);
  await trigger('quiet');
  await held.answer;
});

test('two clients get the same change, and one that polls a single step too', async () => {
  const held = [await hold('both'), await hold('both'), await hold('both', { actionId: 'greet' })];
  await trigger('both');
  const answers = await Promise.all(held.map(({ answer }) => answer));
  assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200]);
  assert.equal(answers[0].etag, answers[1].etag);
  assert.equal(answers[2].body.status, 'running');
});

test('many that ask the same cost one look, and who knows the new state is held on', async () => {
  const first = await hold('crowd');
  const { tag } = await poll('crowd');
  const cost = await costOf('crowd');
  let before = await looks();
  const others = Array.from({ length: 20 }, () => poll('crowd', { since: tag, wait: '25' }));
  const byHeader = poll('crowd', { wait: '25' }, { 'If-None-Match': `"${tag}"` });
  await until(async () => (await looks()) >= before + 21 * cost, 'they are held');
  before = await settled();
  await stack.redis('XADD', CHANGES, '*', 'a', 'default:crowd'); // nothing that it shows has changed
  await until(async () => (await looks()) > before, 'it was looked at');
  const each = ((await settled()) - before) / 2; // one for `since`, one for the header
  const known = { deployment: 'x', version: 1 };
  await stack.redis('HSET', 'slipway:{0}:app:default:crowd:hello:_deployment', ...Object.entries(known).flat());
  const newer = await poll('crowd');
  let isHeldOn = true;
  before = await looks();
  const later = poll('crowd', { since: newer.tag, wait: '25' }).then((answer) => {
    isHeldOn = false;
    return answer;
  });
  await until(async () => (await looks()) >= before + cost, 'it is held as well');
  before = await settled();
  await stack.redis('XADD', CHANGES, '*', 'a', 'default:crowd');
  const answers = await Promise.all([first.answer, byHeader, ...others]);
  assert.deepEqual(new Set(answers.map(({ status, tag: now }) => `${status} ${now}`)), new Set([`200 ${newer.tag}`]));
  assert.equal((await settled()) - before, 3 * each);
  assert.equal(isHeldOn, true);
  await trigger('crowd');
  assert.notEqual((await later).tag, newer.tag);
});

test('a change of the deployment alone is one', async () => {
  const started = await stack.post({ mode: 'start', appId: 'whole', workflowId: 'hello', inputs: INPUTS });
  assert.equal(started.status, 202);
  const key = 'slipway:{0}:app:default:whole:hello:_deployment';
  const held = await hold('whole');
  await stack.redis('HINCRBY', key, 'version', '1');
  await stack.redis('XADD', CHANGES, '*', 'a', 'default:whole');
  assert.equal((await held.answer).status, 200);
});

test('what is no longer so is answered at once; If-None-Match stands for since, and alone makes a 304', async () => {
  const { etag, tag } = await poll('other');
  assert.equal((await poll('other', { since: '0'.repeat(32), wait: '25' })).status, 200);
  assert.equal((await poll('other', { wait: '25' })).status, 200);
  assert.equal((await poll('other', { wait: '25' }, { 'If-None-Match': '*' })).status, 304);
  const [by304, by200] = await Promise.all([
    poll('other', { wait: '1' }, { 'If-None-Match': etag }),
    poll('other', { since: tag, wait: '1' }),
  ]);
  assert.equal(by304.status, 304);
  assert.equal(by200.status, 200);
  assert.equal(by200.etag, etag);
});

test('a wait or since that is none is refused, with its place', async () => {
  const { tag } = await poll('strict');
  const wrong = [
    [{ wait: '0' }, '?wait'], [{ wait: '26' }, '?wait'], [{ wait: '' }, '?wait'], [{ wait: '1.5' }, '?wait'],
    [{ wait: '-1' }, '?wait'], [{ wait: '1', since: '' }, '?since'], [{ wait: '1', since: `"${tag}"` }, '?since'],
    [{ wait: '1', since: 'x'.repeat(32) }, '?since'], [{ wait: '1', since: `${tag}00` }, '?since'],
    [{ since: tag }, '?since'],
  ];
  for (const [more, place] of wrong) {
    const { status, body } = await poll('strict', more);
    assert.equal(status, 400, JSON.stringify(more));
    assert.equal(body.errors[0].place, place);
  }
  const inBody = await stack.post({ mode: 'poll', appId: 'strict', workflowId: 'hello', wait: 1 });
  assert.equal(inBody.status, 400);
});

test('a plain CGI program holds nothing', async () => {
  const { tag } = await poll('plain');
  const flags = ['--redis-url', `unix://${path.join(stack.folder, 'redis.sock')}`];
  const done = await askedAgain(() => cgi(flags, 'GET', `/api/deploy?${query('plain', { since: tag, wait: '25' })}`));
  assert.equal(done.status, 200, done.log);
});

test('when the connection that tells of changes is lost, nothing is missed', async () => {
  const held = await hold('lost');
  await settled();
  const clients = await stack.redis('CLIENT', 'LIST');
  const id = /^id=(\d+) .*name=slipway-api-changes/m.exec(clients)[1];
  const key = 'slipway:{0}:app:default:lost:hello:_deployment';
  await stack.redis('EVAL', `
    redis.call('HSET', KEYS[1], 'deployment', 'x', 'version', 1)
    redis.call('DEL', KEYS[2])`, '2', key, CHANGES);
  await stack.redis('CLIENT', 'KILL', 'ID', id);
  assert.equal((await held.answer).status, 200);
  await stack.redis('DEL', key);
});

test('more changes at once than the stream keeps wake everybody', async () => {
  const held = await hold('flood');
  await settled();
  await stack.redis('EVAL', `
    redis.call('HSET', KEYS[2], 'deployment', 'x', 'version', 1)
    redis.call('XADD', KEYS[1], '*', 'a', 'flood')
    for i = 1, 3000 do redis.call('XADD', KEYS[1], 'MAXLEN', '~', 1000, '*', 'a', 'a' .. i) end`,
  '2', CHANGES, 'slipway:{0}:app:default:flood:hello:_deployment');
  assert.equal((await held.answer).status, 200);
});

test('a stream that somebody has made something else ends no run, and holds nobody for longer than asked', async () => {
  await stack.redis('DEL', CHANGES);
  await stack.redis('SET', CHANGES, 'x');
  const { tag } = await poll('broken');
  const answer = poll('broken', { since: tag, wait: '1' });
  assert.equal((await trigger('broken')).status, 202);
  assert.equal((await answer).status, 200);
  await stack.redis('DEL', CHANGES);
});

test('the stream is capped, and has one entry for all that a script changes of an app', async () => {
  await stack.redis('DEL', CHANGES);
  await stack.post({ mode: 'start', appId: 'single', workflowId: 'site', inputs: {} });
  await stack.post({ mode: 'start', appId: 'single', workflowId: 'hello', inputs: INPUTS });
  assert.equal(await stack.redis('XLEN', CHANGES), '1');
  await stack.redis('EVAL', `
    for i = 1, 5000 do redis.call('XADD', KEYS[1], '*', 'a', 'x') end`, '1', CHANGES);
  await trigger('capped');
  assert.ok(Number(await stack.redis('XLEN', CHANGES)) <= 1200);
});

test('while nothing is held, changes are not read', async () => {
  await until(async () => (await watching()) === 0, 'nobody reads');
  const before = /cmdstat_xread:calls=(\d+)/.exec(await stack.redis('INFO', 'commandstats'))[1];
  await trigger('alone');
  assert.equal(/cmdstat_xread:calls=(\d+)/.exec(await stack.redis('INFO', 'commandstats'))[1], before);
});

test('a client that goes is forgotten, and the connection of one that is held is used again', async () => {
  const socket = await open(path.join(stack.folder, 'api.sock'));
  const tag = /ETag: "(\w+)"/.exec(await get(socket, '/api/deploy', { QUERY_STRING: query('again') }))[1];
  const held = get(socket, '/api/deploy', { QUERY_STRING: query('again', { since: tag, wait: '25' }) });
  const gone = await open(path.join(stack.folder, 'api.sock'));
  get(gone, '/api/deploy', { QUERY_STRING: query('again', { since: tag, wait: '25' }) }).catch(() => {});
  await until(async () => (await watching()) === 1, 'they are held');
  gone.destroy();
  await trigger('again');
  assert.match(await held, /"status":"running"/);
  assert.match(await get(socket, '/healthz'), /^Status: 200/);
  socket.destroy();
});

test('when the handlers are to stop, whoever is held gets the status as it is', async () => {
  const held = [await hold('end1'), await hold('end2'), await hold('end3')];
  await settled();
  process.kill(await stack.daemon('slipway-api'), 'SIGHUP'); // which replaces them
  for (const { answer } of held) assert.equal((await answer).status, 200);
});
