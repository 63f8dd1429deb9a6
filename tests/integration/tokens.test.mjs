// Who may do what: every kind of token with every mode and route of the code, on apps that it reaches and on others;
// and that whatever is wrong with a token has the same response. Spoken to slipway-api itself, as in production.
//
// covers: src/api/authorise.c src/api/route_tokens.c src/api/token_memory.c src/store/tokens.c
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Api } from '../harness/api.mjs';
import { TESTER } from '../harness/redis.mjs';
import { build, until } from './stack.mjs';

// What each needs. `app`: it is about one app; `whole`: it shows those of others, so it is for no token of some apps
// only. `browser`: the modes with which a browser token may call it, [] for any.
const MODES = { start: 'deploy', retry: 'deploy', skip: 'deploy', trigger: 'deploy', poll: 'read', configure: 'deploy',
  cancel: 'deploy', plan: 'deploy', validate: 'read' };
const ROUTES = {
  'GET /api/deploy': { role: 'read', app: true, browser: ['poll'], query: 'workflowId=hello&appId=' },
  'POST /api/deploy': { role: 'read', browser: [] },
  'POST /api/tokens': { role: 'deploy' },
  'GET /api/workflows': { role: 'read', browser: [] },
  'GET /api/apps': { role: 'read' },
  'GET /api/apps/{app}': { role: 'read', app: true },
  'GET /api/apps/{app}/deployments': { role: 'read', app: true },
  'GET /api/apps/{app}/history': { role: 'read', app: true },
  'GET /api/apps/{app}/resources': { role: 'read', app: true },
  'GET /api/apps/{app}/events': { role: 'read', app: true },
  'GET /api/apps/{app}/users': { role: 'read', app: true },
  'GET /api/workers': { role: 'read', whole: true },
  'GET /metrics': { role: 'read', whole: true },
  'GET /healthz': { role: 'none' },
  'GET /readyz': { role: 'none' },
};
const RANKS = ['none', 'read', 'deploy', 'admin'];
const APPS = ['docs-1', 'docs-2', 'shop-1'];
const TENANTS = ['default', 'acme'];
const INPUTS = { greet: { text: 'hello' } };

let api;
const callers = [];

const matches = (text, expression) => [...text.matchAll(expression)].map((match) => match[1]);

async function makeCallers() {
  for (const tenant of TENANTS) {
    for (const role of ['read', 'deploy', 'admin']) {
      for (const prefix of ['', 'docs']) callers.push({ name: `${tenant}, ${role}, apps '${prefix}'`, role, prefix,
        token: api.token(role, { prefix, tenant }).text });
    }
    const maker = api.token('deploy', { tenant }).text;
    for (const modes of [['poll'], ['start', 'poll', 'validate'], ['trigger']]) {
      const made = await api.request(maker, 'POST', '/api/tokens', { appId: 'docs-1', minutes: 5, modes });
      assert.equal(made.status, 201, made.text);
      callers.push({ name: `${tenant}, browser, ${modes}`, role: 'deploy', prefix: '', only: 'docs-1', modes,
        token: made.body.token });
    }
  }
  callers.push({ name: 'nobody', role: 'none', prefix: '', token: undefined });
}

before(async () => {
  api = await Api.start();
  await makeCallers();
});
after(() => api.stop());

const reaches = (caller, app) => app.startsWith(caller.prefix) && (caller.only ?? app) === app;
const has = (caller, role) => RANKS.indexOf(caller.role) >= RANKS.indexOf(role);

// A request that does nothing: what lets it through refuses it for what it lacks, or shows that nothing is there.
function assertAnswer(answer, caller, allowed, what) {
  const told = `${caller.name}: ${what}: ${answer.status} ${answer.text}`;
  if (caller.token === undefined && !allowed) {
    assert.equal(answer.status, 401, told);
    assert.equal(answer.body.class, 'unauthorized', told);
  } else if (allowed) {
    assert.ok(![401, 403].includes(answer.status), told);
  } else {
    assert.equal(answer.status, 403, told);
    assert.equal(answer.body.class, 'not_allowed', told);
    assert.ok(answer.body.remedy.text.length > 0, told);
  }
}

