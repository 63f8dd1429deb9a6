// What conf/redis/repair-aof does before Redis starts: it takes off a torn end, and lets Redis start on no other
// damage.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { RedisServer, TESTER } from '../harness/redis.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'slipway-repair-'));
const data = path.join(folder, 'redis');
const files = path.join(data, 'appendonlydir');
const manifest = path.join(files, 'appendonly.aof.manifest');
const file = path.join(files, 'appendonly.aof.1.incr.aof');
const KEYS = 200;
let redis;
let whole;

const read = () => readFileSync(file);
const copies = () => readdirSync(data).filter((name) => name.startsWith('torn-'));
const transaction = (key, value) =>
  redis.cli(TESTER, 'EVAL', "redis.call('HSET', KEYS[1], 'a', ARGV[1]) redis.call('HSET', KEYS[1], 'b', 2)",
    '1', `slipway:${key}`, value);

function repair() {
  return spawnSync(path.join(root, 'conf/redis/repair-aof'), [manifest], { encoding: 'utf8' });
}

// As systemd does: what ExecStartPre runs decides whether Redis is started.
async function startAsTheUnitDoes() {
  const done = repair();
  if (done.status === 0) await redis.start();
  return done;
}

function put(bytes) {
  rmSync(data, { recursive: true });
  cpSync(path.join(folder, 'kept'), data, { recursive: true });
  writeFileSync(file, bytes);
}

before(async () => {
  redis = await new RedisServer(folder).start();
  for (let i = 0; i < KEYS; i += 1) transaction(`key-${i}`, `value ${i}`);
  await redis.stop();
  cpSync(data, path.join(folder, 'kept'), { recursive: true });
  whole = read();
});
after(async () => {
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('a whole file, and none, are let through without a word', () => {
  const sound = repair();
  assert.deepEqual([sound.status, sound.stderr], [0, '']);
  assert.deepEqual(read(), whole);
  const none = spawnSync(path.join(root, 'conf/redis/repair-aof'), [path.join(folder, 'none/x.manifest')]);
  assert.equal(none.status, 0);
});

test('a byte that is wrong a tenth of the way in is not repaired, and Redis is not started', async () => {
  const bytes = Buffer.from(whole);
  bytes[bytes.indexOf('HSET', bytes.length / 10) - 3] ^= 1; // the length before the word, so that it does not parse
  put(bytes);
  const done = await startAsTheUnitDoes();
  assert.equal(done.status, 1);
  assert.ok(redis.gone);
  assert.match(done.stderr, /is damaged at byte \d+ of \d+/);
  assert.match(done.stderr, /Nothing was changed, and Redis is not started[^]*Restore the backup/);
  assert.deepEqual(read(), bytes);
  assert.deepEqual(copies(), []);
});

test('whatever byte of a transaction is wrong, with others behind it, no byte of the file is cut off', () => {
  const start = whole.indexOf('*1\r\n$5\r\nMULTI', whole.length / 10);
  const end = whole.indexOf('*1\r\n$5\r\nMULTI', start + 1);
  let refused = 0;
  for (let at = start; at < end; at += 1) {
    for (const change of [1, 4, 0xff]) {
      const bytes = Buffer.from(whole);
      bytes[at] ^= change;
      writeFileSync(file, bytes);
      const { status } = repair();
      assert.ok(status === 0 || status === 1);
      refused += status;
      assert.ok(read().equals(bytes), `byte ${at} changed by ${change}`);
    }
  }
  // Others are within a value, or a name that is known when it is run: then the file is not damaged as a file.
  assert.ok(refused > (end - start), `${refused} of ${3 * (end - start)} refused`);
  assert.deepEqual(copies(), []);
});

test('wherever the last transaction is torn, it is taken off whole, and what was cut off is kept', () => {
  const last = whole.lastIndexOf('*1\r\n$5\r\nMULTI');
  for (let length = last + 1; length < whole.length; length += 1) {
    for (const zeros of [0, 100]) {
      const torn = Buffer.concat([whole.subarray(0, length), Buffer.alloc(zeros)]);
      put(torn);
      const done = repair();
      assert.equal(done.status, 0, `torn at ${length - last}, ${zeros} zeros: ${done.stderr}`);
      assert.ok(read().equals(whole.subarray(0, last)), `torn at ${length - last}`);
      assert.match(done.stderr, new RegExp(`its last ${torn.length - last} bytes were cut off[^]*kept in`));
      const [copy] = copies();
      assert.ok(readFileSync(path.join(data, copy)).equals(torn.subarray(last)), 'the copy has what was cut off');
    }
  }
});

test('after a torn end was taken off, Redis starts with all that stood before it', async () => {
  put(whole.subarray(0, whole.length - 20));
  const done = await startAsTheUnitDoes();
  assert.equal(done.status, 0, done.stderr);
  assert.equal(redis.cli(TESTER, 'DBSIZE'), String(KEYS - 1));
  assert.equal(copies().length, 1);
  transaction('later', 'x');
  await redis.stop();
  await redis.start();
  assert.equal(redis.cli(TESTER, 'DBSIZE'), String(KEYS), 'nothing is merged with what came after it');
  await redis.stop();
});

test('more than 4194304 bytes are not taken off, though they are one torn transaction', async () => {
  put(whole);
  await redis.start();
  redis.cli(TESTER, 'EVAL',
    "redis.call('HSET', KEYS[1], 'a', string.rep('x', 4194304)) redis.call('HSET', KEYS[1], 'b', 2)", '1',
    'slipway:big');
  await redis.stop();
  const bytes = read().subarray(0, -10);
  writeFileSync(file, bytes);
  const done = repair();
  assert.equal(done.status, 1);
  assert.match(done.stderr, /more than 4194304 bytes would go/);
  assert.ok(read().equals(bytes));
});

test('a file that is not the last one is not repaired', () => {
  put(whole.subarray(0, whole.length - 20));
  const next = path.join(files, 'appendonly.aof.2.incr.aof');
  cpSync(path.join(folder, 'kept/appendonlydir/appendonly.aof.1.incr.aof'), next);
  writeFileSync(manifest, `${readFileSync(manifest, 'utf8')}file appendonly.aof.2.incr.aof seq 2 type i\n`);
  const done = repair();
  assert.equal(done.status, 1);
  assert.match(done.stderr, /it is not the last file/);
  assert.equal(read().length, whole.length - 20);
});

test('the unit of Redis runs it as the user of Redis, past what keeps other programs from being executed', () => {
  const unit = readFileSync(path.join(root, 'conf/systemd/redis-server.service.d/slipway.conf'), 'utf8');
  assert.match(unit, /^ExecStartPre=\+\/usr\/bin\/setpriv --reuid=redis .*\/usr\/lib\/slipway\/repair-aof$/m);
});
