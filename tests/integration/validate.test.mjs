// Mode `validate`: all that is wrong with the inputs of all steps, said before the first of them is triggered.
//
// covers: src/core/input_check.c src/api/mode_validate.c src/base/faults.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Stack } from './stack.mjs';

const INPUTS = {
  repo: { owner: 'acme', name: 'docs' }, project: { name: 'docs' }, env: {}, domain: { name: 'www.example.org' },
  check: { url: 'https://example.org/' },
};

let stack;
before(async () => { stack = await Stack.start({ flags: ['--no-emulator', '--no-worker'] }); });
after(() => stack.stop());

const validate = (inputs, rest = {}) =>
  stack.post({ mode: 'validate', appId: 'v', workflowId: 'site', inputs, ...rest });

async function everything() {
  const keys = (await stack.redis('KEYS', 'slipway:{0}:*')).split('\n').filter(Boolean).sort();
  return Promise.all(keys.map(async (key) => [key, await stack.redis('DUMP', key)]));
}

// place and step of each, in the order in which they are said.
const places = (answer) => answer.body.errors.map(({ actionId, place }) => [actionId, place]);

test('inputs that fit are valid', async () => {
  const answer = await validate(INPUTS);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  assert.deepEqual(answer.body, { valid: true });
});

test('what is wrong in every step is said at once, with its step and its member', async () => {
  const answer = await validate({
    ...INPUTS, repo: { owner: 'not an owner', nmae: 'docs' }, domain: { name: 'no domain' },
    env: { variables: [{ key: 'GOOD', value: '1' }, { key: '1 BAD', value: 2 }, { value: 'x' }] }, nothing: {},
  });
  assert.equal(answer.status, 422);
  assert.match(answer.headers.get('content-type'), /^application\/problem\+json/);
  assert.equal(answer.body.class, 'invalid_input');
  assert.deepEqual(places(answer), [
    [undefined, '/inputs/nothing'],
    ['repo', '/inputs/repo/nmae'], ['repo', '/inputs/repo/owner'], ['repo', '/inputs/repo/name'],
    ['env', '/inputs/env/variables/1/key'], ['env', '/inputs/env/variables/1/value'],
    ['env', '/inputs/env/variables/2/key'], ['domain', '/inputs/domain/name'],
  ]);
  assert.match(answer.body.detail, /^8 places/);
  const domain = answer.body.errors.at(-1);
  assert.match(domain.message, /'no domain' is not the name of a domain: a name has letters, digits and hyphens/);
  assert.equal(domain.remedy.inputKey, 'name');
});

test('references are checked too: their names, their outputs, and what the app has', async () => {
  const answer = await validate({
    ...INPUTS, project: { name: '${step.repo.nam}', framework: '${config.framework}' },
    check: { url: '${step.nothing.url}', contains: '${secret.WORD}', protectionBypass: '${nonsense}' },
  });
  assert.equal(answer.status, 422);
  assert.deepEqual(places(answer).sort(), [
    ['check', '/inputs/check/contains'], ['check', '/inputs/check/protectionBypass'], ['check', '/inputs/check/url'],
    ['project', '/inputs/project/framework'], ['project', '/inputs/project/name'],
  ]);
});

test('what is stored counts, what is given along goes over it, and nothing is written', async () => {
  await stack.post({ mode: 'configure', appId: 'v', inputs: { repo: { owner: 'acme' } }, config: { name: 'docs' } });
  const before = await everything();
  const inputs = { ...INPUTS, repo: { name: '${config.name}' }, check: { url: 'https://${env.HOST}/' } };
  assert.deepEqual(places(await validate(inputs)), [['check', '/inputs/check/url']]);
  assert.equal((await validate(inputs, { env: { HOST: 'example.org' } })).status, 200);
  assert.deepEqual(places(await validate(inputs, { env: { HOST: 'example.org' }, config: { name: null } })),
    [['repo', '/inputs/repo/name']]);
  assert.deepEqual(await everything(), before);
});

test('an optional step that is given nothing is no fault, and one that is given something is checked', async () => {
  assert.deepEqual(places(await validate({ ...INPUTS, access: {}, files: { message: 7 } })).sort(),
    [['access', '/inputs/access/user'], ['files', '/inputs/files/files'], ['files', '/inputs/files/message']]);
});

