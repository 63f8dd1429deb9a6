// slipway export: an app as a stack file, and what apply makes of that on an empty Slipway.
//
// covers: src/cli/command_export.c src/cli/export_inputs.c src/cli/export_secrets.c src/cli/export_text.c
// covers: src/core/history.c
import test, { before, after as afterAll } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Stack, build, slipway, until } from '../integration/stack.mjs';

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
  }, `${appId} is deployed`);
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
  // What it comes after is not in the file, which apply would refuse.
  const alone = await slipway('export', 'two', '-w', 'hello', '--url', stack.url);
  assert.equal(alone.code, 1);
  assert.match(alone.stderr, /it comes after 'two\/site', which is not exported: left out, so start this when that is/);
  assert.deepEqual(JSON.parse(alone.stdout).apps.two, { workflow: 'hello', inputs: { greet: { text: 'hello' } } });
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

const applyTo = async (where, text, secrets = {}) => {
  const file = path.join(where.folder, 'exported.yaml');
  await writeFile(file, text);
  await mkdir(path.join(where.folder, 'secrets'), { recursive: true });
  for (const [name, value] of Object.entries(secrets)) {
    await writeFile(path.join(where.folder, 'secrets', name), `${value}\n`, { mode: 0o600 });
  }
  return slipway('apply', '-f', file, '--url', where.url);
};
const site = (name, variables) => ({ repo: { owner: 'acme', name, fork: 'upstream/app-template' },
  project: { name }, env: { variables }, check: { url: `${stack.url}/healthz` } });

test('a deployment that others have pushed out of the list is exported, with all that it was given', async () => {
  await deploy('pushed', 'hello', { inputs: { greet: { text: 'pushed out' } } });
  await stack.redis('DEL', 'slipway:{0}:app:default:pushed:deployments');
  const { code, stdout, stderr } = await slipway('export', 'pushed', '--url', stack.url);
  assert.equal(code, 0, stderr);
  assert.deepEqual(JSON.parse(stdout).apps.pushed, { workflow: 'hello', inputs: { greet: { text: 'pushed out' } } });
});

test('two secrets never get one name or one file, and the same app gives the same file', async () => {
  await stack.post({ mode: 'configure', appId: 'names', secrets: { ENV_VARIABLES_0_VALUE: 'another-secret',
    token: 'lower-case', TOKEN: 'upper-case', TOKEN_2: 'a-number' } });
  await deploy('names', 'site', { inputs: site('names', [{ key: 'A', value: 'sealed-one' },
    { key: 'B', value: '${secret.ENV_VARIABLES_0_VALUE}' }, { key: 'C', value: '${secret.token}' },
    { key: 'D', value: 'not $${secret.NONE}', type: 'plain' }]) });
  const first = await slipway('export', 'names', '--url', stack.url);
  assert.equal(first.code, 0, first.stderr);
  const { inputs, secrets } = JSON.parse(first.stdout).apps.names;
  assert.deepEqual(inputs.env.variables.map((one) => one.value),
    ['${secret.ENV_VARIABLES_0_VALUE_2}', '${secret.ENV_VARIABLES_0_VALUE}', '${secret.token}',
      'not $${secret.NONE}']);
  assert.deepEqual(secrets, { ENV_VARIABLES_0_VALUE: '@secrets/ENV_VARIABLES_0_VALUE',
    ENV_VARIABLES_0_VALUE_2: '@secrets/ENV_VARIABLES_0_VALUE_2', TOKEN: '@secrets/TOKEN',
    TOKEN_2: '@secrets/TOKEN_2', token: '@secrets/token_3' });
  assert.equal((await slipway('export', 'names', '--url', stack.url)).stdout, first.stdout);
});

test('at one place of two workflows two secrets stood: each has its own', async () => {
  await deploy('places', 'site', { inputs: site('places', [{ key: 'A', value: 'sealed-of-site' }]) });
  const key = (name) => `slipway:{0}:app:default:places:${name}`;
  await stack.redis('COPY', key('site:_deployment'), key('older:_deployment'));
  await stack.redis('HSET', key('older:_deployment'), 'workflow', 'older', 'deployment', 'another');
  await stack.redis('HSET', key('steps'), 'older:env', '1');
  const { code, stdout, stderr } = await slipway('export', 'places', '--url', stack.url);
  assert.equal(code, 0, stderr);
  const { workflows, secrets } = JSON.parse(stdout).apps.places;
  assert.deepEqual(['older', 'site'].map((name) => workflows[name].inputs.env.variables[0].value),
    ['${secret.ENV_VARIABLES_0_VALUE}', '${secret.ENV_VARIABLES_0_VALUE_2}']);
  assert.equal(Object.keys(secrets).length, 2);
  assert.match(stderr, /this server does not have the workflow 'older': apply it where there is one/);
});

