// slipway connection: what it refuses, what Redis has of it then, what is shown, and who may write it there.
//
// covers: src/store/connections.c src/cli/command_connection.c src/cli/connection_add.c src/cli/diagnosis.c
// covers: src/cli/operator.c src/cli/open_redis.c
import { test, before, after, beforeEach } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Peer } from '../integration/peer.mjs';
import { build } from '../integration/stack.mjs';
import { RedisServer, TESTER } from '../harness/redis.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'slipway-connection-'));
const redis = new RedisServer(folder);
const keys = path.join(folder, 'keys');
const TOKEN = 'ghp_a-token-of-the-tenant';
let publicKey;

before(async () => {
  await redis.start();
  const made = spawnSync(path.join(build, 'slipway'), ['key', keys], { encoding: 'utf8' });
  publicKey = made.stdout.trim().split('=')[1];
});
after(async () => {
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => redis.cli(TESTER, 'FLUSHALL'));

const run = (words, { input, user = 'slipway-admin' } = {}) =>
  spawnSync(path.join(build, 'slipway'), ['connection', ...words, ...redis.flags(user), '--config', '/dev/null'],
    { encoding: 'utf8', input, env: { PATH: process.env.PATH } });
const add = (name, words = [], options = { input: `${TOKEN}\n` }) => run(['add', name, '--provider', 'github',
  '--secrets-public-key', publicKey, ...words], options);
const token = ['--token-file', '-', '--owner', 'acme'];
const list = (...words) => run(['list', '--json', ...words]).stdout.trim().split('\n').filter(Boolean)
  .map((line) => JSON.parse(line));
const get = (...words) => redis.cli(TESTER, ...words);
// Node has no BLAKE2b of 32 bytes.
const digestOf = (record) => spawnSync('/usr/bin/python3', ['-c',
  'import hashlib, sys; print(hashlib.blake2b(sys.stdin.buffer.read(), digest_size=32).hexdigest())'],
{ encoding: 'utf8', input: record }).stdout.trim();

test('a connection is shown without its credential, which stands sealed under another key', () => {
  const made = add('main', [...token, '--tenant', 'one', '--account', 'acme', '--repository', 'other/template-*',
    '--domain', '*.acme.example', '--app', 'acme-*', '--adopt', '--default']);
  assert.equal(made.status, 0, made.stderr);
  assert.equal(made.stdout, 'The tenant one has the connection main, which its apps use where they name no other.\n');
  const [only, ...more] = list();
  assert.equal(more.length, 0);
  const { createdAt, createdBy, ...rest } = only;
  assert.deepEqual(rest, { tenant: 'one', name: 'main', default: true, provider: 'github', kind: 'token',
    account: 'acme', owners: ['acme'], repositories: ['other/template-*'], domains: ['*.acme.example'],
    apps: ['acme-*'], adopt: true, share: false });
  assert.match(createdAt, /^20\S+Z$/);
  assert.match(createdBy, /^user \d+$/);
  const shown = run(['list']).stdout;
  assert.match(shown, /^one +main +github +token +acme +adopt +default$/m);
  assert.match(shown, /^ +domains +\*\.acme\.example$/m);
  for (const key of get('KEYS', '*').split('\n')) {
    const type = get('TYPE', key);
    const text = type === 'hash' ? get('HGETALL', key) : '';
    assert.equal(text.includes(TOKEN), false, key);
    assert.equal(text.includes('sealed.'), key === 'slipway:credential:one:main', key);
  }
  assert.equal(JSON.parse(get('HGET', 'slipway:connection:one:main', 'record')).kind, 'token');
});

test('what is wrong is refused before anything is read or written', () => {
  for (const [words, said] of [
    [['--token-file', '-'], /what no list names is refused/],
    [['--owner', 'acme'], /it has no credential/],
    [['--owner', 'acme', '--app-id', '1', '--installation', '7'], /needs its id and its key/],
    [[...token, '--installation', '7'], /an app takes no token/],
    [['--token-file', '-', '--owner', 'a/b'], /no pattern of owners/],
    [['--token-file', '-', '--repository', 'docs'], /owner\/name/],
    [[...token, '--installation', '7', '--provider', 'gitlab'], /no such provider/],
    [[...token, '--account', 'a b'], /account/],
  ]) {
    const refused = add('main', words);
    assert.notEqual(refused.status, 0);
    assert.match(refused.stderr, said);
  }
  for (const name of ['settings', 'a.b', '']) assert.notEqual(add(name, token).status, 0, name);
  assert.match(add('settings', token).stderr, /in the settings of the workers/);
  assert.notEqual(add('main', token, { input: 'short\n' }).status, 0);
  assert.notEqual(add('main', token, { input: '' }).status, 0);
  assert.notEqual(add('main', token, { input: 'x'.repeat(20_000) }).status, 0);
  assert.match(run(['add', 'main', '--provider', 'github', ...token], { input: TOKEN }).stderr, /slipway key/);
  assert.equal(get('DBSIZE'), '0');
});

test('a credential that others may read is not taken from its file', () => {
  const file = path.join(folder, 'token');
  writeFileSync(file, TOKEN, { mode: 0o644 });
  chmodSync(file, 0o644);
  const words = ['--token-file', file, '--owner', 'acme'];
  chmodSync(folder, 0o755);
  assert.match(add('main', words).stderr, /others than its owner/);
  chmodSync(file, 0o600);
  assert.equal(add('main', words).status, 0);
});

test('one of the same name is replaced where that is said, and its old credential is gone', () => {
  assert.equal(add('main', token).status, 0);
  const before = get('HGETALL', 'slipway:credential:default:main');
  const again = add('main', ['--token-file', '-', '--owner', '*']);
  assert.notEqual(again.status, 0);
  assert.match(again.stderr, /has a connection 'main' already[\s\S]*--replace/);
  assert.equal(get('HGETALL', 'slipway:credential:default:main'), before);
  assert.equal(add('main', ['--token-file', '-', '--owner', '*', '--replace']).status, 0);
  assert.deepEqual(list()[0].owners, ['*']);
  const after = get('HGETALL', 'slipway:credential:default:main').split('\n');
  assert.equal(after.length, 2);
  assert.equal(before.includes(after[0]), false);
});

test('the same name in two tenants is two connections, and a list may be of one', () => {
  for (const tenant of ['one', 'two']) assert.equal(add('main', [...token, '--tenant', tenant]).status, 0);
  assert.deepEqual(list().map((one) => one.tenant), ['one', 'two']);
  assert.deepEqual(list('--tenant', 'two').map((one) => one.tenant), ['two']);
  assert.equal(run(['remove', 'main', '--tenant', 'one']).status, 0);
  assert.deepEqual(list().map((one) => one.tenant), ['two']);
});

test('what is removed is gone with its credential, and is no default any more', () => {
  assert.equal(add('main', [...token, '--default']).status, 0);
  assert.equal(add('other', token).status, 0);
  assert.equal(run(['remove', 'main']).stdout, 'The tenant default has no connection main any more.\n');
  assert.equal(get('KEYS', '*main*'), '');
  assert.equal(get('EXISTS', 'slipway:connection:default'), '0');
  const none = run(['remove', 'main']);
  assert.notEqual(none.status, 0);
  assert.match(none.stderr, /has no connection 'main'/);
});

// From what stands there on, that login may no more what these words leave out.
const may = (words) => redis.cli(TESTER, 'ACL', 'SETUSER', 'slipway-admin', 'clearselectors',
  `(~slipway:connection:* ~slipway:credential:* ${words})`);
const audit = () => spawnSync(path.join(build, 'slipway'), ['audit', '--json', ...redis.flags('slipway-admin')],
  { encoding: 'utf8' }).stdout.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line));

