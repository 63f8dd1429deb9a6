// Every script and command works on a Redis Cluster: all keys that one call touches are in one slot. The server is a
// node that has all slots, which refuses a call across two; and what each script touched is compared beside that.
//
// covers: src/store/keys.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Stack, build, freePort, slipway, until } from './stack.mjs';
import { Redis } from '../faults/resp.mjs';

let folder;
let stack;
let monitor;
const lines = [];

// What slipway dev starts as redis-server: the same, as the one node of a cluster.
async function shadowRedis() {
  const port = await freePort();
  let bus = port;
  while (bus === port) bus = await freePort();
  const node = `${'a'.repeat(40)} 127.0.0.1:${port}@${bus} myself,master - 0 0 1 connected 0-16383`;
  const program = path.join(folder, 'redis-server');
  await writeFile(path.join(folder, 'nodes.conf'), `${node}\nvars currentEpoch 1 lastVoteEpoch 0\n`);
  await writeFile(program, ['#!/bin/sh',
    `PATH=\${PATH#*:} exec redis-server "$@" --bind 127.0.0.1 --port ${port} --cluster-port ${bus} ` +
      `--cluster-enabled yes --cluster-config-file ${folder}/nodes.conf`, ''].join('\n'));
  await chmod(program, 0o755);
}

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-slots-'));
  await shadowRedis();
  const env = { PATH: `${folder}:${process.env.PATH}`, SLIPWAY_GITHUB_WRITE_SPACING_MS: '10',
    SLIPWAY_BUDGETS: 'requests=1000000 live=1000 starts=1000 apps=1000 bytes=1000000000' };
  stack = await Stack.start({ env });
  monitor = spawn('redis-cli', ['-s', path.join(stack.folder, 'redis.sock'), 'MONITOR'],
    { stdio: ['ignore', 'pipe', 'ignore'] });
  const reader = createInterface({ input: monitor.stdout });
  const began = new Promise((resolve) => { reader.once('line', resolve); });
  reader.on('line', (line) => lines.push(line));
  assert.equal(await began, 'OK');
});
after(async () => {
  monitor?.kill();
  await stack?.stop();
  await rm(folder, { recursive: true, force: true });
});

// 1700000000.123456 [0 lua] "HGET" "key" "field"
function readCommand(line) {
  const match = /^[\d.]+ \[0 ([^\]]+)\] (.*)$/.exec(line);
  const words = [...(match?.[2] ?? '').matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((word) => word[1]);
  return { inside: match?.[1] === 'lua', words };
}

const WITHOUT_KEYS = new Set(['TIME']);
const OF_SUBCOMMAND = new Set(['XINFO', 'XGROUP', 'MEMORY']);
function keysOf([name, ...rest]) {
  if (WITHOUT_KEYS.has(name)) return [];
  if (name === 'EXISTS' || name === 'DEL') return rest;
  return [OF_SUBCOMMAND.has(name) ? rest[1] : rest[0]];
}

// Each call of a script: its function, and the keys that it was given and that it touched.
function calls() {
  const found = [];
  let open;
  for (const { inside, words } of lines.map(readCommand)) {
    if (inside) {
      for (const key of keysOf(words)) open?.keys.add(key);
    } else if (words[0] === 'FCALL') {
      open = { name: words[1], keys: new Set(words.slice(3, 3 + Number(words[2]))) };
      found.push(open);
    } else {
      open = undefined;
    }
  }
  return found;
}

async function run(app, workflow, inputs) {
  const input = path.join(folder, `${app}-${workflow}.json`);
  await writeFile(input, JSON.stringify({ inputs }));
  const result = await slipway('run', workflow, '--app', app, '--url', stack.url, '--input', input);
  assert.equal(result.code, 0, result.stdout + result.stderr);
}

// A deployment that waits for another app, is helped by hand, retried, and cancelled.
async function deploy(app) {
  const greet = { greet: { text: 'they say ${app.first.hello.greet.text}' } };
  const ask = async (body, status) => {
    const answer = await stack.post({ workflowId: 'hello', ...body });
    assert.equal(answer.status, status, JSON.stringify(answer.body));
  };
  await ask({ mode: 'start', appId: app, inputs: greet, after: [{ appId: 'never', workflowId: 'hello' }] }, 202);
  await ask({ mode: 'skip', appId: app, actionId: 'greet', output: { text: 'a', length: 1 } }, 200);
  const late = { greet: { text: '${app.never.hello.greet.text}' } };
  await ask({ mode: 'start', appId: 'late', inputs: late }, 202);
  await ask({ mode: 'cancel', appId: 'late' }, 202);
  await ask({ mode: 'retry', appId: 'late' }, 202);
}

// Only a long action or another build calls these; their keys are those of a run, and of `dead` and the queue.
const NOT_CALLED = new Set(['renew', 'decline']);

