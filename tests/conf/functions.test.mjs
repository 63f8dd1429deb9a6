// The scripts as functions of Redis: what embed makes of them and what it refuses, that nothing of one call is there in
// the next, and what happens where Redis lacks one.
//
// covers: src/store/functions.c src/cli/command_functions.c
import { test, before, after, beforeEach } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build, until } from '../integration/stack.mjs';
import { cgi } from '../harness/cgi.mjs';
import { RedisServer, TESTER } from '../harness/redis.mjs';

const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../..');
const folder = mkdtempSync(path.join(tmpdir(), 'slipway-functions-'));
const scripts = path.join(root, 'src/store/scripts');
let redis;

before(async () => {
  redis = new RedisServer(folder);
  await redis.start();
});
after(async () => {
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => redis.cli(TESTER, 'FUNCTION', 'FLUSH'));

const embed = (...words) => spawnSync(path.join(scripts, 'embed'), words, { encoding: 'utf8' });

// The library of a script that includes `shared`.
function make(shared, script, head = '#!lua flags=allow-oom') {
  writeFileSync(path.join(folder, 'shared.lua'), shared);
  writeFileSync(path.join(folder, 'main.lua'), `${head}\n--- @include shared\n${script}`);
  return embed('--library', path.join(folder, 'main.lua'));
}

const nameOf = (library) => /^#!lua name=(\S+)\n/.exec(library)[1];

function load(shared, script) {
  const made = make(shared, script);
  assert.equal(made.status, 0, made.stderr);
  assert.equal(redis.cli(TESTER, 'FUNCTION', 'LOAD', made.stdout), nameOf(made.stdout));
  return (...words) => redis.cli(TESTER, 'FCALL', nameOf(made.stdout), '1', 'slipway:key', ...words);
}

test('what each_call gives a value has that one in each call, also behind one that failed half way', () => {
  const call = load(`local seen, key -- by a call
each_call(function()
	seen, key = {}, KEYS[1]
end)

local function see(word)
	seen[#seen + 1] = word
end
`, `see(ARGV[1])
key = key .. ':' .. ARGV[1]
if ARGV[1] == 'fails' then
	error('half way')
end
return { key, unpack(seen) }
`);
  assert.equal(call('one'), 'slipway:key:one\none');
  assert.match(call('fails'), /half way/);
  assert.equal(call('two'), 'slipway:key:two\ntwo');
});

test('what would be there in the next call is refused when the libraries are made', () => {
  const of = (shared) => make(shared, 'return 1\n');
  for (const [shared, why] of [
    ["local run = KEYS[1]\n", /what is of a call stands outside of each_call: local run = KEYS/],
    ["local RUN = KEYS[1]\n", /outside of each_call/],
    ["local seen = {}\n", /outside of each_call/],
    ["redis.call('PING')\n", /outside of each_call/],
    ["for i = 1, 2 do\nend\n", /outside of each_call/],
    ["local left -- from the call before\n", /nothing in each_call gives a value to left/],
    ["local one, two\neach_call(function()\n\tone = 1\nend)\n", /nothing in each_call gives a value to two/],
    ["local COUNT = 0\nlocal function count()\n\tCOUNT = COUNT + 1\nend\n", /a constant changes/],
    ["local MADE = {}\nlocal function make(name)\n\tMADE[name] = true\nend\n", /a constant changes/],
    ["local MADE = {}\nlocal function make(name)\n\tMADE.name = true\nend\n", /a constant changes/],
  ]) {
    const made = of(shared);
    assert.equal(made.status, 1, shared);
    assert.match(made.stderr, why);
  }
  assert.equal(of("local LIST = {\n\t'a',\n}\nlocal function first()\n\treturn LIST[1]\nend\n").status, 0);
});

test('a library is named by its text, what it includes, and its flags', () => {
  const names = [['local A = 1\n', 'return A\n'], ['local A = 2\n', 'return A\n'], ['local A = 1\n', 'return -A\n'],
    ['local A = 1\n', 'return A\n', '#!lua flags=no-writes'], ['local A = 1\n', 'return A\n', '#!lua']]
    .map((texts) => nameOf(make(...texts).stdout));
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.match(name, /^slipway_main_[0-9a-f]{16}$/);
  assert.equal(nameOf(make('local A = 1\n', 'return A\n').stdout), names[0]);
  assert.equal(nameOf(make('-- What it is.\nlocal A = 1\n', '\n\t-- why\nreturn A\n').stdout), names[0]);
});

test('every script has a library that Redis takes', () => {
  for (const file of readdirSync(scripts).filter((name) => name.endsWith('.lua'))) {
    if (!readFileSync(path.join(scripts, file), 'utf8').startsWith('#!lua')) continue;
    const made = embed('--library', path.join(scripts, file));
    assert.equal(made.status, 0, made.stderr);
    assert.equal(redis.cli(TESTER, 'FUNCTION', 'LOAD', made.stdout), nameOf(made.stdout));
  }
});

const slipway = (...words) =>
  spawnSync(path.join(build, 'slipway'), [...words, ...redis.flags('slipway-verify')], { encoding: 'utf8' });

test('what Redis lacks is loaded by who may; slipway-api may not, and says what to do', () => {
  const ask = (method, uri, body) => cgi(redis.flags('slipway-api'), method, uri, body);
  const body = JSON.stringify({ mode: 'configure', appId: 'a', env: { A: 'b' } });
  const configure = () => ask('POST', '/api/deploy', body);
  const unready = ask('GET', '/readyz');
  assert.equal(unready.status, 503, unready.text);
  assert.match(unready.log, /Redis lacks the function slipway_probe_[0-9a-f]{16}.*NOPERM/);
  const refused = configure();
  assert.equal(refused.status, 503, refused.text);
  assert.match(refused.body.detail, /Redis lacks the function slipway_configure_[0-9a-f]{16}/);
  assert.match(refused.body.remedy.text, /Start a slipway-worker of this build.*slipway functions load/);
  assert.equal(redis.cli(TESTER, 'FUNCTION', 'LIST'), '');
  const verified = slipway('verify');
  assert.equal(verified.status, 0, verified.stdout + verified.stderr);
  assert.match(redis.cli(TESTER, 'FUNCTION', 'LIST'), /slipway_recount_[0-9a-f]{16}/);
  redis.loadFunctions();
  assert.equal(ask('GET', '/readyz').status, 200);
  assert.equal(configure().status, 200);
});

test('slipway functions shows what is there, loads what is missing, and removes what other builds have left', () => {
  const other = "#!lua name=slipway_take_0000000000000000\nredis.register_function('f', function() return 1 end)";
  const foreign = "#!lua name=billing\nredis.register_function('g', function() return 1 end)";
  for (const library of [other, foreign]) redis.cli(TESTER, 'FUNCTION', 'LOAD', library);
  const before = slipway('functions');
  assert.equal(before.status, 0, before.stderr);
  assert.match(before.stdout, /^slipway_trigger_[0-9a-f]{16} +missing$/m);
  assert.match(before.stdout, /^slipway_take_0000000000000000 +another build$/m);
  assert.doesNotMatch(before.stdout, /billing/);
  assert.match(slipway('functions', 'load').stdout, /^(\d+) of \1 functions of this build were missing/);
  assert.match(slipway('functions', 'load').stdout, /^0 of/);
  assert.doesNotMatch(slipway('functions', 'list').stdout, /missing/);
  assert.match(slipway('functions', 'prune').stdout, /^1 functions of other builds are removed/);
  assert.doesNotMatch(slipway('functions', 'list').stdout, /missing|another build/);
  assert.match(redis.cli(TESTER, 'FUNCTION', 'LIST'), /billing/);
  assert.equal(slipway('functions', 'drop').status, 64);
});

test('a worker loads all scripts, those that it does not call itself too, and again when Redis is back without them',
  async () => {
    const worker = spawn(path.join(build, 'slipway-worker'), [...redis.flags('slipway-worker'), '--executors', '1'],
      { stdio: 'ignore' });
    const ended = new Promise((resolve) => { worker.once('exit', resolve); });
    const isWhole = () => !/missing/.test(slipway('functions').stdout);
    await until(isWhole, 'all are loaded');
    await redis.stop();
    rmSync(path.join(folder, 'redis/appendonlydir'), { recursive: true });
    await redis.start();
    await until(isWhole, 'all are loaded again');
    worker.kill('SIGTERM');
    await ended;
  });
