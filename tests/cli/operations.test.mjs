// slipway verify and slipway doctor, as an operator meets them.
//
// covers: src/cli/command_verify.c src/cli/command_doctor.c src/cli/doctor_store.c src/cli/doctor_provider.c
// covers: src/store/server.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Stack, build, until } from '../integration/stack.mjs';
import { Peer } from '../integration/peer.mjs';

const TOKEN = 'ghs_0123456789.token-that-must-not-leak';
let stack;
let peer;

before(async () => {
  peer = await Peer.start();
  stack = await Stack.start({ flags: ['--no-emulator'] });
  await writeFile(path.join(stack.folder, 'token'), `${TOKEN}\n`, { mode: 0o600 });
});
after(async () => {
  await stack.stop();
  await peer.stop();
});

// spawnSync would keep the peer in this process from answering; so only where no provider is asked.
function slipway(...words) {
  return spawnSync(path.join(build, 'slipway'), [...words, '--redis-url', `unix://${stack.folder}/redis.sock`], {
    encoding: 'utf8',
  });
}

function doctorOf(redisUrl, ...words) {
  return new Promise((resolve) => {
    execFile(path.join(build, 'slipway'), ['doctor', '--redis-url', redisUrl, ...words], (error, stdout, stderr) =>
      resolve({ status: error?.code ?? 0, stdout, stderr }),
    );
  });
}

const doctor = (...words) => doctorOf(`unix://${stack.folder}/redis.sock`, ...words);

const lineOf = (result, name) => result.stdout.split('\n').find((line) => line.includes(` ${name} `)) ?? '';

test('verify of a store that holds together says so and ends with 0', () => {
  const result = slipway('verify');
  assert.equal(result.status, 0, result.stdout + result.stderr);
  assert.match(result.stdout, /^\d+ keys, 0 live runs: no inconsistencies found\n$/);
});

test('verify names what does not hold and ends with 1, and with --repair puts it right', async () => {
  await stack.redis('HSET', 'slipway:{0}:app:acme:payload', 'version', '1');
  const found = slipway('verify');
  assert.equal(found.status, 1);
  assert.match(found.stdout, /slipway:\{0\}:app:acme:payload: it has no time to live\n/);
  assert.match(found.stdout, /1 faults; 'slipway verify --repair' repairs those that it can/);
  const repaired = slipway('verify', '--repair');
  assert.equal(repaired.status, 0);
  assert.match(repaired.stdout, /it has no time to live \(repaired\)/);
  assert.equal(slipway('verify').status, 0);
});

test('verify --json is one object', async () => {
  await stack.redis('SET', 'slipway:{0}:app:acme:site:repo', 'text', 'EX', '100');
  const result = slipway('verify', '--json');
  assert.equal(result.status, 1);
  const report = JSON.parse(result.stdout);
  assert.equal(report.faults, 1);
  assert.equal(report.repaired, 0);
  assert.equal(report.findings[0].key, 'acme:site:repo');
  await stack.redis('DEL', 'slipway:{0}:app:acme:site:repo');
});

test('verify without Redis ends with 69', () => {
  const result = spawnSync(path.join(build, 'slipway'), ['verify', '--redis-url', 'unix:///nowhere.sock'], {
    encoding: 'utf8',
  });
  assert.equal(result.status, 69);
  assert.match(result.stderr, /Redis cannot be reached/);
});

test('doctor finds a healthy start healthy', async () => {
  await until(async () => (await stack.redis('HLEN', 'slipway:workers')) === '1', 'the worker has reported');
  const result = await doctor();
  assert.equal(result.status, 0, result.stdout + result.stderr);
  for (const name of ['Redis', 'durability', 'replication', 'clock', 'queue', 'workers', 'dead entries']) {
    assert.match(lineOf(result, name), /^ok /, name);
  }
  assert.match(lineOf(result, 'GitHub'), /^warning .*no token/);
});

