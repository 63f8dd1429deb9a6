// The main job with connections whose lists have what it names and nothing else; and what becomes of it where one of
// these is missing.
//
// covers: src/provider/allowance.c src/action/connection.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Stack, build, until } from './stack.mjs';

const TOKEN = 'test_token_admin';
const GITHUB = { repository: ['ACME/sample-site', 'upstream/app-template'] };
const VERCEL = { repository: ['acme/sample-site'], project: ['sample-site'] };
let stack;
let publicKey;

before(async () => {
  stack = await Stack.start();
  const conf = await readFile(path.join(stack.folder, 'conf', 'secrets.conf'), 'utf8');
  publicKey = conf.trim().split('=')[1];
});
after(() => stack.stop());

const slipway = (words, input) => spawnSync(path.join(build, 'slipway'), words, { encoding: 'utf8', input });

function connect(provider, lists, ...more) {
  const flags = Object.entries(lists).flatMap(([name, values]) => values.flatMap((value) => [`--${name}`, value]));
  const made = slipway(['connection', 'add', `${provider}-narrow`, '--tenant', 'default', '--provider', provider,
    '--token-file', '-', '--default', '--replace', '--redis-url', `unix://${stack.folder}/redis.sock`,
    '--secrets-public-key', publicKey, ...flags, ...more], `${TOKEN}\n`);
  assert.equal(made.status, 0, made.stderr);
}

// The sample, with other names.
async function slipwayOf(command, { repo = 'sample-site', project = 'sample-site' } = {}) {
  const sample = JSON.parse(await readFile('conf/dev/sample.json', 'utf8'));
  sample.inputs.repo.name = repo;
  sample.inputs.project.name = project;
  sample.config.checkUrl = `${stack.url}/healthz`;
  const file = path.join(stack.folder, 'site.json');
  await writeFile(file, JSON.stringify(sample));
  return slipway([command, 'site', '--app', 'exact', '--input', file, '--url', stack.url, '--json']);
}

async function stepOf(step) {
  const { body } = await stack.get(`/api/deploy?appId=exact&workflowId=site&actionId=${step}`);
  return body;
}

test('with exact lists the site is planned, made, and made again', async () => {
  connect('github', GITHUB);
  connect('vercel', VERCEL, '--account', 'acme');
  // Nothing is there yet, so the plan knows no id.
  const planned = await slipwayOf('plan');
  assert.equal(planned.status, 0, planned.stdout + planned.stderr);
  const { steps } = JSON.parse(planned.stdout);
  assert.deepEqual(steps.filter((one) => one.error), []);
  assert.ok(steps.some((one) => one.text === 'POST /v13/deployments of Vercel'), planned.stdout);
  for (const time of ['first', 'again']) {
    const ran = await slipwayOf('run');
    assert.equal(ran.status, 0, `${time}: ${ran.stdout}${ran.stderr}`);
  }
});

const CASES = [
  ['the repository', 'github', { repository: ['acme/other', 'upstream/app-template'] }, 'repo', 'acme/sample-site'],
  ['the upstream', 'github', { owner: ['acme'] }, 'repo', 'upstream/app-template', { repo: 'another' }],
  ['the project', 'vercel', { ...VERCEL, project: ['sample-site', 'anothe'] }, 'project', 'another',
    { project: 'another' }],
  ['the linked repository', 'vercel', { repository: ['acme/other'], project: ['another'] }, 'project',
    'acme/sample-site', { project: 'another' }],
];
for (const [what, provider, lists, step, named, names] of CASES) {
  test(`without ${what} in the lists of ${provider} the run ends, and a plan says so before`, async () => {
    connect('github', GITHUB);
    connect('vercel', VERCEL, '--account', 'acme');
    connect(provider, lists, ...(provider === 'vercel' ? ['--account', 'acme'] : []));
    // Workers use what they have found for a second.
    const refused = await until(async () => {
      const { stdout } = await slipwayOf('plan', names);
      const { error } = JSON.parse(stdout).steps.find((one) => one.id === step);
      return error?.message.includes(named) && error;
    }, 'a plan that says so');
    assert.equal(refused.class, 'not_allowed');
    const ran = await slipwayOf('run', names);
    assert.notEqual(ran.status, 0, ran.stdout);
    const { status, error } = await stepOf(step);
    assert.equal(status, 'error');
    assert.equal(error.class, 'not_allowed');
    assert.ok(error.message.includes(named), error.message);
    assert.ok(error.remedy.text.includes(
      `slipway connection add ${provider}-narrow --tenant default --provider ${provider} --replace`,
    ), error.remedy.text);
  });
}
