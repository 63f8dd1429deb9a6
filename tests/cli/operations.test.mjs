// slipway verify and slipway doctor, as an operator meets them.
//
// covers: src/cli/command_verify.c src/cli/command_doctor.c src/cli/doctor_store.c src/cli/doctor_provider.c
// covers: src/store/server.c src/provider/survey.c src/provider/github_questions.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { Stack, build, until } from '../integration/stack.mjs';
import { Peer } from '../integration/peer.mjs';
import { Description, judge } from '../openapi/description.mjs';

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
  await stack.redis('HSET', 'slipway:{0}:app:default:acme:payload', 'version', '1');
  const found = slipway('verify');
  assert.equal(found.status, 1);
  assert.match(found.stdout, /slipway:\{0\}:app:default:acme:payload: it has no time to live\n/);
  assert.match(found.stdout, /1 faults; 'slipway verify --repair' repairs those that it can/);
  const repaired = slipway('verify', '--repair');
  assert.equal(repaired.status, 0);
  assert.match(repaired.stdout, /it has no time to live \(repaired\)/);
  assert.equal(slipway('verify').status, 0);
});

test('verify --json is one object', async () => {
  await stack.redis('SET', 'slipway:{0}:app:default:acme:site:repo', 'text', 'EX', '100');
  const result = slipway('verify', '--json');
  assert.equal(result.status, 1);
  const report = JSON.parse(result.stdout);
  assert.equal(report.faults, 1);
  assert.equal(report.repaired, 0);
  assert.equal(report.findings[0].key, 'default:acme:site:repo');
  await stack.redis('DEL', 'slipway:{0}:app:default:acme:site:repo');
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

// The server's own words, but for its version.
async function withVersion(version, use) {
  const sockets = new Set();
  const proxy = net.createServer((client) => {
    const server = net.connect(path.join(stack.folder, 'redis.sock'));
    for (const socket of [client, server]) sockets.add(socket.on('error', () => {}));
    client.pipe(server);
    server.on('data', (bytes) => client.write(bytes.toString('latin1')
      .replace(/(redis_version:)([\d.]+)(\r\n[^]*?\r\n)/, (_, name, old, more) =>
        `${name}${version}${more.slice(0, -2)}${' '.repeat(old.length - version.length)}\r\n`), 'latin1'));
  });
  await new Promise((resolve) => { proxy.listen(0, '127.0.0.1', resolve); });
  try {
    return await use(`redis://127.0.0.1:${proxy.address().port}`);
  } finally {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  }
}

test('doctor knows versions of Redis that a script can break out of, and those that are too old', async () => {
  const judged = {};
  for (const version of ['6.2.20', '7.0.14', '7.0.15', '7.2.10', '7.2.11', '7.4.5', '8.0.3', '8.2.1', '8.2.2',
    '9.0.0']) {
    const result = await withVersion(version, (url) => doctorOf(url));
    const line = lineOf(result, 'Redis');
    assert.ok(line.includes(`version ${version}`), result.stdout + result.stderr);
    judged[version] = line.split(' ')[0];
    if (judged[version] === 'warning') assert.match(result.stdout, /CVE-2025-49844.*install Redis \d+\.\d+\.\d+/s);
  }
  assert.deepEqual(judged, { '6.2.20': 'fault', '7.0.14': 'warning', '7.0.15': 'ok', '7.2.10': 'warning',
    '7.2.11': 'ok', '7.4.5': 'warning', '8.0.3': 'warning', '8.2.1': 'warning', '8.2.2': 'ok', '9.0.0': 'ok' });
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
  peer.calls = [];
  assert.match(lineOf(await doctor(...flags), 'Vercel'), /^ok .*takes the credential/);
  assert.equal(peer.calls[0].path, '/v2/user');
  const refused = await doctor(...flags, '--vercel-team', 'team_1');
  assert.equal(peer.calls.at(-1).path, '/v2/teams/team_1?teamId=team_1');
  assert.match(lineOf(refused, 'Vercel'), /^fault /);
  assert.match(refused.stdout, /SLIPWAY_VERCEL_TEAM/);
});

// ---- what a provider would refuse later ----

const DAY_MS = 24 * 3600 * 1000;
const DAY_FORM = { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' };
const dateOf = (at) => at.toLocaleDateString('en-GB', DAY_FORM);

// What doctor finds at one provider where these paths are answered, as {status, body, headers}, and nothing else is
// there. Every question is one that the provider's description has.
async function ask(provider, answers, ...words) {
  const token = path.join(stack.folder, 'token');
  const file = new URL(`../openapi/${provider}.openapi.json`, import.meta.url);
  const description = new Description(provider, JSON.parse(await readFile(file, 'utf8')));
  peer.calls = [];
  peer.intercept = (call, response) => {
    const { status = 200, body = {}, headers = {} } = answers[call.path.split('?')[0]] ?? { status: 404 };
    peer.send(response, status, body, headers);
    return true;
  };
  const flags = [`--${provider}-url`, peer.url, `--${provider}-token-file`, token, '--allow-loopback', 'yes'];
  const result = await doctor('--json', ...flags, ...words);
  // The team's scope goes with the question about the team as well, which takes no query.
  const asked = peer.calls.filter((call) => call.method === 'GET' && !call.path.startsWith('/v2/teams/'));
  const requests = asked.map((call) => ({
    provider,
    method: call.method,
    url: `${peer.url}/${provider}${call.path}`,
    requestBody: null,
    requestHeaders: {},
  }));
  assert.deepEqual(judge({ [provider]: description }, requests).problems, []);
  const rows = result.stdout.trim().split('\n').map((line) => JSON.parse(line));
  const name = { github: 'GitHub', vercel: 'Vercel' }[provider];
  return { status: result.status, found: rows.filter(({ check }) => check === name) };
}

const PERSON = { '/user': { body: { login: 'octocat' } } };
const REPLACED = /SLIPWAY_GITHUB_TOKEN_FILE/;
const ALLOW_LIST = [
  'Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow list',
  'enabled, and your IP address is not permitted to access this resource.',
].join(' ');
const SIGN_ON = [
  'Resource protected by organization SAML enforcement.',
  'You must grant your Personal Access token access to this organization.',
].join(' ');
const ACCOUNT = { '/v2/user': { body: { user: { id: 'u1', username: 'octocat' } } } };

test('doctor tells of a token that ends in the next 14 days, by day, and of no other', async () => {
  const ending = (at, zone) => {
    const time = at.toISOString().slice(0, 19).replace('T', ' ');
    return { '/user': { headers: { 'github-authentication-token-expiration': `${time} ${zone}` } } };
  };
  const soon = new Date(Date.now() + 5.5 * DAY_MS);
  const { status, found } = await ask('github', ending(soon, 'UTC'));
  assert.equal(status, 0);
  assert.deepEqual(found.map(({ verdict }) => verdict), ['ok', 'warning']);
  assert.equal(found[1].what, `the token for GitHub ends on ${dateOf(soon)}, in 5 days`);
  assert.match(found[1].advice, REPLACED);
  assert.match(found[1].link, /\/settings\/tokens$/);
  assert.equal((await ask('github', ending(new Date(Date.now() + 15 * DAY_MS), 'UTC'))).found.length, 1);
  // The same instant as another zone has it: 13 days and 20 hours from now.
  const zoned = await ask('github', ending(new Date(Date.now() + (13 * 24 + 22) * 3600 * 1000), '+0200'));
  assert.match(zoned.found[1].what, /, in 13 days$/);
  const vercel = (token) => ask('vercel', { ...ACCOUNT, '/v5/user/tokens/current': { body: { token } } });
  const tomorrow = await vercel({ expiresAt: Date.now() + 1.2 * DAY_MS });
  assert.match(tomorrow.found[1].what, /^the token for Vercel ends on \d+ \w+ \d{4}, in 1 day$/);
  assert.equal((await vercel({ id: 't' })).found.length, 1);
});

test('doctor tells which organisations of the token would refuse the steps, and why', async () => {
  const refused = { status: 403, body: { message: ALLOW_LIST } };
  const signOn = {
    status: 403,
    headers: { 'x-github-sso': 'required; url=https://github.com/orgs/signed/sso?authorization_request=A1' },
    body: { message: SIGN_ON },
  };
  const { status, found } = await ask('github', {
    ...PERSON,
    '/user/orgs': { body: [{ login: 'acme' }, { login: 'signed' }] },
    '/user/repos': {
      body: [
        { owner: { login: 'octocat', type: 'User' } },
        { owner: { login: 'acme', type: 'Organization' } },
        { owner: { login: 'open', type: 'Organization' } },
        { owner: { login: 'gone', type: 'Organization' } },
      ],
      headers: { 'x-github-sso': 'partial-results; organizations=21955855,20582480' },
    },
    '/orgs/acme': refused,
    '/orgs/signed': signOn,
    '/orgs/open': { body: { login: 'open', plan: { name: 'team', seats: 5, filled_seats: 5, private_repos: 999 } } },
    '/orgs/open/actions/permissions': { body: { enabled_repositories: 'none' } },
    '/orgs/acme/actions/permissions': refused,
  });
  assert.equal(status, 0);
  assert.deepEqual(found.slice(1).map(({ verdict }) => verdict), Array(5).fill('warning'));
  const [hidden, allowList, single, seats, actions] = found.slice(1);
  assert.match(hidden.what, /single sign-on of organisations \(ids: 21955855,20582480\)/);
  assert.match(allowList.what, /GET \/orgs\/acme: .*IP allow list/);
  assert.match(allowList.advice, /add the address of the workers to its IP allow list/);
  assert.match(single.what, /GET \/orgs\/signed: /);
  assert.equal(single.link, 'https://github.com/orgs/signed/sso?authorization_request=A1');
  assert.match(seats.what, /all 5 seats of the plan of open are in use/);
  assert.match(actions.what, /GitHub Actions are off in all repositories of open/);
});

test('doctor tells which scopes a token of the older kind lacks, and of no other kind', async () => {
  const scoped = (scopes) => {
    const user = { ...PERSON['/user'], headers: { ...PERSON['/user'].headers, 'x-oauth-scopes': scopes } };
    return ask('github', { ...PERSON, '/user': user });
  };
  for (const [scopes, lacking] of [
    ['repo, workflow, delete_repo', []],
    ['delete_repo,repo,workflow', []],
    ['public_repo, workflow_x', ['repo', 'workflow', 'delete_repo']],
    ['repo', ['workflow', 'delete_repo']],
    ['', []],
  ]) {
    const { status, found } = await scoped(scopes);
    assert.equal(status, 0);
    const told = found.map(({ what }) => /has no scope (\w+)/.exec(what)?.[1]).filter((name) => name !== undefined);
    assert.deepEqual(told, lacking, scopes);
  }
});

test('doctor tells what keeps Vercel from deploying', async () => {
  const { status, found } = await ask('vercel', {
    '/v2/user': { body: { user: { id: 'u1', softBlock: { blockedAt: 1, reason: 'FAIR_USE_LIMITS_EXCEEDED' } } } },
    '/v1/integrations/git-namespaces': {
      body: [{ slug: 'acme', requireReauth: true }, { slug: 'closed', isAccessRestricted: true }, { slug: 'fine' }],
    },
    '/v10/projects': {
      body: {
        projects: [
          { name: 'pinned', autoAssignCustomDomains: false },
          { name: 'other' },
          { name: 'third', autoAssignCustomDomains: true },
        ],
      },
    },
  });
  assert.equal(status, 1, 'an account that is blocked is a fault');
  const [, block, login, restricted, pinned, ...more] = found;
  assert.equal(block.verdict, 'fault');
  assert.match(block.what, /has blocked the account: FAIR_USE_LIMITS_EXCEEDED/);
  assert.match(login.what, /login to acme at GitHub has ended/);
  assert.match(restricted.what, /access to closed at GitHub is restricted/);
  assert.match(pinned.what, /production is pinned by an Instant Rollback .*: pinned$/);
  assert.match(pinned.advice, /promote/);
  assert.deepEqual(more, []);
  const none = await ask('vercel', { ...ACCOUNT, '/v1/integrations/git-namespaces': { body: [] } });
  assert.equal(none.status, 0);
  assert.match(none.found[1].what, /sees no account of GitHub/);
  assert.match(none.found[1].advice, /Install Vercel's GitHub app/);
  const away = await ask('vercel', { ...ACCOUNT, '/v5/user/tokens/current': { status: 503 } });
  assert.equal(away.found.length, 2);
  assert.match(away.found[1].what, /Vercel has a problem of its own \(503\)/);
  assert.equal(peer.count('GET', /projects/), 0, 'who does not answer is asked no more');
  const team = { '/v2/teams/team_1': { body: { limited: true, limitedBy: ['scope'] } } };
  const limited = await ask('vercel', team, '--vercel-team', 'team_1');
  assert.equal(limited.status, 1);
  assert.match(limited.found[1].what, /only a part of the team/);
  const roleOf = async (membership) => {
    const answers = { '/v2/teams/team_1': { body: { membership } } };
    return (await ask('vercel', answers, '--vercel-team', 'team_1')).found.map(({ what }) => what);
  };
  assert.match((await roleOf({ role: 'VIEWER' }))[1], /the role VIEWER in the team, which creates no projects/);
  assert.equal((await roleOf({ role: 'MEMBER' })).length, 1);
  assert.equal((await roleOf({ role: 'CONTRIBUTOR', teamPermissions: ['CreateProject'] })).length, 1);
});

test('doctor reads all pages of the projects', async () => {
  const page = (next, name) => ({
    body: { projects: [{ name, autoAssignCustomDomains: false }], pagination: { count: 1, next, prev: null } },
  });
  const pages = { null: page(1700000000000, 'first'), 1700000000000: page('abc', 'second'), abc: page(null, 'third') };
  const answers = { ...ACCOUNT, get '/v10/projects'() {
    return pages[new URL(peer.calls.at(-1).path, peer.url).searchParams.get('from')];
  } };
  const { found } = await ask('vercel', answers);
  assert.deepEqual(found.slice(1).map(({ what }) => what.split(': ').at(-1)), ['first', 'second', 'third']);
  // An API that never ends its list is not read for ever.
  const endless = await ask('vercel', { ...ACCOUNT, '/v10/projects': page('again', 'one') });
  assert.ok(endless.found.length > 1);
  assert.equal(peer.count('GET', /projects/), 20);
});

test('doctor tells of an App that is not installed any more', async () => {
  const key = path.join(stack.folder, 'app.pem');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await writeFile(key, privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });
  const app = ['--github-app-id', '1', '--github-installation-id', '777', '--github-app-key-file', key];
  const page = { '/app': { body: { html_url: 'https://github.com/apps/slip' } } };
  const { status, found } = await ask('github', page, ...app);
  assert.equal(status, 1);
  assert.equal(found.length, 1);
  assert.match(found[0].what, /installation 777 of the app is not there any more/);
  assert.match(found[0].advice, /Install the app on the organisation/);
  assert.equal(found[0].link, 'https://github.com/apps/slip/installations/new');
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
