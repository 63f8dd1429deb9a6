// slipway dev and make run, where there was another one before, or is one still: nothing is lost.
//
// covers: src/cli/dev_folder.c src/cli/dev_users.c
import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Stack, build, freePort, until } from '../integration/stack.mjs';

const HELD = 75;
const BARE = ['--no-emulator', '--no-worker'];
const folders = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

async function newFolder() {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-dev-test-'));
  folders.push(folder);
  return folder;
}

function dev(folder, port, ...flags) {
  const words = ['dev', '--dir', folder, '--port', String(port), ...BARE, ...flags];
  return spawnSync(path.join(build, 'slipway'), words, { encoding: 'utf8', timeout: 60000 });
}

// Starts in a folder, does something, and ends.
async function within(folder, flags, work) {
  const stack = await Stack.start({ folder, flags });
  try {
    return await work(stack);
  } finally {
    await stack.leave();
  }
}

const remember = (stack) => stack.redis('SET', 'remembered', 'yes');
const remembered = (stack) => stack.redis('GET', 'remembered');

// What stands in a folder, and when each of it was changed last; without the logs, to which the first one writes.
async function picture(folder) {
  const names = await readdir(folder, { recursive: true });
  const facts = names.filter((name) => !name.startsWith('log')).sort().map(async (name) => {
    const { size, mtimeMs } = await stat(path.join(folder, name));
    return `${name} ${size} ${mtimeMs}`;
  });
  return Promise.all(facts);
}

test('a second slipway dev in the same folder names the first and ends with a status of its own', async () => {
  const folder = await newFolder();
  await within(folder, BARE, async (first) => {
    await remember(first);
    const before = await picture(folder);
    const second = dev(folder, await freePort(), '--fresh');
    assert.equal(second.status, HELD, second.stderr);
    assert.match(second.stderr, new RegExp(`pid ${first.process.pid} .*${folder}[^]*what to do: .*--dir`));
    assert.deepEqual(await picture(folder), before);
    assert.equal(await remembered(first), 'yes');
    // The port of the first is taken as well; the folder is what is said, for another port alone does not help.
    assert.equal(dev(folder, first.port).status, HELD);
  });
});

test('a second make run leaves what the first one has', async () => {
  const folder = await newFolder();
  await within(folder, BARE, async (first) => {
    await remember(first);
    const env = { ...process.env, BUILD: build, DIR: folder, PORT: String(await freePort()), ONCE: '1' };
    const second = spawnSync('conf/dev/run', { env, encoding: 'utf8', timeout: 60000 });
    assert.equal(second.status, HELD, second.stderr);
    assert.match(second.stderr, new RegExp(`pid ${first.process.pid} `));
    assert.ok((await readdir(path.join(folder, 'redis'))).includes('appendonlydir'));
    assert.equal(await remembered(first), 'yes');
  });
});

test('of two that start at once in one folder, one starts', async () => {
  const folder = await newFolder();
  const outcomes = await Promise.allSettled([1, 2].map(() => Stack.start({ folder, flags: [...BARE, '--fresh'] })));
  const [winner] = outcomes.filter(({ status }) => status === 'fulfilled').map(({ value }) => value);
  const [loser] = outcomes.filter(({ status }) => status === 'rejected');
  try {
    assert.ok(winner && loser, JSON.stringify(outcomes.map(({ reason }) => reason?.message)));
    assert.match(loser.reason.message, new RegExp(`pid ${winner.process.pid} `));
  } finally {
    await winner?.leave();
  }
});

test('after a kill the next one waits for what the killed one left, and goes on with its state', async () => {
  const folder = await newFolder();
  const first = await Stack.start({ folder, flags: ['--no-emulator'] });
  await first.trigger('demo', 'hello', 'greet', { inputs: { greet: { text: 'kept' } } });
  await first.untilStatus('demo', 'hello', 'greet', 'done');
  await first.leave('SIGKILL');
  await within(folder, ['--no-emulator'], async (second) => {
    const status = await second.status('demo', 'hello', 'greet');
    assert.equal(status.status, 'done');
    assert.equal(status.output.text, 'kept');
    assert.match(await readFile(path.join(folder, 'lock'), 'utf8'), new RegExp(`^${second.process.pid}$`, 'm'));
  });
});

test('a Redis that is still loading what it has on disk is waited for', async () => {
  const folder = await newFolder();
  const fill = "for i = 1, 200000 do redis.call('SET', 'key-' .. i, i) end";
  await within(folder, BARE, (stack) => stack.redis('EVAL', fill, '0'));
  await within(folder, BARE, async (stack) => assert.equal(await stack.redis('DBSIZE'), '200000'));
});

test('a lock that a dead process left does not stop the next one', async () => {
  const folder = await newFolder();
  const { pid } = spawnSync('true');
  await writeFile(path.join(folder, 'lock'), `${pid}\n`);
  await within(folder, BARE, async (stack) => assert.equal(await stack.redis('PING'), 'PONG'));
});

