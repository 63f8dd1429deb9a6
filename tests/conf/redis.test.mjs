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

for (const user of ['slipway-api', 'slipway-worker']) {
  test(`${user} has what scripts, the queue and readiness need, below slipway: only`, () => {
    allowed(user, 'XGROUP', 'CREATE', 'slipway:{0}:queue', user, '$', 'MKSTREAM');
    allowed(user, 'XADD', 'slipway:{0}:queue', '*', 'app', 'a');
    allowed(user, 'XREADGROUP', 'GROUP', user, 'c', 'BLOCK', '10', 'STREAMS', 'slipway:{0}:queue', '>');
    allowed(user, 'XPENDING', 'slipway:{0}:queue', user);
    const script = `redis.call('TIME'); redis.call('HSET', KEYS[1], 'a', 1); redis.call('EXPIRE', KEYS[1], 9)
      redis.call('ZADD', KEYS[2], 1, 'a'); redis.call('SET', KEYS[3], 1, 'PX', 9); redis.call('DEL', KEYS[3])
      redis.call('XTRIM', KEYS[4], 'MAXLEN', 9); return redis.call('HGETALL', KEYS[1])`;
    allowed(user, 'EVAL', script, '4', 'slipway:{0}:app:default:a:w:s', 'slipway:{0}:delayed', 'slipway:limit:x:y',
      'slipway:{0}:queue');
    const sha = redisCli(user, 'SCRIPT', 'LOAD', "return redis.call('HLEN', KEYS[1])");
    allowed(user, 'EVALSHA', sha, '1', 'slipway:workers');
    for (const command of [['CONFIG', 'GET', 'maxmemory-policy'], ['INFO', 'memory'], ['CLIENT', 'SETNAME', 'x'],
      ['SELECT', '0'], ['ACL', 'DRYRUN', 'default', 'PING']]) {
      allowed(user, ...command);
    }
    denied(user, 'SET', 'other', '1');
    denied(user, 'EVAL', 'return 1', '1', 'other');
    // A key that a script does not declare is checked too.
    assert.match(redisCli(user, 'EVAL', "return redis.call('GET', 'other')", '0'), /can't access|NOPERM/i);
    for (const command of [['FLUSHALL'], ['KEYS', '*'], ['SCAN', '0'], ['CONFIG', 'SET', 'appendonly', 'no'],
      ['SCRIPT', 'FLUSH'], ['SHUTDOWN'], ['ACL', 'LIST'], ['ACL', 'GETUSER', 'default'], ['PUBLISH', 'x', 'y'],
      ['BZPOPMIN', 'slipway:{0}:delayed', '1'], ['CLIENT', 'KILL', 'ID', '1'], ['MONITOR']]) {
      denied(user, ...command);
    }
  });
}

test('slipway-verify may do all that `slipway verify --repair` and `slipway doctor` do', async () => {
  const port = await freePort();
  const folder = path.join(directory, 'tcp');
  mkdirSync(folder);
  const server = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '',
    '--appendonly', 'yes', '--aclfile', redis.users.acl], { stdio: 'ignore' });
  const ask = (user, ...words) => spawnSync(path.join(ROOT, 'build/slipway'), [...words, '--redis-url',
    `redis://${user}@127.0.0.1:${port}`, '--redis-password-file', redis.users.passwordFile(user)],
  { encoding: 'utf8' });
  const end = Date.now() + 10_000;
  let found = ask('slipway-verify', 'verify');
  while (found.status === 69 && Date.now() < end) found = ask('slipway-verify', 'verify');
  assert.equal(found.status, 0, found.stdout + found.stderr);
  const write = spawnSync('redis-cli', ['-p', String(port), '--user', 'slipway-worker', '--no-auth-warning', 'EVAL',
    `redis.call('HSET', KEYS[1], 'app', 'a', 'workflow', 'w', 'action', 's', 'run', 'r', 'status', 'running',
      'phase', 'queued', 'run_deadline', '9999999999999')
    redis.call('XADD', KEYS[2], '*', 'no', 'sense')`, '2', 'slipway:{0}:app:default:a:w:s', 'slipway:{0}:queue'],
  { encoding: 'utf8', env: { ...process.env, REDISCLI_AUTH: redis.users.password('slipway-worker') } });
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
  for (const command of [['HGETALL', 'slipway:workers'], ['XINFO', 'GROUPS', 'slipway:{0}:queue'],
    ['XRANGE', 'slipway:{0}:queue', '-', '+'], ['ZRANGE', 'slipway:{0}:delayed', '0', '-1'], ['SCAN', '0'],
    ['TTL', 'slipway:workers'], ['INFO'], ['CLIENT', 'LIST'], ['SLOWLOG', 'GET'],
    ['MEMORY', 'USAGE', 'slipway:{0}:queue']]) {
    allowed('slipway-ops', ...command);
  }
  for (const command of [['HSET', 'slipway:workers', 'a', '1'], ['DEL', 'slipway:workers'], ['GET', 'other'],
    ['EVAL', 'return 1', '0'], ['XADD', 'slipway:{0}:queue', '*', 'a', 'b'], ['FLUSHALL'],
    ['CONFIG', 'SET', 'appendonly', 'no'], ['CLIENT', 'KILL', 'ID', '1'], ['MONITOR']]) {
    denied('slipway-ops', ...command);
  }
});

// A read that never ends, as a mistake in a script would be.
async function busyRedis() {
  redisCli(TESTER, 'CONFIG', 'SET', 'busy-reply-threshold', '50');
  const loop = spawn('redis-cli', ['-s', redis.socket, '--user', 'slipway-worker', '--no-auth-warning', 'EVAL',
    'while true do end', '0'], { env: { ...process.env, REDISCLI_AUTH: redis.users.password('slipway-worker') } });
  let said = '';
  loop.stdout.on('data', (bytes) => { said += bytes; });
  const ended = new Promise((resolve) => { loop.once('close', () => resolve(said)); });
  await until(() => /^BUSY/.test(redisCli('slipway-ops', 'GET', 'slipway:x')), 'Redis is busy');
  return { ended };
}

test('slipway-rescue ends a script that never ends, sees and kills clients, and reaches no key', async () => {
  const { ended } = await busyRedis();
  await until(() => redisCli('slipway-rescue', 'SCRIPT', 'KILL') === 'OK', 'the script is killed');
  assert.match(await ended, /Script killed by user/);
  allowed('slipway-ops', 'GET', 'slipway:x');
  assert.match(redisCli('slipway-rescue', 'FUNCTION', 'KILL'), /^NOTBUSY/);
  assert.match(redisCli('slipway-rescue', 'CLIENT', 'LIST'), /user=slipway-rescue/);
  assert.equal(redisCli('slipway-rescue', 'CLIENT', 'KILL', 'ID', '9999999'), '0');
  for (const command of [['GET', 'slipway:x'], ['HGETALL', 'slipway:workers'], ['SET', 'slipway:x', '1'], ['KEYS', '*'],
    ['SCAN', '0'], ['EVAL', 'return 1', '0'], ['FUNCTION', 'LIST'], ['SCRIPT', 'FLUSH'], ['CONFIG', 'GET', '*'],
    ['ACL', 'LIST'], ['SHUTDOWN'], ['FLUSHALL'], ['MONITOR']]) {
    denied('slipway-rescue', ...command);
  }
});