test('what a workflow binds to its own repository and project, no input replaces: given, stored, null', async () => {
  const files = { files: [{ path: 'a', content: 'b' }] };
  const given = [
    { files: { ...files, repository: 'other/repo' } }, { env: { project: 'prj_other' } },
    { access: { user: 'me', repository: 'other/repo' } }, { access: { user: 'me', repository: null } },
    { project: { name: 'docs', repositoryId: 7 } }, { deployment: { projectName: 'other' } },
  ];
  for (const [number, inputs] of given.entries()) {
    const [key] = Object.keys(inputs);
    const name = Object.keys(inputs[key]).at(-1);
    const place = `/inputs/${key}/${name}`;
    const app = `bound-${number}`;
    await stack.post({ mode: 'configure', appId: app, inputs });
    for (const own of [inputs, {}]) {
      if (own !== inputs && inputs[key][name] === null) continue; // null is not stored
      const told = await stack.post({ mode: 'validate', appId: app, workflowId: 'site', inputs: own });
      assert.ok(told.body.errors.some((one) => one.place === place && one.actionId === key), JSON.stringify(told.body));
      const step = { mode: 'trigger', appId: app, workflowId: 'site', actionId: key, inputs: own };
      const triggered = await stack.post(step);
      assert.equal(triggered.status, 422, JSON.stringify(triggered.body));
      assert.equal(triggered.body.errors[0].place, place);
      assert.equal(triggered.body.remedy.inputKey, name);
    }
  }
});

test('what it binds as a default an input replaces, and the schema says which is which', async () => {
  const inputs = { ...INPUTS, files: { branch: 'next', message: 'm', files: [{ path: 'a', content: 'b' }] } };
  assert.equal((await validate(inputs)).status, 200);
  const { body } = await stack.get('/api/workflows');
  const steps = body.workflows.find((workflow) => workflow.id === 'site').steps;
  const files = steps.find((step) => step.id === 'files');
  assert.deepEqual(Object.keys(files.bound), ['repository', 'branch']);
  assert.ok('branch' in files.input.properties && !('repository' in files.input.properties));
  for (const step of steps) {
    const own = Object.keys(step.bound).filter((name) => name in step.input.properties);
    assert.ok(own.every((name) => ['branch', 'url'].includes(name)), `${step.id}: ${own}`);
  }
});

test('configure refuses an input that no workflow takes, and deletes one that stands there', async () => {
  const configure = (inputs) => stack.post({ mode: 'configure', appId: 'slip', inputs });
  const refused = await configure({ repo: { name: 'docs' }, reop: { owner: 'acme' } });
  assert.equal(refused.status, 422);
  assert.equal(refused.body.errors[0].place, '/inputs/reop');
  assert.deepEqual((await configure(undefined)).body.inputs, {});
  assert.equal((await configure({ reop: null })).status, 200);
});

test('what an action says beyond its table is told too, by validate and by a trigger', async () => {
  const variables = [
    { key: 'A', value: '', targets: ['preview'] }, { key: 'B', value: 'x', type: 'sensitive' },
    { key: 'C', value: 'x' }, { key: 'C', value: 'y', targets: ['production'] },
  ];
  const files = [{ path: '../up', content: 'x' }, { path: 'a', content: 'x' }, { path: 'a/b', content: 'x' }];
  const given = { ...INPUTS, repo: { ...INPUTS.repo, template: 'o/t', fork: 'o/f' }, access: {}, env: { variables },
    files: { message: 'm', files } };
  const answer = await validate(given);
  assert.deepEqual(places(answer), [
    ['repo', '/inputs/repo/fork'], ['files', '/inputs/files/files/0/path'], ['files', '/inputs/files/files/2/path'],
    ['access', '/inputs/access/user'],
    ['env', '/inputs/env/variables/0/value'], ['env', '/inputs/env/variables/1/targets'],
    ['env', '/inputs/env/variables/3/key'],
  ]);
  assert.equal(answer.body.errors.at(-1).remedy.text, 'Give it only once for each target and branch.');
  assert.equal(answer.body.errors.at(-1).remedy.inputKey, 'variables');
  const refused = await stack.trigger('beyond', 'site', 'repo', { inputs: { repo: given.repo } });
  assert.equal(refused.status, 422);
  assert.equal(refused.body.errors[0].place, '/inputs/repo/fork');
});

