// slipway token: what it prints, what Redis has of it then, and that only slipway-admin may write it.
//
// covers: src/store/tokens.c src/cli/command_token.c
import { test, before, after, beforeEach } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from '../integration/stack.mjs';
import { RedisServer, TESTER } from '../harness/redis.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'slipway-token-'));
const redis = new RedisServer(folder);
const SHAPE = /^sw_([0-9a-f]{16})_[A-Za-z0-9_-]{43}\n$/;

before(() => redis.start());
after(async () => {
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => redis.cli(TESTER, 'FLUSHALL'));

const token = (...words) =>
  spawnSync(path.join(build, 'slipway'), ['token', ...words, ...redis.flags('slipway-admin')], { encoding: 'utf8' });

function create(...words) {
  const made = token('create', ...words);
  assert.equal(made.status, 0, made.stderr);
  const [, id] = SHAPE.exec(made.stdout);
  return { id, text: made.stdout.trim(), told: made.stderr };
}

const list = () => token('list', '--json').stdout.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line));

test('a token is printed once, and alone; Redis has a hash of it, and its end', () => {
  const { id, text, told } = create('--role', 'deploy', '--app-prefix', 'docs', '--tenant', 'acme', '--expires', '30d',
    '--label', 'the build of docs');
  assert.match(told, new RegExp(`^The token ${id} has the role deploy in the tenant acme, and ends 20\\S+Z\\.`));
  assert.equal(told.includes(text), false);
  const stored = redis.cli('slipway-ops', 'HGETALL', `slipway:token:${id}`);
  const secret = text.slice(20);
  assert.equal(stored.includes(secret), false);
  const left = Number(redis.cli('slipway-ops', 'PTTL', `slipway:token:${id}`));
  assert.ok(left > 29.9 * 86_400_000 && left <= 30 * 86_400_000, `${left}`);
  const [only, ...more] = list();
  assert.equal(more.length, 0);
  const { createdBy, createdAt, expiresAt, ...rest } = only;
  assert.deepEqual(rest, { id, role: 'deploy', tenant: 'acme', appPrefix: 'docs', label: 'the build of docs',
    revokedAt: null });
  assert.equal(Date.parse(expiresAt) - Date.parse(createdAt), 30 * 86_400_000);
  assert.match(createdBy, /^user \d+$/);
  assert.equal(token('list').stdout.includes(secret), false);
});

test('one that never ends has no end in Redis either', () => {
  const { id, told } = create('--role', 'admin', '--expires', 'never');
  assert.match(told, /and ends never\./);
  assert.equal(redis.cli('slipway-ops', 'PTTL', `slipway:token:${id}`), '-1');
  assert.equal(list()[0].expiresAt, null);
});

test('no two are the same, and all are listed by id', () => {
  const ids = Array.from({ length: 12 }, () => create('--role', 'read', '--expires', '45m').id);
  assert.equal(new Set(ids).size, 12);
  assert.deepEqual(list().map((one) => one.id), ids.toSorted());
});

test('a revoked token is listed as such until it would have ended, and revoking it again changes nothing', () => {
  const { id } = create('--role', 'read', '--expires', '12h');
  const endless = create('--role', 'read', '--expires', 'never');
  for (const one of [id, endless.id]) assert.equal(token('revoke', one).stdout, `The token ${one} is revoked.\n`);
  const revoked = list();
  assert.deepEqual(revoked.map((one) => typeof one.revokedAt), ['string', 'string']);
  assert.match(token('list').stdout, new RegExp(`^${id}  revoked `, 'm'));
  assert.equal(token('revoke', id).status, 0);
  assert.deepEqual(list(), revoked);
  const left = (one) => Number(redis.cli('slipway-ops', 'PTTL', `slipway:token:${one}`));
  assert.ok(left(id) <= 12 * 3_600_000, 'its end stays');
  assert.ok(left(endless.id) > 0, 'it is not listed for ever');
});