test('the table has every mode and every route of the code', async () => {
  const deploy = await readFile(new URL('../../src/api/route_deploy.c', import.meta.url), 'utf8');
  assert.deepEqual(matches(deploy, /^\s+MODE\((\w+)\)/gm).sort(), Object.keys(MODES).sort());
  const list = await readFile(new URL('../../src/api/routes.c', import.meta.url), 'utf8');
  const found = [];
  for (const name of matches(list, /^\s+ROUTE\((\w+)\)/gm)) {
    const file = name === 'poll' ? 'mode_poll' : `route_${name}`;
    const source = await readFile(new URL(`../../src/api/${file}.c`, import.meta.url), 'utf8');
    const [, method, path] = /\.method = "(\w+)",\s+\.path = "([^"]+)"/.exec(source);
    found.push(`${method} ${path}`);
  }
  assert.deepEqual(found.sort(), Object.keys(ROUTES).sort());
});

for (const [mode, role] of Object.entries(MODES)) {
  test(`mode ${mode}: for ${role}, of apps that the token reaches`, async () => {
    for (const caller of callers) {
      for (const app of APPS) {
        const allowed = has(caller, role) && reaches(caller, app) && (caller.modes ?? [mode]).includes(mode);
        assertAnswer(await api.post(caller.token, { mode, appId: app }), caller, allowed, `${mode} ${app}`);
      }
    }
  });
}

for (const [name, route] of Object.entries(ROUTES)) {
  test(`${name}: for ${route.role}`, async () => {
    const [method, path] = name.split(' ');
    for (const caller of callers) {
      for (const app of route.app ? APPS : ['']) {
        const mayBrowse = caller.modes === undefined || route.role === 'none' ||
          (route.browser !== undefined && route.browser.every((mode) => caller.modes.includes(mode)));
        const allowed = has(caller, route.role) && (!route.app || reaches(caller, app)) && mayBrowse &&
          !(route.whole && (caller.prefix !== '' || caller.only !== undefined));
        const uri = `${path.replace('{app}', app)}${route.query ? `?${route.query}${app}` : ''}`;
        const body = method === 'POST' ? {} : undefined;
        assertAnswer(await api.request(caller.token, method, uri, body), caller, allowed, `${name} ${app}`);
      }
    }
  });
}

test('an app that is there and one that is not are refused in the same words', async () => {
  const whole = api.token('deploy').text;
  const docs = api.token('deploy', { prefix: 'docs' });
  assert.equal((await api.post(whole, { mode: 'start', appId: 'shop-1', workflowId: 'hello', inputs: INPUTS })).status,
    202);
  const ask = async (app) => [await api.post(docs.text, { mode: 'poll', appId: app, workflowId: 'hello' }),
    await api.get(docs.text, `/api/deploy?appId=${app}&workflowId=hello`),
    await api.get(docs.text, `/api/apps/${app}`)].map(({ head, text }) => head + text);
  assert.deepEqual(await ask('shop-1'), await ask('shop-0'));
});

test('a list of apps has those that the token reaches, page by page, and no cursor names another', async () => {
  const whole = api.token('deploy').text;
  for (const appId of ['docs-8', 'shop-8', 'docs-9', 'shop-9']) {
    await api.post(whole, { mode: 'start', appId, workflowId: 'hello', inputs: INPUTS });
  }
  const names = async (token) => (await api.get(token, '/api/apps')).body.apps.map((app) => app.appId);
  assert.ok((await names(whole)).includes('shop-9'));
  const own = await names(api.token('read', { prefix: 'docs' }).text);
  assert.ok(own.includes('docs-9') && own.every((name) => name.startsWith('docs')), `${own}`);
  const { text } = api.token('read', { prefix: 'docs' });
  const paged = [];
  for (let after = ''; after !== null;) {
    const { body } = await api.get(text, `/api/apps?limit=1${after && `&after=${after}`}`);
    paged.push(...body.apps.map((app) => app.appId));
    assert.doesNotMatch(`${body.next}`, /shop/);
    after = body.next;
  }
  assert.deepEqual(paged, own);
});

