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
beforeEach(() => ['FUNCTION FLUSH', 'FLUSHALL'].forEach((words) => redis.cli(TESTER, ...words.split(' '))));

const embed = (...words) => spawnSync(path.join(scripts, 'embed'), words, { encoding: 'utf8' });

// The library of these files, by name.
function makeOf(files) {
  const names = Object.keys(files).map((name) => path.join(folder, `${name}.lua`));
  Object.values(files).forEach((text, i) => writeFileSync(names[i], text));
  return embed('--library', ...names);
}

// That of one script that includes `shared`.
const make = (shared, script, head = '#!lua flags=allow-oom') =>
  makeOf({ shared, main: `${head}\n--- @include shared\n${script}` });

const nameOf = (library) => /^#!lua name=(\S+)\n/.exec(library)[1];

// Gives what calls a script of the library.
function loadMade(made) {
  assert.equal(made.status, 0, made.stderr);
  const name = nameOf(made.stdout);
  assert.equal(redis.cliWith(made.stdout, TESTER, 'FUNCTION', 'LOAD'), name);
  return (script, ...words) =>
    redis.cli(TESTER, 'FCALL', name.replace('_', `_${script}_`), '1', 'slipway:key', ...words);
}

const load = (shared, script) => loadMade(make(shared, script)).bind(null, 'main');

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

test('a call runs the beginnings of the files that its script includes, in their order, and no others', () => {
  const begins = (name, after) => `${after}local ${name}
each_call(function()
\t${name} = redis.call('INCR', 'slipway:begun')
\tredis.call('RPUSH', KEYS[1], '${name}')
end)
local function ${name}_is()
\treturn ${name}
end
`;
  const call = loadMade(makeOf({
    one: begins('one', ''), two: begins('two', '--- @include one\n'), three: begins('three', '--- @include one\n'),
    first: '#!lua\n--- @include three\n--- @include two\nreturn { one, two_is(), three_is() }\n',
    second: "#!lua flags=allow-oom\n--- @include two\nreturn redis.call('LRANGE', KEYS[1], 0, -1)\n",
    third: '#!lua flags=no-writes\nreturn 3\n',
  }));
  assert.equal(call('first'), '1\n3\n2');
  assert.equal(call('second'), 'one\nthree\ntwo\none\ntwo');
  assert.equal(call('third'), '3');
  assert.equal(call('first'), '6\n8\n7');
});

test('a constant is written where it is used, and nowhere else', () => {
  const shared = `local LIMIT = 2 -- 'of them'
local WORD, TEXT = 'no', 'LIMIT'
local QUOTED = '--' -- it's a text
local function limits()
\treturn { LIMIT, 'LIMIT', ("it's %d LIMIT"):format(LIMIT), WORD, TEXT, QUOTED..LIMIT ..'LIMIT',
\t\t({ ['LIMIT'] = 7 }).LIMIT }
end
`;
  const made = make(shared, 'local OWN = 5\nlocal all = limits()\nall[#all + 1] = OWN + LIMIT\nreturn all\n');
  assert.equal(loadMade(made)('main'), "2\nLIMIT\nit's 2 LIMIT\nno\nLIMIT\n--2LIMIT\n7\n7");
  assert.doesNotMatch(made.stdout, /LIMIT = |QUOTED|OWN/);
  const twice = makeOf({ one: 'local MOST = 1\n', two: 'local MOST = 2\n',
    main: '#!lua\n--- @include one\n--- @include two\nreturn MOST\n' });
  assert.match(twice.stderr, /main: MOST is a constant of two files that it includes/);
  assert.equal(twice.status, 1);
});

test('a name of a file that a script does not include is refused, though the library has it', () => {
  const files = (third, script) => makeOf({
    one: 'local function help(word)\n\treturn word\nend\n',
    two: "--- @include one\nlocal function ask()\n\treturn help('a')\nend\n",
    three: third, main: '#!lua\n--- @include two\nreturn ask()\n', other: `#!lua\n--- @include three\n${script}`,
  });
  const refused = (made, why) => {
    assert.equal(made.status, 1, made.stdout);
    assert.match(made.stderr, why);
  };
  const three = 'local function three()\n\treturn 3\nend\n';
  refused(files(three, 'return help(1)\n'), /other: uses help of one, which other does not include/);
  refused(files('local function three()\n\treturn help(3)\nend\n', 'return three()\n'), /three: uses help of one/);
  refused(files('local function help()\n\treturn 3\nend\n', 'return help()\n'), /three: help is a name of one too/);
  for (const own of ['local help = 1\nreturn help\n', "return ({ a = 1 }).help or 'help' -- help\n",
    'local function of(help)\n\treturn help\nend\nreturn of(three())\n'])
    assert.equal(files(three, own).status, 0, own);
});

test('more names than Lua takes are refused', () => {
  const names = (count) => Array.from({ length: count }, (_, i) => `f${'x'.repeat(i % 20)}${'y'.repeat(i / 20)}`);
  const shares = (count) => {
    const files = { shared: names(count).map((name) => `local function ${name}()\nend\n`).join('') };
    const users = Array.from({ length: 5 }, (_, i) => `user${i}`);
    users.forEach((user, i) => {
      const calls = names(count).slice(i * 40, i * 40 + 40).map((name) => `\t${name}()\n`).join('');
      files[user] = `--- @include shared\nlocal function call()\n${calls}end\n`;
    });
    return makeOf({ ...files, main: `#!lua\n${users.map((user) => `--- @include ${user}\n`).join('')}return 1\n` });
  };
  assert.equal(loadMade(shares(193))('main'), '1');
  const many = shares(195);
  assert.equal(many.status, 1);
  assert.match(many.stderr, /share 195 names, and Lua takes 194/);
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
    ["local one\n" + 'each_call(function()\n\tone = 1\nend)\n'.repeat(2), /a second each_call/],
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
  for (const name of names) assert.match(name, /^slipway_[0-9a-f]{16}$/);
  assert.equal(nameOf(make('local A = 1\n', 'return A\n').stdout), names[0]);
  assert.equal(nameOf(make('-- What it is.\nlocal A = 1\n', '\n\t-- why\nreturn A\n').stdout), names[0]);
});

test('the library of all scripts is one that Redis takes, with a function for each, and flags', () => {
  const files = readdirSync(scripts).filter((name) => name.endsWith('.lua')).sort();
  const made = embed('--library', ...files.map((file) => path.join(scripts, file)));
  loadMade(made);
  const heads = files.map((file) => [file, readFileSync(path.join(scripts, file), 'utf8').split('\n')[0]])
    .filter(([, head]) => head.startsWith('#!lua'));
  const functions = heads.map(([file]) => nameOf(made.stdout).replace('_', `_${path.basename(file, '.lua')}_`));
  const lines = redis.cli(TESTER, 'FUNCTION', 'LIST').split('\n');
  assert.deepEqual(lines.filter((line) => /^slipway_\w+_[0-9a-f]{16}$/.test(line)).sort(), functions.sort());
  const flagged = heads.filter(([, head]) => head.includes('flags=')).map(([, head]) => head.split('=')[1]).sort();
  assert.deepEqual(lines.filter((line) => /^(allow-oom|no-writes)$/.test(line)).sort(), flagged);
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
  assert.match(slipway('functions', 'prune').stdout, /^1 libraries of other builds are removed/);
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