test('where a command stops midway, no default names nothing, and the audit has what it did', async (t) => {
  t.after(() => redis.cli(TESTER, 'ACL', 'LOAD'));
  assert.equal(add('main', [...token, '--default']).status, 0);

  may('+hset +hget +hmget +hgetall +del');
  const replaced = add('main', ['--token-file', '-', '--owner', '*', '--replace']);
  assert.notEqual(replaced.status, 0);
  const record = get('HGET', 'slipway:connection:default:main', 'record');
  assert.match(record, /"owners":\["\*"\]/);
  assert.deepEqual(audit().slice(1).map(({ what, detail, status, class: word }) => [what, detail, status, word]),
    [['connection add', `connection main, all or a part of it: ${record}`, 503, 'store_unavailable']]);

  may('+hset +hget +hmget +hgetall +hdel');
  const removed = run(['remove', 'main']);
  assert.notEqual(removed.status, 0);
  assert.equal(get('EXISTS', 'slipway:connection:default'), '0');
  assert.equal(list().length, 1);
  assert.deepEqual(audit().slice(2).map(({ what, detail }) => [what, detail]),
    [['connection remove', 'connection main, all or a part of it']]);

  redis.cli(TESTER, 'ACL', 'LOAD');
  assert.equal(run(['remove', 'main']).status, 0);
  assert.equal(get('KEYS', '*main*'), '');

  redis.cli(TESTER, 'SET', 'slipway:connection:default', 'no hash');
  assert.notEqual(add('late', [...token, '--default']).status, 0);
  assert.match(audit().at(-1).detail, /^connection late, the default, all or a part of it: \{/);
  assert.notEqual(add('late', token).status, 0); // it stands already: nothing is changed, and nothing told
  assert.equal(audit().length, 5);
});

test('of replacements at once one stands, and its credential with it', async () => {
  for (let round = 0; round < 12; round += 1) {
    assert.equal(add('main', [...token, '--replace']).status, 0);
    await Promise.all(['a', 'b', 'c', 'd'].map((owner) => new Promise((resolve, reject) => {
      const one = spawn(path.join(build, 'slipway'), ['connection', 'add', 'main', '--provider', 'github', '--replace',
        '--secrets-public-key', publicKey, '--token-file', '-', '--owner', owner, ...redis.flags('slipway-admin'),
        '--config', '/dev/null'], { stdio: ['pipe', 'ignore', 'inherit'], env: { PATH: process.env.PATH } });
      one.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`it ended with ${code}`))));
      one.stdin.end(`${TOKEN}\n`);
    })));
    const record = get('HGET', 'slipway:connection:default:main', 'record');
    assert.equal(get('HEXISTS', 'slipway:credential:default:main', digestOf(record)), '1', `round ${round}`);
  }
});