test('who uses an app is counted, and not named, where the token does not reach it', async () => {
  const whole = api.token('deploy').text;
  const inputs = { greet: { text: '${app.docs-7.hello.greet.text}' } };
  await api.post(whole, { mode: 'start', appId: 'docs-7', workflowId: 'hello', inputs: INPUTS });
  const start = (appId) => api.post(whole, { mode: 'start', appId, workflowId: 'hello', inputs });
  for (const appId of ['shop-7', 'docs-6']) await start(appId);
  const users = async (text) => {
    const { body } = await api.get(text, '/api/apps/docs-7/users');
    return [body.users.map((user) => user.appId).sort(), body.hidden];
  };
  assert.deepEqual(await users(whole), [['docs-6', 'shop-7'], 0]);
  assert.deepEqual(await users(api.token('read', { prefix: 'docs' }).text), [['docs-6'], 1]);
});

test('a token of some apps refers to the outputs of no others', async () => {
  const { text } = api.token('deploy', { prefix: 'docs' });
  const send = (more) => api.post(text, { mode: 'start', appId: 'docs-1', workflowId: 'hello', ...more });
  const of = (app) => ({ inputs: { greet: { text: `\${app.${app}.hello.greet.text}` } } });
  const broken = { inputs: { greet: { text: '${broken ${app.shop-1.hello.greet.text}' } } };
  for (const [body, status] of [[of('shop-1'), 403], [broken, 422],
    [{ inputs: { ...broken.inputs, zzz: of('shop-1') } }, 403],
    [{ inputs: INPUTS, after: [{ appId: 'shop-1', workflowId: 'hello' }] }, 403]]) {
    const refused = await send(body);
    assert.equal(refused.status, status, refused.text);
  }
  const configured = await api.post(text, { mode: 'configure', appId: 'docs-1', ...of('shop-1') });
  assert.equal(configured.status, 403, configured.text);
  assert.notEqual((await send(of('docs-2'))).status, 403);
});

test('a token of some apps neither makes nor replaces what all apps share', async () => {
  const keys = spawnSync(path.join(build, 'slipway'), ['key', path.join(api.folder, 'secrets.keys')],
    { encoding: 'utf8' }).stdout;
  const [, key] = /^SLIPWAY_SECRETS_PUBLIC_KEY=(\S+)\n$/.exec(keys);
  const sealing = await Api.start({ flags: ['--secrets-public-key', key] });
  try {
    const secrets = (more) => ({ KEY: { generate: {}, ...more } });
    const send = (token, more, rest) => sealing.post(token.text ?? token, { mode: 'configure', appId: 'docs-1',
      secrets: secrets(more), ...rest });
    const stored = () => sealing.redis.cli(TESTER, 'HGETALL', 'slipway:{0}:shared:default');
    const whole = sealing.token('deploy');
    const limited = [sealing.token('deploy', { prefix: 'docs' }).text, (await sealing.request(whole.text, 'POST',
      '/api/tokens', { appId: 'docs-1', minutes: 5, modes: ['configure', 'validate'] })).body.token];
    const refuse = async (...request) => {
      const before = stored();
      const refused = await send(...request);
      assert.equal(refused.status, 403, refused.text);
      assert.equal(refused.body.class, 'not_allowed');
      assert.match(refused.text, /shared secret/);
      assert.equal(stored(), before);
    };
    for (const token of limited) await refuse(token, { shared: 'session' });
    assert.equal((await send(whole, { shared: 'session' })).status, 200);
    for (const token of limited) {
      await refuse(token, { shared: 'session' });
      await refuse(token, { shared: 'session', anew: true });
      await refuse(token, { shared: 'session' }, { mode: 'validate', workflowId: 'hello' });
    }
    assert.equal((await send(limited[0], {}, { appId: 'docs-2' })).status, 200);
  } finally {
    await sealing.stop();
  }
});