// Each was found by the step itself before, after others had made a repository and a project.
test('an address, a branch or a name that can never do is told before anything is made', async () => {
  const urls = ['', 'x', 'ftp://example.org/', 'http://example.org/', 'https://', 'https://:443/',
    'https://u:p@example.org/', 'https://exa mple.org/', 'http://localhost.example.org/', 'http://127.0.0.1.test/'];
  for (const url of urls) {
    assert.deepEqual(places(await validate({ ...INPUTS, check: { url } })), [['check', '/inputs/check/url']], url);
    const stored = await validate({ ...INPUTS, check: { url: '${config.url}' } }, { config: { url } });
    assert.deepEqual(places(stored), [['check', '/inputs/check/url']], url);
  }
  const right = ['HTTPS://example.org', 'https://example.org?a=b@c', 'http://localhost:8080/', 'http://[::1]/',
    'http://127.0.0.1'];
  for (const url of right) assert.equal((await validate({ ...INPUTS, check: { url } })).status, 200, url);

  const both = (branch) => ({ ...INPUTS, protection: { branch },
    files: { branch, message: 'm', files: [{ path: 'a', content: 'b' }] } });
  const branches = ['a..b', '/a', 'a/', 'a//b', 'a.', '.a', 'a/.b', 'a'.repeat(251)];
  const faults = [['files', '/inputs/files/branch'], ['protection', '/inputs/protection/branch']];
  for (const branch of branches) assert.deepEqual(places(await validate(both(branch))), faults, branch);
  for (const branch of ['a', 'release/1.2', 'v1.2.3', 'user@x/a_b-c+d#e=f'])
    assert.equal((await validate(both(branch))).status, 200, branch);

  const variable = { key: 'A', value: 'x', gitBranch: 'a' };
  const env = { variables: [variable, { ...variable, key: 'B', targets: ['preview'] }] };
  const answer = await validate({ ...INPUTS, project: { name: 'a---b' }, env, deployment: { branch: '' } });
  assert.deepEqual(places(answer), [['project', '/inputs/project/name'], ['env', '/inputs/env/variables/0/targets'],
    ['deployment', '/inputs/deployment/branch']]);
});

test('a domain is given as people write it, and what is no name is refused at the trigger', async () => {
  for (const name of ['bäckerei.de', '*.BÄCKEREI.de', 'Example.org.', 'xn--bckerei-5wa.de'])
    assert.equal((await validate({ ...INPUTS, domain: { name } })).status, 200, name);
  for (const name of ['i❤.ws', 'https://example.org', 'a_b.example.org', 'localhost', '203.0.113.77', 'xn--a.de']) {
    const refused = await stack.trigger('domains', 'site', 'domain', { inputs: { domain: { name } } });
    assert.equal(refused.status, 422, name);
    assert.equal(refused.body.errors[0].place, '/inputs/domain/name');
    assert.match(refused.body.remedy.text, /www\.example\.org/);
  }
  const same = await validate({ ...INPUTS, domain: { name: 'bäckerei.de', redirect: 'xn--bckerei-5wa.de' } });
  assert.deepEqual(places(same), [['domain', '/inputs/domain/redirect']]);
});

test('an input that steps share is told of once', async () => {
  const answer = await validate({ teardown: { a: 1 } }, { workflowId: 'teardown' });
  assert.deepEqual(places(answer), [['domains', '/inputs/teardown/a'], ['domains', '/inputs/teardown/confirm']]);
});

test('a great many faults are told of to a bound', async () => {
  const members = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`m${i}`, i]));
  const answer = await validate({ ...INPUTS, repo: members, ...members });
  assert.equal(answer.status, 422);
  assert.equal(answer.body.errors.length, 32);
});

test('a request that is no request is 400', async () => {
  assert.equal((await validate([])).status, 400);
  assert.equal((await validate({}, { env: { A: 1 } })).status, 400);
  assert.equal((await validate({}, { actionId: 'repo' })).status, 400);
});