test('what was added and removed is in the audit, with what it may do and without its credential', () => {
  const rights = ['--repository', 'other/site-*', '--adopt', '--app', 'shop-*', '--tenant', 'one'];
  assert.equal(add('main', [...token, ...rights, '--default']).status, 0);
  const record = get('HGET', 'slipway:connection:one:main', 'record');
  assert.notEqual(add('main', [...token, '--tenant', 'one']).status, 0);
  assert.equal(run(['remove', 'main', '--tenant', 'one']).status, 0);
  const shown = spawnSync(path.join(build, 'slipway'), ['audit', '--json', ...redis.flags('slipway-admin')],
    { encoding: 'utf8' });
  const entries = shown.stdout.trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(entries.map(({ tenant, what, detail, status }) => [tenant, what, detail, status]),
    [['one', 'connection add', `connection main, the default: ${record}`, 200],
      ['one', 'connection remove', 'connection main', 200]]);
  assert.match(record, /"repositories":\["other\/site-\*"\].*"apps":\["shop-\*"\].*"adopt":true/);
  assert.match(entries[0].token, /^user \d+$/);
  assert.equal(shown.stdout.includes(TOKEN) || shown.stdout.includes('sealed.'), false);
});

test('an installation of the workers\' app has no credential of its own; an own app has its key', () => {
  const made = add('bot', ['--installation', '77', '--owner', 'acme'], {});
  assert.equal(made.status, 0, made.stderr);
  assert.equal(get('EXISTS', 'slipway:credential:default:bot'), '0');
  const pem = path.join(folder, 'app.pem');
  writeFileSync(pem, '-----BEGIN RSA PRIVATE KEY-----\nabcd\n-----END RSA PRIVATE KEY-----\n', { mode: 0o600 });
  const own = add('own', ['--installation', '78', '--app-id', 'Iv1.x', '--app-key-file', pem, '--owner', '*']);
  assert.equal(own.status, 0, own.stderr);
  assert.equal(get('HLEN', 'slipway:credential:default:own'), '1');
});

test('a broken record is listed as what it is, and a test of it says how to mend it', () => {
  assert.equal(add('main', token).status, 0);
  assert.equal(add('next', token).status, 0);
  redis.cli(TESTER, 'HSET', 'slipway:connection:default:main', 'record', '{"provider":"github"');
  const [broken, next, ...more] = list();
  assert.deepEqual([broken.tenant, broken.name, next.name, more], ['default', 'main', 'next', []]);
  assert.match(broken.fault, /'main' is broken/);
  assert.match(broken.advice, /slipway connection add main --tenant default/);
  assert.match(run(['list']).stdout,
    /^default +main +broken\n +the connection 'main' is broken.*\n +An operator adds it again by .*\ndefault +next/m);
  redis.cli(TESTER, 'SET', 'slipway:connection:one:text', 'no hash');
  redis.cli(TESTER, 'SET', 'slipway:connection:one', 'no hash');
  assert.equal(add('last', [...token, '--tenant', 'one']).status, 0);
  assert.deepEqual(list('--tenant', 'one').map(({ name, fault }) => [name, Boolean(fault)]),
    [['last', false], ['text', true]]);
  assert.match(list('--tenant', 'one')[1].advice, /^Delete the key slipway:connection:one:text,/);
  const tried = run(['test', 'main']);
  assert.notEqual(tried.status, 0);
  assert.match(tried.stderr,
    /is broken[\s\S]*slipway connection add main --tenant default --provider PROVIDER --replace/);
});

