// conf/redis and conf/dev/redis.conf.in, tried on a private redis-server: it starts, and each user may do its own only.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { RedisServer, TESTER } from '../harness/redis.mjs';
import { freePort, until } from '../integration/stack.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const directory = mkdtempSync(path.join(tmpdir(), 'slipway-redis-'));
let redis;

function redisCli(user, ...command) {
  if (user) return redis.cli(user, ...command);
  const done = spawnSync('redis-cli', ['-s', redis.socket, ...command], { encoding: 'utf8' });
  return (done.stdout + done.stderr).trim();
}

const allowed = (user, ...command) =>
  assert.doesNotMatch(redisCli(user, ...command), /^(NOPERM|WRONGPASS|NOAUTH|ERR)/, `${user}: ${command.join(' ')}`);
const denied = (user, ...command) =>
  assert.match(redisCli(user, ...command), /^NOPERM/, `${user}: ${command.join(' ')}`);

before(async () => {
  const conf = path.join(directory, 'conf');
  mkdirSync(path.join(directory, 'log'));
  mkdirSync(conf);
  const template = readFileSync(path.join(ROOT, 'conf/dev/redis.conf.in'), 'utf8');
  const lines = [template.replaceAll('@DIR@', directory).replaceAll('@CONF@', conf)];
  redis = new RedisServer(directory, { lines });
  copyFileSync(path.join(ROOT, 'conf/redis/slipway.conf'), path.join(conf, 'redis-slipway.conf'));
  copyFileSync(redis.users.acl, path.join(conf, 'users.acl'));
  await redis.start();
});

after(async () => {
  await redis.stop();
  rmSync(directory, { recursive: true, force: true });
});

test('the settings that promises rest on are in force', () => {
  for (const [name, value] of [['appendonly', 'yes'], ['appendfsync', 'always'], ['maxmemory-policy', 'noeviction'],
    ['unixsocketperm', '700'], ['stream-node-max-bytes', '512'], ['port', '0'], ['save', '']]) {
    assert.equal(redisCli('slipway-ops', 'CONFIG', 'GET', name), `${name}\n${value}`.trim());
  }
});