test('doctor on a machine whose clock is off says so, and not that the workers are silent', async () => {
  await until(async () => (await stack.redis('HLEN', 'slipway:workers')) === '1', 'the worker has reported');
  const library = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1';
  const env = {
    ...process.env,
    LD_PRELOAD: library,
    FAKETIME: '+1h',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    ASAN_OPTIONS: 'verify_asan_link_order=0', // a build with sanitizers wants to be the first
  };
  const url = `unix://${stack.folder}/redis.sock`;
  const result = spawnSync(path.join(build, 'slipway'), ['doctor', '--redis-url', url], { encoding: 'utf8', env });
  assert.match(lineOf(result, 'clock'), /^warning .*ahead of Redis' clock/);
  assert.match(lineOf(result, 'workers'), /^ok /);
});

test('doctor asks the providers, and what they refuse is a fault with what to do', async () => {
  const flags = [
    '--github-url',
    peer.url,
    '--allow-loopback',
    'yes',
    '--github-token-file',
    path.join(stack.folder, 'token'),
  ];
  peer.intercept = (call, response) => {
    peer.send(response, 200, { login: 'octocat' });
    return true;
  };
  const well = await doctor(...flags);
  assert.match(lineOf(well, 'GitHub'), /^ok .*takes the credential/);
  assert.equal(peer.calls.at(-1).headers.authorization, `Bearer ${TOKEN}`);
  peer.intercept = (call, response) => {
    peer.send(response, 401, { message: `Bad credentials ${TOKEN}` });
    return true;
  };
  const refused = await doctor(...flags);
  assert.equal(refused.status, 1);
  assert.match(lineOf(refused, 'GitHub'), /^fault /);
  assert.match(refused.stdout, /Replace the token in SLIPWAY_GITHUB_TOKEN_FILE/);
  assert.ok(!refused.stdout.includes(TOKEN));
});

test('doctor asks Vercel for the team that the workers are to reach', async () => {
  const token = path.join(stack.folder, 'token');
  const flags = ['--vercel-url', peer.url, '--allow-loopback', 'yes', '--vercel-token-file', token];
  const refusal = { error: { code: 'forbidden', message: 'Not authorized to access the team.' } };
  peer.intercept = (call, response) => {
    const refused = call.path.startsWith('/v2/teams/');
    peer.send(response, refused ? 403 : 200, refused ? refusal : {});
    return true;
  };
  assert.match(lineOf(await doctor(...flags), 'Vercel'), /^ok .*takes the credential/);
  assert.equal(peer.calls.at(-1).path, '/v2/user');
  const refused = await doctor(...flags, '--vercel-team', 'team_1');
  assert.equal(peer.calls.at(-1).path, '/v2/teams/team_1?teamId=team_1');
  assert.match(lineOf(refused, 'Vercel'), /^fault /);
  assert.match(refused.stdout, /SLIPWAY_VERCEL_TEAM/);
});

test('doctor says what is wrong with Redis', async () => {
  await stack.redis('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
  await stack.redis('XADD', 'slipway:{0}:dead', '*', 'entry', 'e', 'reason', 'r');
  const result = await doctor('--json');
  await stack.redis('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
  await stack.redis('DEL', 'slipway:{0}:dead');
  assert.equal(result.status, 1);
  const checks = Object.fromEntries(
    result.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .map((row) => [row.check, row]),
  );
  assert.equal(checks.durability.verdict, 'fault');
  assert.match(checks.durability.what, /evicts keys/);
  assert.match(checks.durability.advice, /noeviction/);
  assert.equal(checks['dead entries'].verdict, 'warning');
});

test('doctor says where no worker reports, and where versions differ', async () => {
  const own = await stack.redis('HKEYS', 'slipway:workers');
  const beat = (version, at) => JSON.stringify({ at: at.toISOString(), version, executors: 1, busy: 0 });
  await stack.redis('HSET', 'slipway:workers', 'other-1', beat('0.0.9', new Date()));
  assert.match(lineOf(await doctor(), 'workers'), /^warning .*2 running, 1 of them without version/);
  await stack.redis('HSET', 'slipway:workers', 'other-1', beat('0.1.0', new Date(Date.now() - 60000)));
  assert.match(lineOf(await doctor(), 'workers'), /^warning .*1 running, 1 stopped reporting/);
  await stack.redis('HDEL', 'slipway:workers', 'other-1');
  assert.notEqual(own, '');
});

test('doctor without Redis says that, and goes on to the providers', async () => {
  const result = await doctorOf('unix:///nowhere.sock');
  assert.equal(result.status, 1);
  assert.match(lineOf(result, 'Redis'), /^fault .*cannot be reached/);
  assert.match(result.stdout, /Start Redis, or correct SLIPWAY_REDIS_URL \(now unix:\/\/\/nowhere.sock\)/);
  assert.equal(lineOf(result, 'durability'), '');
  assert.match(lineOf(result, 'GitHub'), /^warning /);
});