// ---- whatever is wrong with a token ----

test('unknown, wrong, malformed, expired and revoked tokens have the same response, byte by byte', async () => {
  const good = api.token('admin');
  const [expired, revoked] = [api.token('admin'), api.token('admin')];
  const browser = (await api.request(good.text, 'POST', '/api/tokens', { appId: 'a', minutes: 1, modes: ['poll'] }))
    .body.token;
  api.redis.cli(TESTER, 'PEXPIRE', `slipway:token:${expired.id}`, '1');
  await until(() => api.redis.cli(TESTER, 'EXISTS', `slipway:token:${expired.id}`) === '0', 'it has expired');
  assert.equal(api.command('revoke', revoked.id).status, 0);
  const secret = 'A'.repeat(43);
  const wrong = ['', 'x', `sw_${'0'.repeat(16)}_${secret}`, `sw_${good.id}_${secret}`,
    `swb_${browser.slice(4, 36)}_${secret}`, expired.text,
    revoked.text, good.text.toUpperCase(), `${good.text}x`, `${good.text} x`,
    good.text.replace('sw_', 'swb_'), browser.replace('swb_', 'sw_'), `sw_*_${secret}`];
  const answers = [await api.get(undefined, '/api/workflows')];
  for (const token of wrong) answers.push(await api.get(token, '/api/workflows'));
  for (const header of [good.text, `Basic ${good.text}`, `Bearer${good.text}`, 'Bearer', `Token ${good.text}`]) {
    answers.push(await api.get(undefined, '/api/workflows', { authorization: header }));
  }
  for (const answer of answers) {
    assert.equal(answer.status, 401);
    assert.equal(answer.header('WWW-Authenticate'), 'Bearer');
    assert.equal(answer.head + answer.text, answers[0].head + answers[0].text);
  }
  for (const header of [`bearer ${good.text}`, `BEARER   ${good.text}`]) {
    assert.equal((await api.get(undefined, '/api/workflows', { authorization: header })).status, 200);
  }
});

test('a revoked token is refused although the process has it in mind, and so is a browser token of it', async () => {
  const { text, id } = api.token('deploy');
  const made = await api.request(text, 'POST', '/api/tokens', { appId: 'docs-1', minutes: 60, modes: ['poll'] });
  const poll = (token) => api.get(token, '/api/deploy?appId=docs-1&workflowId=hello');
  for (const token of [text, made.body.token]) assert.equal((await poll(token)).status, 200);
  api.command('revoke', id);
  for (const token of [text, made.body.token]) {
    await until(async () => (await poll(token)).status === 401, 'it is refused');
    assert.equal((await poll(token)).status, 401);
  }
});

test('a poll that is held when its token is revoked tells nothing; the same poll of another goes on', async () => {
  const [leaves, stays, other] = [api.token('read'), api.token('read'), api.token('deploy')];
  const uri = '/api/deploy?appId=docs-held&workflowId=hello';
  const tag = (await api.get(stays.text, uri)).header('ETag').slice(1, -1);
  const held = [leaves, stays].map(({ text }) => api.get(text, `${uri}&since=${tag}&wait=25`));
  await until(() => / cmd=xread /.test(api.redis.cli(TESTER, 'CLIENT', 'LIST')), 'they are held');
  api.command('revoke', leaves.id);
  await until(async () => (await api.get(leaves.text, uri)).status === 401, 'it is refused');
  await api.post(other.text, { mode: 'start', appId: 'docs-held', workflowId: 'hello', inputs: INPUTS });
  const [refused, shown] = await Promise.all(held);
  assert.equal(refused.status, 401);
  assert.equal(shown.status, 200);
  assert.equal(shown.body.actions[0].status, 'running');
});

