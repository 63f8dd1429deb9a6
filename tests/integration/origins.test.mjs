// Pages of other sites: closed as shipped; where an origin is listed, that one is named, and no other.
//
// covers: src/api/origins.c
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { Api } from '../harness/api.mjs';
import { build } from './stack.mjs';

const OWN = 'https://app.example.com';
let closed;
let listed;
let token;

before(async () => {
  const flags = ['--origins', `${OWN} http://localhost:5173`];
  [closed, listed] = await Promise.all([Api.start(), Api.start({ flags })]);
  token = listed.token('read').text;
});
after(() => Promise.all([closed.stop(), listed.stop()]));

const named = (answer) => answer.head.split('\r\n').filter((line) => /^(Access-Control-|Vary)/.test(line)).sort();
const preflight = (api, origin, uri = '/api/deploy') => api.request(undefined, 'OPTIONS', uri, undefined, { origin,
  'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type' });

test('as shipped no origin is named, and a preflight is a method that is not allowed', async () => {
  const answer = await preflight(closed, OWN);
  assert.equal(answer.status, 405);
  assert.deepEqual(named(answer), []);
  assert.deepEqual(named(await closed.get(closed.token('read').text, '/api/workflows', { origin: OWN })), []);
});

test('a preflight of a listed origin is answered without a token', async () => {
  for (const origin of [OWN, 'http://localhost:5173']) {
    for (const uri of ['/api/deploy', '/api/tokens', '/api/apps/a/events']) {
      const answer = await preflight(listed, origin, uri);
      assert.equal(answer.status, 204);
      assert.equal(answer.text, '');
      assert.equal(answer.header('Content-Length'), undefined);
      assert.deepEqual(named(answer), ['Access-Control-Allow-Headers: Authorization, Content-Type, If-None-Match',
        'Access-Control-Allow-Methods: GET, HEAD, POST', `Access-Control-Allow-Origin: ${origin}`,
        'Access-Control-Max-Age: 600', 'Vary: Origin']);
    }
  }
});

test('what such a page may read of a response is named, also of a refusal', async () => {
  const expected = ['Access-Control-Allow-Origin: https://app.example.com',
    'Access-Control-Expose-Headers: ETag, Retry-After, Allow, X-Request-Id', 'Vary: Origin'];
  for (const [sent, status] of [[token, 200], [undefined, 401], ['sw_x', 401]]) {
    const answer = await listed.get(sent, '/api/workflows', { origin: OWN });
    assert.equal(answer.status, status);
    assert.deepEqual(named(answer), expected);
  }
});

test('no other origin is named, whatever it looks like; but caches are told that it matters', async () => {
  for (const origin of ['', 'null', 'https://app.example.com.evil.example', 'https://app.example.co', `${OWN} `,
    'http://app.example.com', 'https://app.example.com:443', 'HTTPS://APP.EXAMPLE.COM', `${OWN} http://localhost:5173`,
    'https://evil.example']) {
    assert.deepEqual(named(await listed.get(token, '/api/workflows', { origin })), ['Vary: Origin'], origin);
    const answer = await preflight(listed, origin);
    assert.equal(answer.status, 405, origin);
    assert.deepEqual(named(answer), ['Vary: Origin'], origin);
  }
});

test('a held poll of one origin is not answered with the response of another', async () => {
  const uri = '/api/deploy?appId=a&workflowId=hello';
  const tag = (await listed.get(token, uri)).header('ETag').slice(1, -1);
  const held = [OWN, 'http://localhost:5173', 'https://evil.example'].map((origin) =>
    listed.get(token, `${uri}&since=${tag}&wait=1`, { origin }));
  assert.deepEqual((await Promise.all(held)).map((answer) => answer.header('Access-Control-Allow-Origin')),
    [OWN, 'http://localhost:5173', undefined]);
});

test('a setting that is no list of origins is refused at the start', () => {
  for (const value of ['*', 'app.example.com', 'https://', 'https://a.example/', 'https://a.example/path',
    'ftp://a.example', 'https://a.example\nx', `${OWN} *`, 'null', 'https://A.example']) {
    const done = spawnSync(path.join(build, 'slipway-api'), ['--config', '/dev/null', '--origins', value],
      { encoding: 'utf8' });
    assert.equal(done.status, 78, value);
    assert.match(done.stderr, /SLIPWAY_ORIGINS/);
  }
});