test('nobody gets in without a password, or as shipped', () => {
  assert.match(redisCli(null, 'PING'), /NOAUTH/);
  const users = readFileSync(path.join(ROOT, 'conf/redis/users.acl'), 'utf8');
  assert.doesNotMatch(users, /nopass| [>#]/);
});

// A library of one function.
const library = (name, body) => `#!lua name=${name}
redis.register_function('${name}', function(KEYS, ARGV) ${body} end)`;

const READINESS = [['CONFIG', 'GET', 'maxmemory-policy'], ['INFO', 'memory'], ['CLIENT', 'SETNAME', 'x'],
  ['SELECT', '0'], ['ACL', 'DRYRUN', 'default', 'PING']];
const DANGEROUS = [['FLUSHALL'], ['FLUSHDB'], ['KEYS', '*'], ['SCAN', '0'], ['CONFIG', 'SET', 'appendonly', 'no'],
  ['EVAL', 'return 1', '0'], ['EVALSHA', '0'.repeat(40), '0'], ['SCRIPT', 'LOAD', 'return 1'], ['SCRIPT', 'FLUSH'],
  ['FUNCTION', 'FLUSH'], ['FUNCTION', 'DELETE', 'reads'], ['FUNCTION', 'KILL'], ['SHUTDOWN'], ['ACL', 'LIST'],
  ['ACL', 'GETUSER', 'default'], ['PUBLISH', 'x', 'y'], ['BZPOPMIN', 'slipway:{0}:delayed', '1'],
  ['CLIENT', 'KILL', 'ID', '1'], ['MONITOR']];

test('slipway-worker has what scripts, the queue and readiness need, below slipway: only', () => {
  const user = 'slipway-worker';
  allowed(user, 'XADD', 'slipway:{0}:dead', '*', 'app', 'a');
  allowed(user, 'RPUSH', 'slipway:{0}:bell', '1');
  allowed(user, 'BLPOP', 'slipway:{0}:bell', '0.01');
  allowed(user, 'ZPOPMIN', 'slipway:{0}:begun');
  const script = `redis.call('TIME'); redis.call('HSET', KEYS[1], 'a', 1); redis.call('EXPIRE', KEYS[1], 9)
    redis.call('ZADD', KEYS[2], 1, 'a'); redis.call('SET', KEYS[3], 1, 'PX', 9); redis.call('DEL', KEYS[3])
    redis.call('XTRIM', KEYS[4], 'MAXLEN', 9); return redis.call('HGETALL', KEYS[1])`;
  allowed(user, 'FUNCTION', 'LOAD', library('writes', script));
  allowed(user, 'FCALL', 'writes', '4', 'slipway:{0}:app:default:a:w:s', 'slipway:{0}:delayed', 'slipway:limit:x:y',
    'slipway:{0}:dead');
  for (const command of READINESS) allowed(user, ...command);
  denied(user, 'SET', 'other', '1');
  denied(user, 'FCALL', 'writes', '1', 'other');
  // A key that a script does not declare is checked too.
  allowed(user, 'FUNCTION', 'LOAD', library('reads', "return redis.call('GET', 'other')"));
  assert.match(redisCli(user, 'FCALL', 'reads', '0'), /can't access|NOPERM/i);
  for (const command of DANGEROUS) denied(user, ...command);
});

const STEP = 'slipway:{0}:app:default:a:w:s';
const own = (what) => `slipway:{0}:app:default:a:${what}`;

test('slipway-api has what its requests write, and no other command or key', () => {
  const user = 'slipway-api';
  for (const command of [['HSET', STEP, 'status', 'done'], ['HSET', own('w:_deployment'), 'status', 'done'],
    ['HINCRBY', own('payload'), 'version', '1'], ['LPUSH', own('events'), 'x'], ['LPUSH', own('history'), 'x'],
    ['ZADD', 'slipway:{0}:ready:default:a', '1', 'w:s'], ['RPUSH', 'slipway:{0}:bell', '1'], ['DEL', STEP],
    ['XADD', 'slipway:{0}:changes', '*', 'a', 'b'], ['SETNX', 'slipway:{0}:layout', '7'],
    ['HINCRBY', 'slipway:{0}:tenant:default:used', 'live', '1'],
    ['SET', 'slipway:{0}:tenant:default:requests', '1', 'PX', '9'],
    ['RPUSH', 'slipway:audit', '{}'], ['HGETALL', own('ledger')], ['PERSIST', own('ledger')],
    ['XREAD', 'BLOCK', '1', 'STREAMS', 'slipway:{0}:changes', '$'], ...READINESS]) {
    allowed(user, ...command);
  }
  for (const command of [
    ['HSET', own('ledger'), 'github:repository:a/b', '{}'], ['HDEL', own('ledger'), 'x'], ['DEL', own('ledger')],
    ['EXPIRE', own('ledger'), '1'], ['RENAME', STEP, own('ledger')], ['COPY', STEP, own('ledger')],
    ['HSET', own('makers'), 'a', 'b'], ['SET', 'slipway:owner:github:repository:1', 'default:a 1'],
    ['GET', 'slipway:owner:github:repository:1'], ['HSET', 'slipway:limit:github:x', 'a', '1'],
    ['HSET', 'slipway:outage:github', 'a', '1'], ['ZADD', 'slipway:pace:github', '1', 'a'],
    ['HSET', 'slipway:workers', 'a', '{}'], ['HSET', 'slipway:definitions', 'a', 'b'],
    ['HSET', 'slipway:token:x', 'hash', 'y'], ['DEL', 'slipway:token:x'], ['LPOP', 'slipway:audit'],
    ['LTRIM', 'slipway:audit', '1', '0'], ['LRANGE', 'slipway:audit', '0', '-1'],
    ['SET', 'slipway:{0}:layout', '99'], ['DEL', 'slipway:{0}:layout'], ['HSET', 'slipway:{0}:paused', 'app:a', '1'],
    ['HINCRBY', 'slipway:{0}:running', 'app:a', '999'], ['DEL', 'slipway:{0}:ready'], ['DEL', own('payload')],
    ['ZREMRANGEBYRANK', 'slipway:{0}:live', '0', '-1'], ['DEL', own('history')],
    ['DEL', 'slipway:{0}:tenant:default:used'], ['HSET', 'slipway:{0}:tenant:default:requests', 'a', 'b'],
    ['XTRIM', own('events'), 'MAXLEN', '0'],
    ['XADD', 'slipway:{0}:dead', '*', 'a', 'b'], ['BLPOP', 'slipway:{0}:bell', '1'], ['BZPOPMIN', STEP, '1'],
    ['XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 'slipway:{0}:changes', '>'], ['WAIT', '1', '0'],
    ['FUNCTION', 'LOAD', library('own', 'while true do end')], ['FUNCTION', 'LIST'], ['SORT', STEP],
    ['LCS', STEP, STEP], ['APPEND', STEP, 'x'], ['SETRANGE', STEP, '536870911', 'x'],
    ['SETBIT', STEP, '4294967295', '1'],
    ['HSET', 'other', 'a', 'b'], ['SET', STEP, 'x'], ['MIGRATE', 'h', '1', STEP, '0', '1'], ['RESTORE', STEP, '0', 'x'],
    ['SWAPDB', '0', '1'], ['REPLICAOF', 'h', '1'], ['CLIENT', 'PAUSE', '1000'],
    ['SUBSCRIBE', 'x'], ['MULTI'], ['OBJECT', 'ENCODING', STEP], ['MEMORY', 'USAGE', STEP], ...DANGEROUS]) {
    denied(user, ...command);
  }
});

test('what slipway-api calls may do no more than it may itself', () => {
  const script = "return redis.call('HSET', KEYS[1], 'github:repository:a/b', '{}')";
  allowed('slipway-worker', 'FUNCTION', 'LOAD', library('forges', script));
  assert.match(redisCli('slipway-api', 'FCALL', 'forges', '1', own('ledger')), /can't access|NOPERM/i);
  assert.equal(redisCli(TESTER, 'EXISTS', own('ledger')), '0');
  denied('slipway-api', 'FCALL', 'forges', '1', 'slipway:owner:github:repository:1');
});

test('slipway-verify may do all that `slipway verify --repair` and `slipway doctor` do', async () => {
  const port = await freePort();
  const folder = path.join(directory, 'tcp');
  mkdirSync(folder);
  const server = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '',
    '--appendonly', 'yes', '--aclfile', redis.users.acl], { stdio: 'ignore' });
  const ask = (user, ...words) => spawnSync(path.join(ROOT, 'build/slipway'), [...words, '--redis-url',
    `redis://${user}@127.0.0.1:${port}`, '--redis-password-file', redis.users.passwordFile(user)],
  { encoding: 'utf8' });
  const end = Date.now() + 60_000;
  let found = ask('slipway-verify', 'verify');
  while (found.status === 69 && Date.now() < end) found = ask('slipway-verify', 'verify');
  assert.equal(found.status, 0, found.stdout + found.stderr);
  const write = spawnSync('redis-cli', ['-p', String(port), '--user', TESTER, '--no-auth-warning', 'EVAL',
    `redis.call('HSET', KEYS[1], 'app', 'a', 'workflow', 'w', 'action', 's', 'run', 'r', 'status', 'running',
      'phase', 'queued', 'run_deadline', '9999999999999')
    redis.call('ZADD', KEYS[2], 1, 'no sense')`, '2', 'slipway:{0}:app:default:a:w:s', 'slipway:{0}:begun'],
  { encoding: 'utf8', env: { ...process.env, REDISCLI_AUTH: redis.users.password(TESTER) } });
  assert.equal(write.status, 0, write.stdout + write.stderr);
  assert.equal(ask('slipway-verify', 'verify').status, 1);
  const repaired = ask('slipway-verify', 'verify', '--repair');
  assert.equal(repaired.status, 0, repaired.stdout + repaired.stderr);
  const told = ask('slipway-verify', 'doctor').stdout;
  assert.doesNotMatch(told, /NOPERM|no permissions/);
  const ended = new Promise((resolve) => server.on('exit', resolve));
  server.kill('SIGTERM');
  await ended;
});

test('slipway-ops reads and changes nothing', () => {
  for (const command of [['HGETALL', 'slipway:workers'], ['ZRANGE', 'slipway:{0}:ready', '0', '-1'],
    ['XRANGE', 'slipway:{0}:dead', '-', '+'], ['ZRANGE', 'slipway:{0}:delayed', '0', '-1'], ['SCAN', '0'],
    ['TTL', 'slipway:workers'], ['INFO'], ['CLIENT', 'LIST'], ['SLOWLOG', 'GET'],
    ['FUNCTION', 'LIST', 'LIBRARYNAME', 'slipway_*'], ['MEMORY', 'USAGE', 'slipway:{0}:ready']]) {
    allowed('slipway-ops', ...command);
  }
  for (const command of [['HSET', 'slipway:workers', 'a', '1'], ['DEL', 'slipway:workers'], ['GET', 'other'],
    ['EVAL', 'return 1', '0'], ['FUNCTION', 'FLUSH'], ['FCALL', 'f', '0'],
    ['XADD', 'slipway:{0}:dead', '*', 'a', 'b'], ['FLUSHALL'], ['CONFIG', 'SET', 'appendonly', 'no'],
    ['CLIENT', 'KILL', 'ID', '1'], ['MONITOR']]) {
    denied('slipway-ops', ...command);
  }
});

// A read that never ends, as a mistake in a script would be.
async function busyRedis() {
  redisCli(TESTER, 'CONFIG', 'SET', 'busy-reply-threshold', '50');
  allowed('slipway-worker', 'FUNCTION', 'LOAD', library('endless', 'while true do end'));
  const loop = spawn('redis-cli', ['-s', redis.socket, '--user', 'slipway-worker', '--no-auth-warning', 'FCALL',
    'endless', '0'], { env: { ...process.env, REDISCLI_AUTH: redis.users.password('slipway-worker') } });
  let said = '';
  loop.stdout.on('data', (bytes) => { said += bytes; });
  const ended = new Promise((resolve) => { loop.once('close', () => resolve(said)); });
  await until(() => /^BUSY/.test(redisCli('slipway-ops', 'GET', 'slipway:x')), 'Redis is busy');
  return { ended };
}

test('slipway-rescue ends a script that never ends, sees and kills clients, and reaches no key', async () => {
  const { ended } = await busyRedis();
  await until(() => redisCli('slipway-rescue', 'FUNCTION', 'KILL') === 'OK', 'the script is killed');
  assert.match(await ended, /Script killed by user/);
  allowed('slipway-ops', 'GET', 'slipway:x');
  assert.match(redisCli('slipway-rescue', 'SCRIPT', 'KILL'), /^NOTBUSY/);
  assert.match(redisCli('slipway-rescue', 'CLIENT', 'LIST'), /user=slipway-rescue/);
  assert.equal(redisCli('slipway-rescue', 'CLIENT', 'KILL', 'ID', '9999999'), '0');
  for (const command of [['GET', 'slipway:x'], ['HGETALL', 'slipway:workers'], ['SET', 'slipway:x', '1'], ['KEYS', '*'],
    ['SCAN', '0'], ['EVAL', 'return 1', '0'], ['FUNCTION', 'LIST'], ['SCRIPT', 'FLUSH'], ['CONFIG', 'GET', '*'],
    ['ACL', 'LIST'], ['SHUTDOWN'], ['FLUSHALL'], ['MONITOR']]) {
    denied('slipway-rescue', ...command);
  }
});
