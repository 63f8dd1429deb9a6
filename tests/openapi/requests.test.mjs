// Every request that an action can make is one that its provider's OpenAPI description has.
//
// The actions' unit tests are run with SLIPWAY_RECORD set; what they leave is validated. That every call of an action
// is among it is checked against the sources.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access, constants, mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
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

// What was built of these sources, by what the compiler wrote down of each object: a program that is older than one of
// them says what another version sends.
async function sources() {
  const folder = path.join(build, 'obj');
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.d'));
  const wanted = names.filter((name) => !/^tests\/(?!harness\/|workflows\/)/.test(name));
  const texts = await Promise.all(wanted.map((name) => readFile(path.join(folder, name), 'utf8')));
  const actions = (await readdir('workflows/actions')).filter((name) => name.endsWith('.c'));
  const rule = (text) => text.replaceAll('\\\n', ' ').split('\n')[0].split(': ')[1];
  const listed = texts.flatMap((text) => rule(text).trim().split(/\s+/));
  const found = new Set([...listed, ...actions.map((name) => `workflows/actions/${name}`)]);
  return new Map(await Promise.all([...found].map(async (name) => [name, (await stat(name)).mtimeMs])));
}

// By the tests that there are: one whose program is missing is not left out, and a program without its test not run.
async function programs() {
  const times = await sources();
  const tests = (await readdir('tests/workflows')).filter((name) => /^test_\w+\.c$/.test(name));
  assert.ok(tests.length > 10 && times.size > 100, 'the tests and what they are built of are found');
  return Promise.all(
    tests.map(async (name) => {
      const program = path.join(build, 'tests', 'workflows', path.basename(name, '.c'));
      await access(program, constants.X_OK);
      const { mtimeMs } = await stat(program);
      // Of the other tests' sources it is not made.
      const newer = [...times].filter(([source, time]) => time > mtimeMs && !/^tests\/workflows\//.test(source));
      assert.deepEqual(newer.map(([source]) => source), [], `${program} is older than these: make it first`);
      assert.ok((await stat(`tests/workflows/${name}`)).mtimeMs <= mtimeMs, `${program} is older than its source`);
      return program;
    }),
  );
}

// What the program's tests sent to providers.
async function recordOf(program) {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-openapi-'));
  try {
    await run(program, { env: { ...process.env, SLIPWAY_RECORD: folder } }).catch((error) =>
      assert.fail(`${program} fails, which says nothing of its requests:\n${error.stdout}${error.stderr}`),
    );
    const names = (await readdir(folder)).sort();
    return await Promise.all(names.map(async (name) => JSON.parse(await readFile(path.join(folder, name), 'utf8'))));
  } finally {
    await rm(folder, { recursive: true });
  }
}

// What stands in an action's source: 'GET /repos/{}' for each call, and for each member of a call's body
// 'POST /repos/{}/forks name'. A record may stand in another file of `all`; a path may be a macro, and where it is an
// argument nothing is known of the call.
function callsIn(file, ownText, allText) {
  // Where a line ends says nothing.
  const [source, all] = [ownText, allText].map((text) => text.replace(/\s+/g, ' '));
  const calls = [];
  let written = 0;
  const fieldsOf = (record) => {
    const from = new RegExp(`struct record ${record} = RECORD\\(`).test(source) ? source : all;
    const table = new RegExp(`struct record ${record} = RECORD\\([^,]+, (\\w+)\\)`).exec(from)[1];
    const rows = new RegExp(`struct field ${table}\\[\\] = \\{([\\s\\S]*?)\\};`).exec(from)[1];
    return [...rows.matchAll(/_FIELD\("(\w+)"/g)].map(([, name]) => name);
  };
  const pathOf = (text) => {
    const literal = /\.path = "([^"]+)"/.exec(text)?.[1];
    const name = /\.path = (\w+)/.exec(text)?.[1];
    return literal ?? new RegExp(`#define ${name}\\s+"([^"]+)"`).exec(source)?.[1];
  };
  for (const [, text] of source.matchAll(/struct provider_request \w+ = \{([^;]*);/g)) {
    written += 1;
    const method = /\.method = HTTP_(\w+)/.exec(text)?.[1] ?? 'GET';
    const path_ = pathOf(text);
    if (path_ === undefined) continue;
    const call = `${method} ${templateOf(path_)}`;
    const record = /\.body_record = &(\w+)/.exec(text)?.[1];
    calls.push(call, ...(record === undefined ? [] : fieldsOf(record).map((name) => `${call} ${name}`)));
  }
  const paths = source.match(/[\s{]\.path = /g)?.length ?? 0;
  assert.equal(written, paths, `${file}: a call is written as this test does not read it`);
  return calls;
}

async function callsOfActions() {
  const folder = path.join('workflows', 'actions');
  const files = (await readdir(folder)).filter((file) => file.endsWith('.c'));
  const sources = await Promise.all(files.map((file) => readFile(path.join(folder, file), 'utf8')));
  return files.flatMap((file, i) => callsIn(file, sources[i], sources.join('\n')));
}

test('what the actions send is what the descriptions have', async () => {
  const requests = [];
  for (const program of await programs()) requests.push(...(await recordOf(program)));
  const { problems, seen } = judge(descriptions, requests);
  assert.deepEqual(problems, []);
  const unseen = (await callsOfActions()).filter((call) => !seen.has(call));
  assert.deepEqual(unseen, [], 'calls of actions, or members of their bodies, that no unit test of theirs sends');
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
  [
    /NOT have additional properties private_repository/,
    'POST',
    `${GITHUB}/repos/acme/docs/generate`,
    { name: 'docs', private_repository: true },
  ],
  [
    /body\/0\/type must be equal to one of/,
    'POST',
    `${VERCEL}/v10/projects/docs/env`,
    [{ ...variable, type: 'open' }],
  ],
  [
    /body\/0 must have required property 'value'/,
    'POST',
    `${VERCEL}/v10/projects/docs/env`,
    [{ ...variable, value: undefined }],
  ],
  [
    /body\/0 must have required property 'target'/,
    'POST',
    `${VERCEL}/v10/projects/docs/env`,
    [{ ...variable, target: undefined }],
  ],
  [
    /body must have required property 'name'/,
    'POST',
    `${VERCEL}/v10/projects/docs/domains`,
    { domain: 'example.org' },
  ],
  [
    /body: the operation takes no text\/plain/,
    'POST',
    `${GITHUB}/repos/acme/docs/generate`,
    'name=docs',
    { 'Content-Type': 'text/plain' },
  ],
];

for (const [wanted, method, url, body, headers] of bad) {
  test(`refuses ${method} ${url} ${body === undefined ? '' : JSON.stringify(body)}`, () => {
    const problems = problemsOf(method, url, JSON.parse(JSON.stringify(body ?? null)), headers);
    assert.ok(
      problems.some((problem) => wanted.test(problem)),
      problems.join('\n') || 'it was accepted',
    );
    assert.ok(problems.every((problem) => problem.startsWith(`${method} ${new URL(url).pathname}`)));
  });
}

test('a run that recorded nothing fails', () => {
  assert.deepEqual(judge(descriptions, []).problems, ['no request was recorded']);
});
