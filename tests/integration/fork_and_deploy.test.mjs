// fork-and-deploy, and the teardown of it, end to end; on a good day, and on one when the provider does what it is
// asked and each of its answers to a change is lost once.
//
// covers: workflows/definitions/fork_and_deploy.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { slipway } from './stack.mjs';
import { startBehindFront } from './front.mjs';

let front;
let stack;
let folder;

before(async () => {
  ({ front, stack, folder } = await startBehindFront());
});
after(() => front?.end());

async function runWorkflow(workflow, app, inputs) {
  const file = path.join(folder, `${app}-${workflow}.json`);
  await writeFile(file, JSON.stringify({ inputs }));
  const result = await slipway('run', workflow, '--app', app, '--url', stack.url, '--input', file);
  assert.equal(result.code, 0, `${result.stdout}${result.stderr}${stack.output}`);
  const { body } = await stack.get(`/api/deploy?appId=${app}&workflowId=${workflow}`);
  return Object.fromEntries(body.actions.map((action) => [action.actionId, action]));
}

const forkAndDeploy = (app) =>
  runWorkflow('fork-and-deploy', app, {
    repo: { owner: 'acme', name: app, fork: 'upstream/app-template' },
    codemods: { workflow: 'codemods.yml', inputs: { title: app }, commitExpected: true },
    project: { name: app },
    env: { variables: [{ key: 'SITE_NAME', value: app, type: 'plain' }] },
    domain: { name: `${app}.example.org` },
    check: { url: `${stack.url}/healthz` },
  });

const resources = async (app) =>
  JSON.parse((await slipway('resources', app, '--json', '--redis-url', `unix://${stack.folder}/redis.sock`)).stdout);

// What is made of a kind at the provider, told by the calls that made it.
const made = (app) => ({
  forks: front.changes(/^POST 202 .*\/forks$/).length,
  dispatches: front.changes(/\/dispatches$/).length,
  projects: front.changes(/^POST 200 \/v11\/projects$/).length,
  deployments: front.changes(/^POST 20[01] \/v13\/deployments$/).length,
  domains: front.changes(new RegExp(`^POST 200 /v10/projects/[^/]+/domains$`)).length,
});

test('the commit of the workflow is what is deployed', async () => {
  const actions = await forkAndDeploy('codemod');
  const commit = front.runs.get(actions.codemods.output.runId).commit;
  assert.deepEqual(front.runs.get(actions.codemods.output.runId).inputs, { title: 'codemod' });
  assert.equal(actions.codemods.output.headCommit, commit);
  assert.equal(actions.codemods.output.committed, true);
  assert.notEqual(actions.repo.output.headCommit, commit);
  assert.equal(actions.deployment.output.sha, commit);
  assert.equal(actions.check.output.status, 200);
  assert.deepEqual(made('codemod'), { forks: 1, dispatches: 1, projects: 1, deployments: 1, domains: 1 });
  const kinds = (await resources('codemod')).map((one) => `${one.type} ${one.created}`).sort();
  assert.deepEqual(kinds, ['deployment true', 'domain true', 'project true', 'repository true']);
});

test('each answer to a change is lost once: one of each all the same', async () => {
  front.calls.length = 0;
  const lost = new Set();
  front.loses = (call) => {
    if (call.method === 'GET' || lost.has(`${call.method} ${call.path}`)) return false;
    lost.add(`${call.method} ${call.path}`);
    return true;
  };
  const actions = await forkAndDeploy('badday');
  front.loses = () => false;
  assert.ok(lost.size >= 6, [...lost].join('\n'));
  assert.deepEqual(made('badday'), { forks: 1, dispatches: 1, projects: 1, deployments: 1, domains: 1 });
  assert.equal(actions.deployment.output.sha, front.runs.get(actions.codemods.output.runId).commit);
  const kinds = (await resources('badday')).map((one) => `${one.type} ${one.created}`).sort();
  assert.deepEqual(kinds, ['deployment true', 'domain true', 'project true', 'repository true']);
});

test('teardown takes all of it away, though its answers are lost as well', async () => {
  front.calls.length = 0;
  const lost = new Set();
  front.loses = (call) => {
    if (call.method !== 'DELETE' || lost.has(call.path)) return false;
    lost.add(call.path);
    return true;
  };
  const actions = await runWorkflow('teardown', 'badday', { teardown: { confirm: 'badday' } });
  front.loses = () => false;
  assert.equal(lost.size, 3, [...lost].join('\n'));
  const counts = Object.fromEntries(Object.values(actions).map((one) => [one.actionId, one.output.removed]));
  assert.deepEqual(counts, { domains: 1, projects: 1, repositories: 1, resources: 0 });
  assert.deepEqual(
    (await resources('badday')).filter((one) => one.type !== 'deployment'),
    [],
  );
  assert.equal((await resources('codemod')).length, 4);
});