test('it is ready with a worker that logs nothing, and not before that worker reports', async () => {
  const folder = await newFolder();
  const stack = await Stack.start({ folder, flags: ['--no-emulator'], env: { SLIPWAY_LOG_LEVEL: 'error' } });
  try {
    const { size } = await stat(path.join(folder, 'log', 'slipway-worker.log'));
    assert.equal(size, 0);
    const reporting = await stack.redis('HKEYS', 'slipway:workers');
    assert.match(reporting, new RegExp(`-${await stack.daemon('slipway-worker')}$`, 'm'));
  } finally {
    await stack.leave();
  }
});

test('--fresh begins anew, and without it the state stays', async () => {
  const folder = await newFolder();
  await within(folder, BARE, remember);
  await within(folder, BARE, async (stack) => assert.equal(await remembered(stack), 'yes'));
  await within(folder, [...BARE, '--fresh'], async (stack) => assert.equal(await remembered(stack), ''));
});

test('--fresh removes nothing from a folder that is not of slipway dev', async () => {
  const folder = await newFolder();
  await mkdir(path.join(folder, 'conf'));
  await writeFile(path.join(folder, 'conf', 'precious'), 'mine');
  const result = dev(folder, await freePort(), '--fresh');
  assert.equal(result.status, 64, result.stderr);
  assert.match(result.stderr, new RegExp(`${folder}[^]*what to do: .*--dir`));
  assert.equal(await readFile(path.join(folder, 'conf', 'precious'), 'utf8'), 'mine');
});

test('a plain make run keeps the ledger of what was made at real providers, and FRESH=1 removes it', async () => {
  const folder = await newFolder();
  await within(folder, BARE, remember);
  const runs = [];
  for (const fresh of ['', '1']) {
    const port = await freePort();
    const env = { ...process.env, BUILD: build, DIR: folder, PORT: String(port), FRESH: fresh,
      SLIPWAY_GITHUB_URL: 'http://127.0.0.1:9', SLIPWAY_VERCEL_URL: 'http://127.0.0.1:9' };
    // A group of its own, so that Ctrl-C can be sent to all of it, as a terminal does.
    const script = spawn('conf/dev/run', { env, detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => { script.once('exit', resolve); });
    let output = '';
    script.stdout.on('data', (bytes) => { output += bytes; });
    await until(() => output.includes(`ready http://127.0.0.1:${port}\n`) || script.exitCode !== null, 'it is ready');
    assert.equal(script.exitCode, null);
    runs.push(await Stack.prototype.redis.call({ folder }, 'GET', 'remembered'));
    process.kill(-script.pid, 'SIGINT');
    await ended;
  }
  assert.deepEqual(runs, ['yes', '']);
});

test('what was made at real providers is not gone on with by stand-ins, which would say that it is gone', async () => {
  const folder = await newFolder();
  await within(folder, BARE, remember);
  const words = ['dev', '--dir', folder, '--port', String(await freePort()), '--fresh=emulated'];
  const env = { ...process.env };
  delete env.SLIPWAY_GITHUB_URL;
  delete env.SLIPWAY_VERCEL_URL;
  const result = spawnSync(path.join(build, 'slipway'), words, { env, encoding: 'utf8', timeout: 60000 });
  assert.equal(result.status, 64, result.stderr);
  assert.match(result.stderr, /real providers[^]*what to do: .*--fresh/);
  await within(folder, BARE, async (stack) => assert.equal(await remembered(stack), 'yes'));
});

test('what stand-ins had a part in is removed by --fresh=emulated, and kept without', async () => {
  const folder = await newFolder();
  await within(folder, ['--no-worker'], remember);
  await within(folder, ['--no-worker'], async (stack) => assert.equal(await remembered(stack), 'yes'));
  await within(folder, ['--no-worker', '--fresh=emulated'], async (stack) => assert.equal(await remembered(stack), ''));
});

test('its programs log in as the users that are shipped, and what they wrote survives a restart', async () => {
  const folder = await newFolder();
  const shipped = (await readFile('conf/redis/users.acl', 'utf8')).trim().split('\n');
  const flags = ['--no-emulator'];
  await within(folder, flags, async (first) => {
    const clients = await first.redis('CLIENT', 'LIST');
    for (const user of ['slipway-api', 'slipway-worker']) assert.match(clients, new RegExp(` user=${user} `));
    await first.trigger('acme', 'hello', 'greet', { inputs: { greet: { text: 'hello' } } });
    await first.untilStatus('acme', 'hello', 'greet', 'done');
    const users = (await readFile(path.join(folder, 'conf/users.acl'), 'utf8')).split('\n');
    for (const line of shipped) assert.ok(users.some((own) => own === line || own.startsWith(`${line} #`)), line);
    assert.equal((await stat(path.join(folder, 'conf/slipway-api.password'))).mode & 0o777, 0o600);
  });
  await within(folder, flags, async (second) => {
    assert.equal((await second.status('acme', 'hello', 'greet')).status, 'done');
  });
});