test('a caller who was there just before costs no command more than the request', async () => {
  const calls = () => Number(/cmdstat_hmget:calls=(\d+)/.exec(api.redis.cli(TESTER, 'INFO', 'commandstats'))[1]);
  const cost = async (text) => {
    const before = calls();
    await api.get(text, '/api/deploy?appId=docs-1&workflowId=hello&actionId=greet');
    return calls() - before;
  };
  // Of another token each time: a slow machine may come back too late, and a slow Redis is asked again.
  await until(async () => {
    const { text } = api.token('read');
    const first = await cost(text);
    return (await cost(text)) === first - 1;
  }, 'it is remembered');
});

test('where the login may not read tokens, that is no fault of the caller', async () => {
  const { text } = api.token('read');
  const rights = api.redis.cli(TESTER, 'ACL', 'LIST').split('\n').find((line) => line.startsWith('user slipway-api '));
  api.redis.cli(TESTER, 'ACL', 'SETUSER', 'slipway-api', 'clearselectors');
  const answer = await api.requestOnce(text, 'GET', '/api/workflows');
  const words = rights.replace(/^user slipway-api /, '').match(/\([^)]*\)|\S+/g);
  api.redis.cli(TESTER, 'ACL', 'SETUSER', 'slipway-api', ...words);
  assert.ok(answer.status >= 500, answer.text);
  assert.equal((await api.get(text, '/api/workflows')).status, 200);
});

// ---- browser tokens ----

test('a browser token goes no further than its maker, and ends in minutes', async () => {
  const ask = (token, body) => api.request(token, 'POST', '/api/tokens', body);
  const wish = { appId: 'docs-1', minutes: 10, modes: ['poll', 'start'] };
  const maker = api.token('deploy', { prefix: 'docs', label: 'the shop' });
  const made = await ask(maker.text, wish);
  assert.match(made.body.token, new RegExp(`^swb_${maker.id}[0-9a-f]{16}_[A-Za-z0-9_-]{43}$`));
  const left = Date.parse(made.body.expiresAt) - Date.now();
  assert.ok(left > 8 * 60_000 && left <= 11 * 60_000, `${left}`);
  const key = `slipway:browser:${made.body.token.split('_')[1]}`;
  const ttl = Number(api.redis.cli(TESTER, 'PTTL', key));
  assert.ok(ttl > 0 && ttl <= 600_000, `${ttl}`);
  assert.equal(api.redis.cli(TESTER, 'HGETALL', key).includes(made.body.token.slice(-43)), false);

  assert.equal((await ask(maker.text, { ...wish, appId: 'shop-1' })).status, 403);
  assert.equal((await ask(api.token('read').text, wish)).status, 403);
  assert.equal((await ask(made.body.token, wish)).status, 403);
  for (const [change, place] of [[{ minutes: 0 }, '/minutes'], [{ minutes: 61 }, '/minutes'],
    [{ minutes: '5' }, '/minutes'], [{ modes: [] }, '/modes'], [{ modes: ['fly'] }, '/modes'],
    [{ modes: 'poll' }, '/modes'], [{ appId: 'a:b' }, '/appId'], [{ appId: undefined }, '/appId'],
    [{ role: 'admin' }, '/role'], [{ tenant: 'acme' }, '/tenant']]) {
    const refused = await ask(maker.text, { ...wish, ...change });
    assert.equal(refused.status, 400, refused.text);
    assert.match(refused.body.errors[0].place, new RegExp(`^${place}`), refused.text);
  }
});