test('exported, applied to an empty Slipway and exported there, it is the same file', async () => {
  const generated = { LINK: { generate: { length: 32, alphabet: 'hex' }, shared: 'round_link' },
    OWN: { generate: { length: 16, alphabet: 'abcdefghijklmnopqrstuvwxyz0123456789' } } };
  const configured = await stack.post({ mode: 'configure', appId: 'round',
    secrets: { ZED: 'of-a-person', ...generated },
    config: { owner: 'acme', deep: { list: [1, 2.5, null, true, 'x\ty: "#"', 'a\u0085b\u2028c'] } },
    env: { STAGE: 'yes', EMPTY: '' },
    inputs: { project: { framework: 'nextjs' }, env: { variables: [{ key: 'OLD', value: 'overridden' }] } } });
  assert.equal(configured.status, 200, JSON.stringify(configured.body));
  await stack.post({ mode: 'configure', appId: 'round-friend', secrets: { THEIRS: generated.LINK } });
  const inputs = site('round', [{ key: 'A', value: 'sealed-one' }, { key: 'LINK', value: '${secret.LINK}' },
    { key: 'OWN', value: '${secret.OWN}' }, { key: 'ZED', value: '${secret.ZED}' },
    { key: 'P', value: '${env.STAGE} é 日本 ${config.owner}', type: 'plain' }]);
  assert.equal((await deploy('round', 'site', { inputs })).status, 'done');
  await deploy('round', 'hello', { inputs: { greet: { text: 'a\n"b"' } },
    after: [{ appId: 'round', workflowId: 'site' }] });

  const first = await slipway('export', 'round', '--url', stack.url);
  assert.equal(first.code, 0, first.stderr);
  const { secrets } = JSON.parse(first.stdout).apps.round;
  assert.deepEqual(secrets,
    { ENV_VARIABLES_0_VALUE: '@secrets/ENV_VARIABLES_0_VALUE', ...generated, ZED: '@secrets/ZED' });
  assert.match(first.stderr, /makes other values where it is applied; write "@FILE".*: LINK OWN$/m);

  const files = { ENV_VARIABLES_0_VALUE: 'sealed-one', ZED: 'of-a-person' };
  // Twice at the same time, and once more.
  const both = await Promise.all([applyTo(empty, first.stdout, files), applyTo(empty, first.stdout, files)]);
  for (const applied of both) assert.equal(applied.code, 0, applied.stdout + applied.stderr);
  const again = await applyTo(empty, first.stdout, files);
  assert.match(again.stdout, /: unchanged\n$/, again.stdout + again.stderr);
  const second = await slipway('export', 'round', '--url', empty.url);
  assert.equal(second.code, 0, second.stderr);
  assert.equal(second.stdout, first.stdout);

  // Another app of the other Slipway shares what was made there.
  const shared = await empty.redis('HGET', 'slipway:{0}:shared:default', 'round_link');
  assert.match(shared, /^sealed\./);
  const friend = await empty.post({ mode: 'configure', appId: 'friend', secrets: { THEIRS: generated.LINK } });
  assert.equal(friend.status, 200);
  assert.equal(await empty.redis('HGET', 'slipway:{0}:shared:default', 'round_link'), shared);
  assert.notEqual(shared, await stack.redis('HGET', 'slipway:{0}:shared:default', 'round_link'));

  // Destroyed, and applied again, it is there again.
  assert.equal((await slipway('destroy', 'round', '--yes', '--url', empty.url)).code, 0);
  const anew = await applyTo(empty, second.stdout, files);
  assert.equal(anew.code, 0, anew.stdout + anew.stderr);
  assert.equal((await slipway('export', 'round', '--url', empty.url)).stdout, first.stdout);
});

test('--adopt finds what the app has also where it has more than a page', async () => {
  await deploy('paged', 'site', { inputs: site('paged', [{ key: 'A', value: 'b', type: 'plain' }]) });
  const row = JSON.stringify({ id: '1', created: true, at: '2026-01-01T00:00:00Z', state: 'created', part: true });
  // They stand before all others.
  const rows = Array.from({ length: 450 }, (_, i) => [`a:part:${i}`, row]).flat();
  await stack.redis('HSET', 'slipway:{0}:app:default:paged:ledger', ...rows);
  const { code, stdout, stderr } = await slipway('export', 'paged', '--adopt', '--url', stack.url);
  assert.equal(code, 0, stderr);
  const { inputs } = JSON.parse(stdout).apps.paged;
  assert.deepEqual([inputs.repo.adopt, inputs.project.adopt], [true, true]);
});

