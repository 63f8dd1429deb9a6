// Every request that an action can make is one that its provider's OpenAPI description has.
//
// The actions' unit tests are run with SLIPWAY_RECORD set; what they leave is validated. That every call of an action
// is among it is checked against the sources.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access, constants, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Description, judge, templateOf } from './description.mjs';

const run = promisify(execFile);
const build = path.resolve(process.env.BUILD ?? 'build');
const read = async (name) => JSON.parse(await readFile(new URL(name, import.meta.url), 'utf8'));
const descriptions = {
  github: new Description('github', await read('github.openapi.json')),
  vercel: new Description('vercel', await read('vercel.openapi.json')),
};

async function programs() {
  const folder = path.join(build, 'tests', 'workflows');
  const names = (await readdir(folder)).filter((name) => /^test_\w+$/.test(name));
  const found = names.map((name) => path.join(folder, name));
  await Promise.all(found.map((name) => access(name, constants.X_OK)));
  return found;
}

// What the program's tests sent to providers.
async function recordOf(program) {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-openapi-'));
  try {
    await run(program, { env: { ...process.env, SLIPWAY_RECORD: folder } });
    const names = (await readdir(folder)).sort();
    return await Promise.all(names.map(async (name) => JSON.parse(await readFile(path.join(folder, name), 'utf8'))));
  } finally {
    await rm(folder, { recursive: true });
  }
}

// The calls that stand in the actions' sources, as 'GET /repos/{}'.
async function callsOfActions() {
  const folder = path.join('workflows', 'actions');
  const calls = new Set();
  for (const name of (await readdir(folder)).filter((file) => file.endsWith('.c'))) {
    const text = await readFile(path.join(folder, name), 'utf8');
    for (const [, before, template] of text.matchAll(/struct provider_request \w+ =([^;]*?)\.path = "([^"]+)"/g)) {
      calls.add(`${/\.method = HTTP_(\w+)/.exec(before)?.[1] ?? 'GET'} ${templateOf(template)}`);
    }
    const written = text.match(/\.path = /g)?.length ?? 0;
    const understood = text.match(/struct provider_request \w+ =[^;]*?\.path = "/g)?.length ?? 0;
    assert.equal(understood, written, `${name}: a request's path is not where this test looks for it`);
  }
  return calls;
}

test('what the actions send is what the descriptions have', async () => {
  const requests = [];
  for (const program of await programs()) requests.push(...(await recordOf(program)));
  const { problems, operations } = judge(descriptions, requests);
  assert.deepEqual(problems, []);
  const recorded = new Set([...operations].map((operation) => operation.replace(/^\w+ /, '')));
  const unseen = [...(await callsOfActions())].filter((call) => !recorded.has(call));
  assert.deepEqual(unseen, [], 'calls of actions that no unit test of theirs makes');
});

// ---- the validator itself ----

const GITHUB = 'http://127.0.0.1:1/github';
const VERCEL = 'http://127.0.0.1:1/vercel';

function request(method, url, body = null, headers = body === null ? {} : { 'Content-Type': 'application/json' }) {
  const provider = url.startsWith(GITHUB) ? 'github' : 'vercel';
  return { provider, method, url, requestHeaders: headers, requestBody: body };
}

const problemsOf = (...words) => judge(descriptions, [request(...words)]).problems;

const variable = { key: '***', value: '***', type: 'encrypted', target: ['production'] };
const good = [
  ['GET', `${GITHUB}/repos/acme/docs`],
  ['GET', `${GITHUB}/repos/acme/docs/branches/feature%2Fone`],
  ['GET', `${GITHUB}/repos/acme/docs/commits?per_page=1`],
  ['GET', `${GITHUB}/repos/acme/docs/actions/secrets/public-key`],
  ['POST', `${GITHUB}/repos/acme/docs/forks`],
  ['POST', `${GITHUB}/repos/acme/docs/forks`, { organization: 'acme', default_branch_only: true }],
  ['GET', `${VERCEL}/v9/projects/docs?slug=acme`],
  ['POST', `${VERCEL}/v10/projects/docs/env?upsert=true`, [variable]],
  ['POST', `${VERCEL}/v10/projects/docs/env`, { ...variable, gitBranch: null }],
];

for (const [method, url, body] of good) {
  test(`accepts ${method} ${url} ${body === undefined ? '' : JSON.stringify(body)}`, () => {
    assert.deepEqual(problemsOf(method, url, body), []);
  });
}

const bad = [
  [/the path is not below \/vercel\//, 'GET', 'http://127.0.0.1:1/v9/projects/docs'],
  [/no operation has this path/, 'GET', `${GITHUB}/repository/acme/docs`],
  [/no operation has this path/, 'GET', `${GITHUB}/repos/acme/docs/branches/feature/one/`],
  [/no operation has this path/, 'GET', `${GITHUB}/repos//docs`],
  [/no operation has this path/, 'GET', `${VERCEL}/v8/projects/docs`],
  [/has no such method/, 'PUT', `${GITHUB}/repos/acme/docs`],
  [/query parameter per_page must be integer/, 'GET', `${GITHUB}/repos/acme/docs/commits?per_page=all`],
  [/query parameter page_size is not known/, 'GET', `${GITHUB}/repos/acme/docs/commits?page_size=1`],
  [/query parameter limit must be number/, 'GET', `${VERCEL}/v7/deployments?limit=many`],
  [/query parameter type must be equal to one of/, 'GET', `${GITHUB}/orgs/acme/repos?type=secret`],
  [/body: the operation takes none/, 'GET', `${GITHUB}/repos/acme/docs`, {}],
  [/body is missing/, 'POST', `${GITHUB}/repos/acme/docs/generate`],
  [/body must have required property 'name'/, 'POST', `${GITHUB}/repos/acme/docs/generate`, { owner: 'acme' }],
  [/body\/name must be string/, 'POST', `${GITHUB}/repos/acme/docs/generate`, { name: 5 }],
  [/NOT have additional properties private_repository/, 'POST', `${GITHUB}/repos/acme/docs/generate`,
    { name: 'docs', private_repository: true }],
  [/body\/0\/type must be equal to one of/, 'POST', `${VERCEL}/v10/projects/docs/env`, [{ ...variable, type: 'open' }]],
  [/body\/0 must have required property 'value'/, 'POST', `${VERCEL}/v10/projects/docs/env`,
    [{ ...variable, value: undefined }]],
  [/body must have required property 'name'/, 'POST', `${VERCEL}/v10/projects/docs/domains`, { domain: 'example.org' }],
  [/body: the operation takes no text\/plain/, 'POST', `${GITHUB}/repos/acme/docs/generate`, 'name=docs',
    { 'Content-Type': 'text/plain' }],
];

for (const [wanted, method, url, body, headers] of bad) {
  test(`refuses ${method} ${url} ${body === undefined ? '' : JSON.stringify(body)}`, () => {
    const problems = problemsOf(method, url, JSON.parse(JSON.stringify(body ?? null)), headers);
    assert.ok(problems.some((problem) => wanted.test(problem)), problems.join('\n') || 'it was accepted');
    assert.ok(problems.every((problem) => problem.startsWith(`${method} ${new URL(url).pathname}`)));
  });
}

test('a run that recorded nothing fails', () => {
  assert.deepEqual(judge(descriptions, []).problems, ['no request was recorded']);
});