test('a record that was widened by hand has no credential', () => {
  assert.equal(add('main', token).status, 0);
  const record = JSON.parse(get('HGET', 'slipway:connection:default:main', 'record'));
  redis.cli(TESTER, 'HSET', 'slipway:connection:default:main', 'record', JSON.stringify({ ...record, owners: ['*'] }));
  const tried = run(['test', 'main', '--secrets-keys-file', keys]);
  assert.equal(tried.status, 1);
  assert.match(tried.stdout, /^fault +main +the credential of the connection 'main' is missing/);
  // Nor where the sealed one is put under the new record.
  const [old, sealed] = get('HGETALL', 'slipway:credential:default:main').split('\n');
  const digest = spawnSync('b2sum', ['-l', '256'], { encoding: 'utf8',
    input: JSON.stringify({ ...record, owners: ['*'] }) }).stdout.split(' ')[0];
  assert.notEqual(digest, old);
  redis.cli(TESTER, 'HSET', 'slipway:credential:default:main', digest, sealed);
  const forged = run(['test', 'main', '--secrets-keys-file', keys]);
  assert.equal(forged.status, 1);
  assert.match(forged.stdout, /was sealed for another one, or for other lists/);
});

test('only slipway-admin writes connections; slipway-api reads no credential', () => {
  assert.equal(add('main', token).status, 0);
  const record = 'slipway:connection:default:main';
  const credential = 'slipway:credential:default:main';
  for (const user of ['slipway-api', 'slipway-worker', 'slipway-verify', 'slipway-ops']) {
    for (const words of [['HSET', record, 'record', '{}'], ['DEL', record], ['HDEL', record, 'record'],
      ['HSET', 'slipway:connection:default', 'github', 'x'], ['HSET', credential, 'a', 'b'], ['DEL', credential]]) {
      assert.match(redis.cli(user, ...words), /^NOPERM/, `${user}: ${words.join(' ')}`);
    }
  }
  assert.match(redis.cli('slipway-api', 'HMGET', record, 'record'), /github/);
  assert.match(redis.cli('slipway-api', 'HGETALL', credential), /^NOPERM/);
  assert.match(redis.cli('slipway-api', 'HMGET', credential, 'a'), /^NOPERM/);
  assert.match(redis.cli('slipway-worker', 'HGETALL', credential), /sealed\./);
});

// ---- test and doctor ----

const DAY_MS = 24 * 3600 * 1000;
const ends = (days) => new Date(Date.now() + days * DAY_MS).toISOString().replace('T', ' ').replace(/\..*/, ' UTC');

// What is found where GitHub answers these paths so; else nothing is there.
async function tryAt(words, answers, user = 'slipway-admin') {
  const peer = await Peer.start();
  peer.intercept = (call, response) => {
    const found = answers[`${call.method} ${call.path.split('?')[0]}`] ?? { status: 404 };
    const { status = 200, body = {}, headers = {} } = typeof found === 'function' ? found(call) : found;
    peer.send(response, status, body, headers);
    return true;
  };
  const flags = [...words, '--json', ...redis.flags(user), '--config', '/dev/null', '--github-url', peer.url,
    '--allow-loopback', 'yes', '--secrets-keys-file', keys];
  const program = spawn(path.join(build, 'slipway'), flags, { env: { PATH: process.env.PATH } });
  let said = '';
  for (const stream of [program.stdout, program.stderr]) stream.on('data', (bytes) => { said += bytes; });
  const code = await new Promise((resolve) => { program.once('close', resolve); });
  await peer.stop();
  const rows = said.trim().split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  return { code, said, rows, calls: peer.calls };
}