test('references beside a text that was secret are said to be lost', async () => {
  await deploy('page', 'hello', { inputs: { greet: { text: 'db.example.org' } } });
  await deploy('refs', 'site', { inputs: site('refs', [
    { key: 'DB', value: 'postgres://u:pw@${app.page.hello.greet.text}/x' },
    { key: 'ID', value: 'a-secret ${step.project.id} ${step.project.id}' }, { key: 'S', value: 'sealed-alone' }]) });
  const { body } = await stack.get('/api/apps/refs/deployments');
  assert.deepEqual(body.deployments[0].sealedReferences, [
    { place: '/inputs/env/variables/0/value', references: ['${app.page.hello.greet.text}'] },
    { place: '/inputs/env/variables/1/value', references: ['${step.project.id}', '${step.project.id}'] }]);
  const { code, stdout, stderr } = await slipway('export', 'refs', '--url', stack.url);
  assert.equal(code, 1);
  const lost = /'site\/inputs\/env\/variables\/0\/value' has \$\{app\.page\.hello\.greet\.text\} beside text that was/;
  assert.match(stderr, lost);
  assert.match(stderr, /'site\/inputs\/env\/variables\/1\/value' has \$\{step\.project\.id\} beside/);
  assert.doesNotMatch(stderr, /variables\/2/);
  assert.doesNotMatch(stdout + stderr + JSON.stringify(body), /postgres|sealed\.|a-secret/);
  assert.equal(JSON.parse(stdout).apps.refs.inputs.env.variables[0].value, '${secret.ENV_VARIABLES_0_VALUE}');
});

const configOf = async (where, appId) => (await where.post({ mode: 'configure', appId })).body.config;

test('whatever the server takes is exported, and applied it is the same', async () => {
  let deep = 'bottom';
  for (let i = 0; i < 29; i += 1) deep = i % 2 === 0 ? [deep] : { d: deep };
  const config = { deep, ['n'.repeat(1030)]: 'a long name', numbers: [1e20, 1.1, 1e-7, -2.5, 1e15, 0.1, -1],
    text: ' x \u0085 y \u2028 z \u2029 \ufeff\ufffe\uffff\u009b2J \u{10ffff} \u00ad\t\n ', '\u2028 k \u0085 ': 'x',
    y: 'yes', 123: '1_000', 'null': '~', list: Array.from({ length: 3800 }, (_, i) => i) };
  const configured = await stack.post({ mode: 'configure', appId: 'faithful', config });
  assert.equal(configured.status, 200, JSON.stringify(configured.body).slice(0, 500));
  await deploy('faithful', 'hello', { inputs: { greet: { text: 'a \u0085 b \u2028 c' } } });
  await deploy('faithful', 'site', { inputs: site('faithful', [{ key: 'A', value: 'b', type: 'plain' }]) });
  const exported = await slipway('export', 'faithful', '--url', stack.url);
  assert.equal(exported.code, 0, exported.stderr);
  const applied = await applyTo(empty, exported.stdout);
  assert.equal(applied.code, 0, applied.stdout + applied.stderr);
  assert.deepEqual(await configOf(empty, 'faithful'), await configOf(stack, 'faithful'));
  assert.equal((await slipway('export', 'faithful', '--url', empty.url)).stdout, exported.stdout);

  // Several requests have made what one cannot have.
  const more = { more: Array.from({ length: 4000 }, (_, i) => i) };
  assert.equal((await stack.post({ mode: 'configure', appId: 'faithful', config: more })).status, 200);
  const large = await slipway('export', 'faithful', '--url', stack.url);
  assert.equal(large.code, 1);
  assert.match(large.stderr, /config, env and inputs of 'faithful\/hello' are too large for one request/);
  assert.deepEqual(JSON.parse(large.stdout).apps.faithful.config.more, more.more);
});

// Runs it with a standard output on which nothing can be written.
const onFullDisk = (...words) => new Promise((resolve) => {
  const command = ['-c', '"$0" "$@" > /dev/full', path.join(build, 'slipway'), ...words];
  execFile('/bin/sh', command, (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stderr }));
});

test('what cannot be written is an error of every command', async () => {
  await deploy('full', 'hello', { inputs: { greet: { text: 'hello' } } });
  const file = path.join(stack.folder, 'full.yaml');
  await writeFile(file, 'apps: {full-2: {workflow: hello, inputs: {greet: {text: hello}}}}\n');
  const commands = [['export', 'full'], ['history', 'full'], ['history', 'full', '--json'], ['apps', '--json'],
    ['status', 'full', 'hello'], ['apply', '-f', file], ['apply', '-f', file, '--json']];
  for (const words of [...commands, ['help'], ['--version'], ['export', '--help']]) {
    const url = words.length > 1 && !words.includes('--help') ? ['--url', stack.url] : [];
    const { code, stderr } = await onFullDisk(...words, ...url);
    assert.equal(code, 74, `${words}: ${stderr}`);
    assert.match(stderr, /^slipway: the standard output could not be written \((No space|is the disk).*\): it is/m);
  }
  // What has failed before keeps its own status.
  assert.equal((await onFullDisk('export', 'nobody', '--url', stack.url)).code, 1);
});