test('what is not there is not revoked, and nothing is made of it', () => {
  const gone = token('revoke', '0123456789abcdef');
  assert.equal(gone.status, 1, gone.stderr);
  assert.match(gone.stderr, /no token has the id 0123456789abcdef/);
  assert.equal(redis.cli(TESTER, 'EXISTS', 'slipway:token:0123456789abcdef'), '0');
  assert.equal(token('list').stdout, 'There are no tokens.\n');
});

test('a wrong command line is refused before anything is made', () => {
  for (const [words, why] of [[[], /ACTION|'' is neither/], [['make'], /'make' is neither/],
    [['create', '--expires', '1d'], /--role must be/],
    [['create', '--role', 'owner', '--expires', '1d'], /--role must be/],
    [['create', '--role', 'read'], /--expires must be/], [['create', '--role', 'read', '--expires', '0d'], /--expires/],
    [['create', '--role', 'read', '--expires', '5'], /--expires/],
    [['create', '--role', 'read', '--expires', '9999d'], /--expires/],
    [['create', '--role', 'read', '--expires', '1d', '--label', 'a\nb'], /--label/],
    [['create', '--role', 'read', '--expires', '1d', '--label', 'x'.repeat(65)], /--label/],
    [['create', '--role', 'read', '--expires', '1d', '--app-prefix', '*'], /app-prefix/],
    [['create', '--role', 'read', '--expires', '1d', '--tenant', 'a:b'], /tenant/],
    [['create', 'x', '--role', 'read', '--expires', '1d'], /no ID/], [['list', 'x'], /no ID/],
    [['revoke'], /needs the ID/], [['revoke', '*'], /needs the ID/]]) {
    const done = token(...words);
    assert.equal(done.status, 64, `${words}: ${done.stdout}${done.stderr}`);
    assert.match(done.stderr, why);
  }
  assert.equal(redis.cli(TESTER, 'DBSIZE'), '0');
});

test('what somebody wrote there by hand is listed as allowing nothing', () => {
  redis.cli(TESTER, 'HSET', 'slipway:token:00000000000000ff', 'created_at', '1', 'tenant', 'a\tb', 'role', 'admin');
  assert.equal(list()[0].role, '');
});

test('no login of a program can make, change or remove a token, and that of tokens can do nothing else', () => {
  const { id } = create('--role', 'read', '--expires', '1h');
  const key = `slipway:token:${id}`;
  for (const user of ['slipway-api', 'slipway-worker', 'slipway-verify', 'slipway-ops', 'slipway-rescue']) {
    for (const command of [['HSET', key, 'role', 'admin'], ['DEL', key], ['UNLINK', key], ['PERSIST', key],
      ['PEXPIREAT', key, '1'], ['HSET', 'slipway:token:0000000000000001', 'role', 'admin'],
      ['HDEL', key, 'revoked_at']]) {
      assert.match(redis.cli(user, ...command), /^NOPERM/, `${user}: ${command.join(' ')}`);
    }
  }
  assert.equal(redis.cli('slipway-api', 'HMGET', key, 'role'), 'read');
  assert.match(redis.cli('slipway-worker', 'HMGET', key, 'role'), /^NOPERM/);
  assert.match(redis.cli('slipway-api', 'HGETALL', key), /^NOPERM/);
  assert.equal(redis.cli('slipway-api', 'HSET', 'slipway:browser:x', 'role', 'read'), '1');
  assert.match(redis.cli('slipway-worker', 'HSET', 'slipway:browser:x', 'role', 'read'), /^NOPERM/);
  for (const command of [['HSET', 'slipway:{0}:app:default:a:w:s', 'a', '1'], ['GET', 'slipway:{0}:layout'],
    ['DEL', key], ['HSET', 'slipway:browser:x', 'role', 'admin'], ['FLUSHALL'], ['FCALL', 'x', '0']]) {
    assert.match(redis.cli('slipway-admin', ...command), /^NOPERM/, command.join(' '));
  }
});