test('a test asks with the connection, and says when its token ends and what is refused', async () => {
  assert.equal(add('main', [...token, '--tenant', 'one']).status, 0);
  const user = (days) => ({ 'GET /user': { body: { login: 'a' },
    headers: { 'github-authentication-token-expiration': ends(days) } } });
  const soon = await tryAt(['connection', 'test', 'main', '--tenant', 'one'], user(5.5));
  assert.equal(soon.code, 0, soon.said);
  assert.equal(soon.calls[0].headers.authorization, `Bearer ${TOKEN}`);
  assert.deepEqual(soon.rows.map(({ check, verdict }) => [check, verdict]), [['main', 'ok'], ['main', 'warning']]);
  assert.match(soon.rows[1].what, /ends on .* in 5 days/);
  assert.match(soon.rows[1].advice, /slipway connection add main --tenant one --provider github --replace/);
  const late = await tryAt(['connection', 'test', 'main', '--tenant', 'one'], user(15));
  assert.deepEqual(late.rows.map(({ verdict }) => verdict), ['ok']);
  const refused = await tryAt(['connection', 'test', 'main', '--tenant', 'one'],
    { 'GET /user': { status: 401, body: { message: `Bad credentials ${TOKEN}` } } });
  assert.equal(refused.code, 1);
  assert.match(refused.rows[0].advice, /slipway connection add main --tenant one --provider github --replace/);
  for (const { said } of [soon, late, refused]) assert.ok(!said.includes(TOKEN));
});

test('a test of an app says which permissions its installation lacks', async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } });
  const made = add('bot', ['--installation', '77', '--app-id', 'Iv1.x', '--app-key-file', '-', '--owner', 'acme'],
    { input: privateKey });
  assert.equal(made.status, 0, made.stderr);
  const asked = [];
  const mint = (call) => {
    asked.push(JSON.parse(call.body));
    return { status: 201, body: { token: `ghs_${'x'.repeat(20)}`, expires_at: '2126-12-03T08:03:22Z' } };
  };
  const permissions = { actions: 'write', actions_variables: 'write', administration: 'write', contents: 'write',
    members: 'read', metadata: 'read', secrets: 'read', workflows: 'write' };
  const answers = { 'POST /app/installations/77/access_tokens': mint,
    'GET /installation/repositories': { body: { repositories: [] } },
    'GET /app/installations/77': { body: { permissions, suspended_at: null } } };
  const found = await tryAt(['connection', 'test', 'bot'], answers);
  assert.equal(found.code, 0, found.said);
  assert.deepEqual(found.rows.map(({ verdict }) => verdict), ['ok', 'warning']);
  assert.match(found.rows[1].what, /lacks the permission secrets: write, which github\.\S+ needs/);
  assert.deepEqual(asked, [{ permissions: { metadata: 'read' } }], 'it has only looked');
  const gone = await tryAt(['connection', 'test', 'bot'], {});
  assert.equal(gone.code, 1);
  assert.match(gone.rows[0].what, /installation 77 of the app is not there any more/);
  assert.match(gone.rows[0].advice,
    /slipway connection add bot --tenant default --provider github --installation NUMBER --replace/);
});

test('doctor asks with each connection that its login may list', async () => {
  for (const tenant of ['one', 'two']) assert.equal(add('main', [...token, '--tenant', tenant]).status, 0);
  const found = await tryAt(['doctor'], { 'GET /user': { body: { login: 'a' } } }, 'slipway-verify');
  const rows = found.rows.filter(({ check }) => check.endsWith('/main'));
  assert.deepEqual(rows.map(({ check, verdict }) => [check, verdict]), [['one/main', 'ok'], ['two/main', 'ok']]);
  redis.cli(TESTER, 'HSET', 'slipway:connection:one:main', 'record', '{');
  const after = await tryAt(['doctor'], { 'GET /user': { body: { login: 'a' } } }, 'slipway-verify');
  assert.deepEqual(after.rows.filter(({ check }) => check.endsWith('/main')).map(({ check, verdict }) =>
    [check, verdict]), [['one/main', 'fault'], ['two/main', 'ok']]);
  assert.notEqual(after.code, 0);
  assert.match(after.said, /'main' is broken/);
  assert.ok(!found.said.includes(TOKEN));
});

test('the credential stands on no command line', () => {
  const help = spawnSync(path.join(build, 'slipway'), ['connection', '--help'], { encoding: 'utf8' }).stdout;
  assert.match(help, /--token-file=FILE/);
  assert.doesNotMatch(help, /--token=(?!TOKEN)/);
  assert.equal(readFileSync(keys, 'utf8').startsWith('private.'), true);
});