// Names of the scripts, by those of their functions, as the programs carry them. All are loaded from here on, for a
// program learns by an error that one is not.
async function loadScripts() {
  const text = await readFile(path.join(build, 'gen/scripts.c'), 'utf8');
  const [, list] = /static const char text\[\] = \{([^}]*)\}/.exec(text);
  const library = Buffer.from(list.match(/0x[0-9a-f]{2}/g).map(Number)).toString('utf8');
  // It is longer than any word of a command line may be.
  const redis = new Redis(path.join(stack.folder, 'redis.sock'));
  await redis.command('FUNCTION', 'LOAD', 'REPLACE', library);
  redis.close();
  await stack.redis('CONFIG', 'RESETSTAT');
  return new Map([...text.matchAll(/\{ "(\w+)", "(slipway_\w+)" \}/g)].map(([, name, of]) => [of, name]));
}

test('a site, its plan, its removal, a cancel and a verification touch one slot a call', async () => {
  assert.match(await stack.redis('CLUSTER', 'INFO'), /cluster_state:ok/);
  const names = await loadScripts();
  await run('first', 'hello', { greet: { text: 'hi' } });
  const site = {
    repo: { owner: 'acme', name: 'slots', fork: 'upstream/app-template' },
    project: { name: 'slots' },
    env: { variables: [{ key: 'SITE_NAME', value: 'slots', type: 'plain' }] },
    check: { url: `${stack.url}/healthz` },
  };
  await run('site', 'site', site);
  await stack.post({ mode: 'plan', appId: 'site', workflowId: 'site', inputs: site });
  const secrets = { KEY: { generate: {}, shared: 'key' } };
  await stack.post({ mode: 'configure', appId: 'site', config: { a: 'b' }, secrets });
  await stack.post({ mode: 'cancel', appId: 'site', workflowId: 'site', actionId: 'check' });
  await deploy('deployed');
  await run('site', 'teardown', { teardown: { confirm: 'site' } });
  // One that has stood on the queue for long.
  const queued = ['status', 'running', 'phase', 'queued', 'run', 'r', 'ready_at', '1'];
  await stack.redis('HSET', 'slipway:{0}:app:default:queued:hello:greet', ...queued);
  await stack.status('queued', 'hello', 'greet');
  await stack.redis('DEL', 'slipway:{0}:app:default:queued:hello:greet');
  assert.equal((await stack.get('/readyz')).status, 200);
  for (const path of ['', '/events', '/history']) assert.equal((await stack.get(`/api/apps/site${path}`)).status, 200);
  // What names no run.
  await stack.redis('ZADD', 'slipway:{0}:begun', '1', 'default:x y:hello:greet');
  await until(async () => (await stack.redis('XLEN', 'slipway:{0}:dead')) === '1', 'it is buried');
  // A step of which a user has not been told.
  await stack.redis('ZADD', 'slipway:{0}:untold:default:first:hello:greet', '1', 'deployed:hello:greet');
  await stack.redis('ZADD', 'slipway:{0}:telling', '1', 'default:first:hello:greet');
  await until(async () => (await stack.redis('EXISTS', 'slipway:{0}:telling')) === '0', 'it is told');
  const socket = `unix://${stack.folder}/redis.sock`;
  const verified = await slipway('verify', '--redis-url', socket);
  assert.equal(verified.code, 0, verified.stdout + verified.stderr);
  await stack.redis('HSET', 'slipway:{0}:app:default:signed:ledger', 'a:b:c', '{}');
  assert.match(await stack.sign(), /1 faults, 1 repaired/);
  // Those who look at the queue, and hold a part of it.
  for (const words of [['pause', 'workflow', 'hello', '--reason', 'a test'], ['resume', 'workflow', 'hello'], []]) {
    const answer = await slipway('queue', ...words, '--redis-url', socket);
    assert.equal(answer.code, 0, answer.stdout + answer.stderr);
  }

  await stack.redis('ECHO', 'all of it');
  await until(() => lines.some((line) => line.endsWith('"ECHO" "all of it"')), 'MONITOR has shown all calls');
  const all = calls();
  const slots = new Map();
  for (const key of new Set(all.flatMap((call) => [...call.keys])))
    slots.set(key, await stack.redis('CLUSTER', 'KEYSLOT', key));
  const across = all.filter(({ keys }) => new Set([...keys].map((key) => slots.get(key))).size > 1);
  assert.doesNotMatch(await stack.redis('INFO', 'errorstats'), /errorstat_(CROSSSLOT|MOVED|ERR)\b/);
  assert.deepEqual(across.map(({ keys }) => [...keys]), []);
  const missing = new Set(names.values());
  for (const { name } of all) missing.delete(names.get(name));
  assert.deepEqual([...missing].filter((name) => !NOT_CALLED.has(name)), []);
  assert.ok(all.some(({ keys }) => keys.has('slipway:{0}:app:default:site:ledger')));
});
