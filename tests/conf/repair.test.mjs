// What conf/redis/repair-aof does before Redis starts: it takes off a torn end, and lets Redis start on no other
// damage.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { RedisServer, TESTER } from '../harness/redis.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'slipway-repair-'));
const script = path.join(root, 'conf/redis/repair-aof');
const placeOf = (data) => ({
  data,
  manifest: path.join(data, 'appendonlydir', 'appendonly.aof.manifest'),
  file: path.join(data, 'appendonlydir', 'appendonly.aof.1.incr.aof'),
});
const home = placeOf(path.join(folder, 'redis'));
const { data, manifest, file } = home;
const files = path.dirname(manifest);
const KEYS = 200;
let redis;
let whole;

const read = (place = home) => readFileSync(place.file);
const copies = (place = home) => readdirSync(place.data).filter((name) => name.startsWith('torn-'));
const transaction = (key, value) =>
  redis.cli(TESTER, 'EVAL', "redis.call('HSET', KEYS[1], 'a', ARGV[1]) redis.call('HSET', KEYS[1], 'b', 2)",
    '1', `slipway:${key}`, value);

function repair() {
  return spawnSync(script, [manifest], { encoding: 'utf8' });
}

function repairAt({ manifest: of }) {
  return new Promise((resolve, reject) => {
    const one = spawn(script, [of], { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    one.stderr.on('data', (bytes) => { stderr += bytes; });
    one.once('error', reject).once('close', (status) => resolve({ status, stderr }));
  });
}

// Each case in a folder that no other one has at the time. There are hundreds, each of some processes: one by one they
// take minutes of a busy machine.
async function inFolders(cases, check) {
  const left = cases.values();
  const places = Array.from({ length: 6 }, (_, i) => placeOf(path.join(folder, `place-${i}`)));
  await Promise.all(places.map(async (place) => {
    cpSync(path.join(folder, 'kept'), place.data, { recursive: true });
    for (const one of left) await check(one, place);
  }));
  const found = places.flatMap((place) => copies(place));
  for (const place of places) rmSync(place.data, { recursive: true });
  return found;
}

// As systemd does: what ExecStartPre runs decides whether Redis is started.
async function startAsTheUnitDoes() {
  const done = repair();
  if (done.status === 0) await redis.start();
  return done;
}

function put(bytes, place = home) {
  rmSync(place.data, { recursive: true });
  cpSync(path.join(folder, 'kept'), place.data, { recursive: true });
  writeFileSync(place.file, bytes);
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
  const none = spawnSync(script, [path.join(folder, 'none/x.manifest')]);
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

test('whatever byte of a transaction is wrong, with others behind it, no byte of the file is cut off', async () => {
  const start = whole.indexOf('*1\r\n$5\r\nMULTI', whole.length / 10);
  const end = whole.indexOf('*1\r\n$5\r\nMULTI', start + 1);
  const cases = Array.from({ length: end - start }, (_, i) => [1, 4, 0xff].map((change) => [start + i, change])).flat();
  let refused = 0;
  const kept = await inFolders(cases, async ([at, change], place) => {
    const bytes = Buffer.from(whole);
    bytes[at] ^= change;
    writeFileSync(place.file, bytes);
    const { status } = await repairAt(place);
    assert.ok(status === 0 || status === 1);
    refused += status;
    assert.ok(read(place).equals(bytes), `byte ${at} changed by ${change}`);
  });
  // Others are within a value, or a name that is known when it is run: then the file is not damaged as a file.
  assert.ok(refused > (end - start), `${refused} of ${3 * (end - start)} refused`);
  assert.deepEqual(kept, []);
});

test('wherever the last transaction is torn, it is taken off whole, and what was cut off is kept', async () => {
  const last = whole.lastIndexOf('*1\r\n$5\r\nMULTI');
  const lengths = Array.from({ length: whole.length - last - 1 }, (_, i) => last + 1 + i);
  const cases = lengths.flatMap((length) => [0, 100].map((zeros) => [length, zeros]));
  await inFolders(cases, async ([length, zeros], place) => {
    const torn = Buffer.concat([whole.subarray(0, length), Buffer.alloc(zeros)]);
    put(torn, place);
    const done = await repairAt(place);
    assert.equal(done.status, 0, `torn at ${length - last}, ${zeros} zeros: ${done.stderr}`);
    assert.ok(read(place).equals(whole.subarray(0, last)), `torn at ${length - last}`);
    assert.match(done.stderr, new RegExp(`its last ${torn.length - last} bytes were cut off[^]*kept in`));
    const [copy] = copies(place);
    assert.ok(readFileSync(path.join(place.data, copy)).equals(torn.subarray(last)), 'the copy has what was cut off');
  });
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