test('whoever has the login of slipway-api makes no token that goes further than that of a caller', async () => {
  const make = async (maker) => {
    const made = await api.request(maker.text, 'POST', '/api/tokens',
      { appId: 'docs-1', minutes: 5, modes: ['poll', 'validate'] });
    const [, id, secret] = made.body.token.split('_');
    return { text: made.body.token, id, secret };
  };
  const write = (id, ...fields) => assert.doesNotMatch(
    api.redis.cli('slipway-api', 'HSET', `slipway:browser:${id}`, ...fields), /ERR|NOPERM/);
  const maker = api.token('deploy', { prefix: 'docs' });
  for (const fields of [['tenant', 'acme'], ['app', 'shop-1'], ['app', ''], ['role', ''], ['hash', ''],
    ['modes', 'x'.repeat(500)]]) {
    const forged = await make(maker);
    write(forged.id, ...fields);
    assert.equal((await api.get(forged.text, '/api/workflows')).status, 401, `${fields}`);
  }

  // A hash that stands under another id is of another text.
  const { secret, id } = await make(maker);
  const victim = `${api.token('admin').id}${'0'.repeat(16)}`;
  const stored = api.redis.cli(TESTER, 'HGET', `slipway:browser:${id}`, 'hash');
  write(victim, 'hash', stored, 'tenant', 'default', 'role', 'admin', 'app', 'docs-1', 'modes', 'poll');
  assert.equal((await api.get(`swb_${victim}_${secret}`, '/api/workflows')).status, 401);

  // The role of the maker, and never more than deploy.
  const wide = await make(maker);
  write(wide.id, 'role', 'admin', 'modes', 'start');
  api.redis.cli(TESTER, 'HSET', `slipway:token:${maker.id}`, 'role', 'read');
  const refused = await api.post(wide.text, { mode: 'start', appId: 'docs-1', workflowId: 'hello', inputs: INPUTS });
  assert.equal(refused.status, 403, refused.text);
});

// ---- development ----

test('no environment and no file opens the server', async () => {
  const open = await Api.start({ env: { SLIPWAY_DEVELOPMENT: 'yes' } });
  try {
    assert.equal((await open.get(undefined, '/api/workflows', { host: 'localhost' })).status, 401);
  } finally {
    await open.stop();
  }
});

test('where none is needed, one that is sent must be valid all the same', async () => {
  const open = await Api.start({ flags: ['--development', 'yes'] });
  try {
    assert.equal((await open.get(undefined, '/api/workflows')).status, 200);
    assert.equal((await open.get(undefined, '/api/workflows', { host: 'elsewhere.example' })).status, 421);
    assert.equal((await open.get('sw_x', '/api/workflows')).status, 401);
    const { text } = open.token('read');
    assert.equal((await open.post(text, { mode: 'start', appId: 'a', workflowId: 'hello' })).status, 403);
    assert.equal((await open.request(undefined, 'POST', '/api/tokens', { appId: 'a', minutes: 1, modes: ['poll'] }))
      .status, 403);
  } finally {
    await open.stop();
  }
});

// ---- who it was ----

test('what a token made names it, and no token stands in the log', async () => {
  const { text, id } = api.token('deploy', { label: 'a shop' });
  const started = await api.post(text, { mode: 'start', appId: 'docs-who', workflowId: 'hello', inputs: INPUTS });
  assert.equal(started.body.deployment?.actor ?? started.body.actor, id, started.text);
  assert.equal(api.redis.cli(TESTER, 'HGET', 'slipway:{0}:app:default:docs-who:hello:greet', 'actor'), id);
  const triggered = await api.post(text, { mode: 'trigger', appId: 'docs-who2', workflowId: 'hello', actionId: 'greet',
    inputs: INPUTS });
  assert.equal(triggered.status, 202);
  assert.equal(api.redis.cli(TESTER, 'HGET', 'slipway:{0}:app:default:docs-who2:hello:greet', 'actor'), id);
  await until(() => api.log.includes(` token=${id} `), 'the log names it');
  for (const caller of callers) assert.equal(api.log.includes(caller.token ?? 'sw_'), false);
});
