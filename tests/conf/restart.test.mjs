// What the programs have written survives a restart of a redis-server with conf/redis as shipped, and a server where it
// would not is complained of.
//
// covers: src/store/server.c
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build, until } from '../integration/stack.mjs';
import { cgi } from '../harness/cgi.mjs';
import { RedisServer, TESTER } from '../harness/redis.mjs';

const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../..');
const folder = mkdtempSync(path.join(tmpdir(), 'slipway-restart-'));
let redis;

const get = (uri) => cgi(redis.flags('slipway-api'), 'GET', uri);
const post = (body) => cgi(redis.flags('slipway-api'), 'POST', '/api/deploy', JSON.stringify(body));
const status = () => get('/api/deploy?appId=kept&workflowId=hello&actionId=greet').body;
const doctor = (...words) =>
  spawnSync(path.join(build, 'slipway'), ['doctor', ...words, ...redis.flags('slipway-verify')], { encoding: 'utf8' });
const keys = () => redis.cli(TESTER, 'KEYS', 'slipway:{0}:app:default:kept:*').split('\n').sort();

before(async () => {
  redis = (await new RedisServer(folder).start()).loadFunctions();
});
after(async () => {
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('a finished run, the payload and the ledger are there after Redis was stopped and started', async () => {
  const worker = spawn(path.join(build, 'slipway-worker'), redis.flags('slipway-worker'), { stdio: 'ignore' });
  const ended = new Promise((resolve) => { worker.once('exit', resolve); });
  const app = { appId: 'kept' };
  assert.equal(post({ ...app, mode: 'configure', config: { place: 'here' } }).status, 200);
  const step = { workflowId: 'hello', actionId: 'greet', inputs: { greet: { text: 'hello' } } };
  for (const force of [false, true]) { // the second one puts the first into the history
    assert.equal(post({ ...app, ...step, mode: 'trigger', force }).status, 202);
    await until(() => status().status === 'done', 'the run is done');
  }
  redis.cli(TESTER, 'EVAL', "redis.call('HSET', KEYS[1], 'a', '{}') redis.call('HSET', KEYS[1], 'b', '{}')",
    '1', 'slipway:{0}:app:default:kept:ledger');
  worker.kill('SIGTERM');
  await ended;
  const stored = keys();
  // The run, the payload, the ledger, the events, the history, and the list of steps.
  assert.equal(stored.length, 6, `${stored}`);

  await redis.stop();
  await redis.start();
  const found = status();
  assert.equal(found.status, 'done', JSON.stringify(found));
  assert.deepEqual(keys(), stored);
  assert.equal(redis.cli('slipway-ops', 'HGET', 'slipway:{0}:app:default:kept:payload', 'config'), '{"place":"here"}');
  assert.equal(redis.cli('slipway-ops', 'HKEYS', 'slipway:{0}:app:default:kept:ledger'), 'a\nb');
});

test('nobody can log in as the default user, with a password or without', () => {
  for (const words of [['PING'], ['AUTH', ''], ['AUTH', 'default', ''], ['AUTH', 'default', 'default']]) {
    const done = spawnSync('redis-cli', ['-s', redis.socket, ...words], { encoding: 'utf8' });
    assert.match(done.stdout + done.stderr, /NOAUTH|WRONGPASS/, words.join(' '));
  }
  assert.match(redis.cli(TESTER, 'ACL', 'GETUSER', 'default'), /^flags\noff\n[^]*passwords\n\ncommands/);
});

test('a default user who may not replay what is in the append-only file is complained of', () => {
  assert.equal(get('/readyz').status, 200);
  assert.match(doctor().stdout, /^ok +durability/m);
  for (const rights of [['-@all'], ['+@all', '-hset'], ['+@all', 'resetkeys', '~other:*']]) {
    redis.cli(TESTER, 'ACL', 'SETUSER', 'default', 'off', ...rights);
    const { status: code, body } = get('/readyz');
    assert.equal(code, 503, `${rights}`);
    assert.match(body.detail, /replays its append-only file as the user 'default'/);
    assert.match(body.remedy.text, /user default off resetpass ~\* &\* \+@all/);
    const found = doctor();
    assert.equal(found.status, 1);
    assert.match(found.stdout, /^fault +durability .*a restart loses accepted runs/m);
    redis.cli(TESTER, 'ACL', 'SETUSER', 'default', 'off', 'resetpass', '~*', '&*', '+@all');
  }
  assert.equal(get('/readyz').status, 200);
});

// The commands that the check asks about, and those that scripts have left in the file, read as Redis' protocol.
test('what the check asks about is all that the programs have written into the append-only file', () => {
  const source = readFileSync(path.join(root, 'src/store/server.c'), 'utf8');
  const asked = new Set([...source.matchAll(/^\t\{ "([A-Z]+)",.* REPLAYED_KEY/gm)].map((match) => match[1]));
  const files = path.join(folder, 'redis/appendonlydir');
  const written = new Set();
  for (const name of readdirSync(files).filter((file) => file.endsWith('.aof'))) {
    const text = readFileSync(path.join(files, name), 'latin1');
    for (const [, word] of text.matchAll(/\*\d+\r\n\$\d+\r\n([A-Za-z]+)\r\n/g)) written.add(word.toUpperCase());
  }
  for (const word of ['MULTI', 'EXEC', 'SELECT']) written.delete(word);
  assert.ok(written.has('HSET') && written.has('XADD'), [...written].join(' '));
  const scripts = path.join(root, 'src/store/scripts');
  // An expiry stands in the file as PEXPIREAT.
  const reads = new RegExp('^(H?M?GET(ALL)?|HEXISTS|HKEYS|HVALS|HRANDFIELD|LINDEX|LRANGE|[HLX]LEN|ZCARD|ZSCORE|ZRANK|' +
    'MEMORY|EXISTS|TIME|TTL|TYPE|X?Z?RANGE\\w*|ZREVRANGE|P?EXPIRE)$');
  for (const name of readdirSync(scripts).filter((file) => file.endsWith('.lua'))) {
    const text = readFileSync(path.join(scripts, name), 'utf8');
    for (const [, word] of text.matchAll(/redis\.p?call\('([A-Z]+)'/g)) if (!reads.test(word)) written.add(word);
  }
  const missing = [...written].filter((word) => !asked.has(word));
  assert.deepEqual(missing, [], 'add them to `replayed` in src/store/server.c');
});
