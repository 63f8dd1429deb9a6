// slipway export: an app as a stack file, and what apply makes of that on an empty Slipway.
//
// covers: src/cli/command_export.c src/cli/export_inputs.c src/core/history.c
import test, { before, after as afterAll } from 'node:test';
import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Stack, slipway, until } from '../integration/stack.mjs';

let stack;
let empty;
before(async () => {
  const env = { SLIPWAY_ALLOW_LOOPBACK: 'yes' };
  [stack, empty] = await Promise.all([Stack.start({ env }), Stack.start({ env })]);
});
afterAll(() => Promise.all([stack.stop(), empty.stop()]));

async function deploy(appId, workflowId, rest) {
  const { status, body } = await stack.post({ mode: 'start', appId, workflowId, ...rest });
  assert.equal(status, 202, JSON.stringify(body));
  return until(async () => {
    const { deployment } = (await stack.get(`/api/deploy?appId=${appId}&workflowId=${workflowId}`)).body;
    return deployment.deploymentId === body.deploymentId && deployment.status !== 'running' && deployment;
  }, `${appId} is deployed`, 20000);
}

test('what is exported is made again on an empty Slipway, with the secrets from files', async () => {
  await stack.post({ mode: 'configure', appId: 'docs', config: { owner: 'acme' }, env: { STAGE: 'yes' },
    secrets: { TOKEN: 'configured-secret' }, inputs: { project: { framework: 'nextjs' } } });
  const { status } = await deploy('docs', 'site', { inputs: {
    repo: { owner: '${config.owner}', name: 'docs', fork: 'upstream/app-template' }, project: { name: 'docs' },
    env: { variables: [{ key: 'A', value: 'a-sealed-secret' }, { key: 'B', value: '${secret.TOKEN}' },
      { key: 'C', value: '${env.STAGE}\t"quoted"', type: 'plain' }] },
    check: { url: `${stack.url}/healthz` },
  } });
  assert.equal(status, 'done');
  const teardown = await deploy('docs', 'teardown', { inputs: { teardown: { confirm: 'docs' } } });
  assert.equal(teardown.status, 'done');

  const { code, stdout, stderr } = await slipway('export', 'docs', '--url', stack.url);
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(stdout, /sealed-secret|configured-secret|sealed\.|\t/);
  assert.match(stderr, /put the value of each secret into a file beside it: .*secrets\/TOKEN/);
  const { docs } = JSON.parse(stdout).apps;
  assert.deepEqual(Object.keys(docs).sort(), ['config', 'env', 'inputs', 'secrets', 'workflow']);
  assert.equal(docs.workflow, 'site');
  assert.deepEqual(docs.inputs.project, { framework: 'nextjs', name: 'docs' });
  assert.equal(docs.inputs.env.variables[0].value, '${secret.ENV_VARIABLES_0_VALUE}');
  assert.deepEqual(docs.secrets, {
    ENV_VARIABLES_0_VALUE: '@secrets/ENV_VARIABLES_0_VALUE', TOKEN: '@secrets/TOKEN' });

  const file = path.join(empty.folder, 'stack.yaml');
  await writeFile(file, stdout);
  await mkdir(path.join(empty.folder, 'secrets'));
  for (const name of Object.keys(docs.secrets)) {
    const secret = path.join(empty.folder, 'secrets', name);
    await writeFile(secret, 'configured-secret\n');
    await chmod(secret, 0o600);
  }
  const applied = await slipway('apply', '-f', file, '--url', empty.url);
  assert.equal(applied.code, 0, applied.stdout + applied.stderr);
  const { actions } = (await empty.get('/api/deploy?appId=docs&workflowId=site')).body;
  assert.ok(actions.every((one) => one.status === 'done'), JSON.stringify(actions));
});

test('--adopt has steps take what stands there; several workflows stand below one another', async () => {
  await deploy('two', 'site', { inputs: { repo: { owner: 'acme', name: 'two', fork: 'upstream/app-template' },
    project: { name: 'two' }, check: { url: `${stack.url}/healthz` } } });
  const after = [{ appId: 'two', workflowId: 'site' }];
  await deploy('two', 'hello', { inputs: { greet: { text: 'hello' } }, after });
  const { code, stdout } = await slipway('export', 'two', '--adopt', '--url', stack.url);
  assert.equal(code, 0);
  const { workflows } = JSON.parse(stdout).apps.two;
  assert.deepEqual(workflows.hello, { inputs: { greet: { text: 'hello' } }, after: ['two/site'] });
  assert.deepEqual([workflows.site.inputs.repo.adopt, workflows.site.inputs.project.adopt], [true, true]);
  assert.equal(workflows.site.inputs.check.adopt, undefined);
  const one = JSON.parse((await slipway('export', 'two', '-w', 'hello', '--url', stack.url)).stdout).apps.two;
  assert.deepEqual([one.workflow, one.inputs], ['hello', { greet: { text: 'hello' } }]);
});

test('what cannot be exported is said: no deployment, another app, inputs that were too large', async () => {
  const nobody = await slipway('export', 'nobody', '--url', stack.url);
  assert.deepEqual([nobody.code, nobody.stdout], [1, '']);
  assert.match(nobody.stderr, /'nobody' has no deployment that could be done again/);
  await deploy('docs2', 'hello', { inputs: { greet: { text: 'a' } } });
  const after = [{ appId: 'docs2', workflowId: 'hello' }];
  await deploy('late', 'hello', { inputs: { greet: { text: 'b' } }, after });
  const late = await slipway('export', 'late', '--url', stack.url);
  assert.equal(late.code, 1);
  assert.match(late.stderr, /it comes after 'docs2\/hello': add that app/);
  await stack.redis('XADD', 'slipway:{0}:app:default:large:deployments', '*', 'deployment', 'd', 'workflow', 'hello');
  const large = await slipway('export', 'large', '--url', stack.url);
  assert.equal(large.code, 1);
  assert.match(large.stderr, /inputs of 'hello' were too large to be kept/);
});
