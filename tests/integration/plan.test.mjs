// A plan says what each step would do, on the stand-ins for GitHub and Vercel, and changes nothing; and what an app has
// there is listed.
//
// covers: src/api/mode_plan.c src/api/trigger_response.c src/cli/command_plan.c src/cli/command_resources.c
// covers: src/cli/input_file.c src/core/dry_run.c src/store/ledger.c src/action/dry_run.c src/action/dry_run_call.c
// covers: src/action/dry_run_tally.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import path from 'node:path';
import { Peer } from './peer.mjs';
import { Stack, slipway, until } from './stack.mjs';
import { SlipwayClient } from '../../client/slipway.js';

let stack;
let sample;

before(async () => {
  stack = await Stack.start();
  sample = JSON.parse(await readFile('conf/dev/sample.json', 'utf8'));
});
after(() => stack.stop());

const plan = (app, ...rest) => slipway('plan', 'site', '--app', app, '--url', stack.url, ...rest);
const resources = (app, ...rest) =>
  slipway('resources', app, '--redis-url', `unix://${stack.folder}/redis.sock`, ...rest);

async function planOf(app, ...rest) {
  const result = await plan(app, '--json', ...rest);
  assert.ok(result.stdout.startsWith('{'), result.stdout + result.stderr);
  const answer = JSON.parse(result.stdout);
  return {
    code: result.code,
    calls: answer.calls,
    hash: answer.hash,
    steps: Object.fromEntries(answer.steps.map((one) => [one.id, one])),
  };
}

async function configure(app, inputs = sample.inputs) {
  const { status } = await stack.post({
    ...sample,
    inputs,
    config: { ...sample.config, checkUrl: `${stack.url}/healthz` },
    mode: 'configure',
    appId: app,
  });
  assert.equal(status, 200);
}

test('where no Redis answers, the command line says how one is named', async () => {
  for (const words of [['resources', 'planned'], ['verify']]) {
    const result = await slipway(...words, '--redis-url', `unix://${stack.folder}/none.sock`);
    assert.equal(result.code, 69, result.stderr);
    assert.match(result.stderr, /what to do: .*--redis-url.*build\/dev-run\/redis\.sock/);
  }
});

test('the JavaScript client gives the same plan, and what ends a plan', async () => {
  await configure('planned-js');
  const client = new SlipwayClient({ baseUrl: stack.url });
  const seen = [];
  const onChange = ({ status }) => seen.push(status);
  const { steps, calls, hash } = await client.plan('site', 'planned-js', { onChange });
  const changes = Object.fromEntries(steps.map(({ id, change }) => [id, change]));
  assert.deepEqual([changes.repo, changes.project], ['create', 'create']);
  assert.match(hash, /^[0-9a-f]{64}$/);
  assert.ok(calls.some(({ provider, looked }) => provider === 'github' && looked >= 1));
  assert.equal(seen.at(-1), 'done');
  const refusal = client.plan('site', 'planned-js', { inputs: { nothing: {} } });
  await assert.rejects(refusal, { name: 'ProblemError', class: 'invalid_input' });
});

test('a plan for a new app creates the repository first, and makes nothing', async () => {
  await configure('planned');
  const { code, steps, calls } = await planOf('planned');
  assert.equal(code, 0);
  assert.equal(steps.repo.change, 'create');
  assert.equal(steps.repo.text, 'POST /repos/upstream/app-template/forks of GitHub');
  const { kind, name, gone } = steps.repo;
  assert.deepEqual({ kind, name, gone }, { kind: 'repository', name: 'acme/sample-site', gone: false });
  assert.equal(steps.project.change, 'create');
  assert.deepEqual([steps.project.kind, steps.project.name], ['project', 'sample-site']);
  assert.equal(steps.project.error, undefined);
  assert.equal(Object.keys(steps).length, 11);
  assert.equal(steps.protection.change, 'nothing');
  assert.match(steps.protection.text, /no input was given/);
  const github = calls.find((one) => one.provider === 'github');
  assert.ok(github.looked >= 1);
  assert.equal(github.writes, 1);
  assert.ok(github.needed >= github.looked + 1, JSON.stringify(github));
  // The same plan again finds the same: nothing was made by looking.
  assert.equal((await planOf('planned')).steps.repo.change, 'create');
  assert.match((await resources('planned')).stdout, /knows of nothing that .planned. has at a provider/);
  const { body } = await stack.get('/api/deploy?appId=planned&workflowId=site');
  assert.ok(body.actions.every((one) => one.status === 'idle'));
});

test('after the run there is nothing to do, and what was made is listed', async () => {
  const made = await slipway('run', 'site', '--app', 'planned', '--url', stack.url);
  assert.equal(made.code, 0, made.stdout + made.stderr);
  const { code, steps, hash } = await planOf('planned');
  assert.equal(code, 0);
  assert.equal((await planOf('planned')).hash, hash, 'an unchanged world has the same hash');
  for (const id of ['repo', 'project', 'env', 'deployment', 'domain', 'check'])
    assert.equal(steps[id].change, 'nothing', `${id}: ${steps[id].text}`);
  const list = JSON.parse((await resources('planned', '--json')).stdout);
  const repository = list.find((one) => one.type === 'repository');
  assert.equal(repository.provider, 'github');
  assert.equal(repository.key, 'acme/sample-site');
  assert.equal(repository.created, true);
  assert.match(repository.run, /^[0-9a-f]{32}$/);
  assert.ok(list.some((one) => one.provider === 'vercel' && one.type === 'project'));
  assert.match((await resources('planned')).stdout, /^github +repository +acme\/sample-site +\d+ +created +\d{4}-/m);
});

test('what is other than asked is told one by one', async () => {
  const [first, ...others] = sample.inputs.env.variables;
  const added = { key: 'NEW_ONE', value: 'x', type: 'plain' };
  const env = { variables: [{ ...first, value: 'another' }, ...others, added] };
  await configure('planned', { ...sample.inputs, env });
  const { code, steps } = await planOf('planned');
  assert.equal(code, 0);
  assert.equal(steps.env.change, 'update');
  assert.deepEqual(steps.env.differences, ['SITE_NAME is different', 'NEW_ONE does not exist']);
  assert.equal(steps.repo.change, 'nothing');
  // Variables reach new deployments only, so there is to be one.
  assert.equal(steps.deployment.change, 'create');
  assert.deepEqual(steps.deployment.after, ['env']);
  assert.equal(steps.domain.change, 'nothing');
});

test('what a prune would remove is told', async () => {
  const [first] = sample.inputs.env.variables;
  await configure('planned', { ...sample.inputs, env: { variables: [first], prune: true } });
  const { steps } = await planOf('planned');
  assert.equal(steps.env.change, 'remove');
  assert.deepEqual(steps.env.differences, ['API_BASE will be removed']);
  await configure('planned');
});

test('what waits is not taken for what has nothing to do', async () => {
  // The stand-in knows no variables, so that the repository looks as if it were only late.
  const variables = { variables: [{ name: 'A', value: 'b' }] };
  await configure('planned', { ...sample.inputs, variables });
  const { code, steps } = await planOf('planned');
  assert.equal(code, 0);
  assert.equal(steps.variables.change, 'blocked');
  assert.match(steps.variables.text, /to become visible/);
});

// All that a site may ask for, under a name that nobody has.
const everything = (name) => ({
  ...sample.inputs,
  repo: { ...sample.inputs.repo, name },
  project: { name },
  files: { files: [{ path: 'site.txt', content: 'a site' }], message: 'Add the site' },
  variables: { variables: [{ name: 'A', value: 'b' }] },
  secrets: { secrets: [{ name: 'KEY', value: '0123456789abcdef' }] },
  access: { user: 'octocat', permission: 'push' },
  protection: {},
  domain: { name: `${name}.example.org` },
  check: {},
});

test('a plan goes on behind a create: each step says what it would make, under which name', async () => {
  await configure('behind', everything('behind-a-create'));
  const { code, steps, hash } = await planOf('behind');
  assert.equal(code, 0, JSON.stringify(steps));
  assert.equal(Object.keys(steps).length, 11);
  for (const { id, change, text, error } of Object.values(steps)) {
    assert.notEqual(change, 'blocked', `${id}: ${text}`);
    assert.equal(error, undefined, `${id}: ${JSON.stringify(error)}`);
  }
  assert.deepEqual(Object.fromEntries(Object.values(steps).map(({ id, change }) => [id, change])), {
    repo: 'create', files: 'undecided', variables: 'create', secrets: 'update', access: 'update', project: 'create',
    env: 'update', deployment: 'create', domain: 'create', check: 'nothing', protection: 'update',
  });
  assert.match(steps.files.text, /decided when 'repo' is made/);
  assert.deepEqual(steps.files.differences, ['site.txt: decided when acme/behind-a-create has its content']);
  assert.deepEqual(steps.variables.differences, ['A: does not exist']);
  assert.deepEqual(steps.secrets.differences, ['KEY will be written']);
  assert.equal(steps.variables.text, 'POST /repos/acme/behind-a-create/actions/variables of GitHub');
  assert.equal(steps.access.text, 'PUT /repos/acme/behind-a-create/collaborators/octocat of GitHub');
  assert.deepEqual(steps.env.differences, ['SITE_NAME does not exist', 'API_BASE does not exist']);
  assert.equal(steps.env.text, "POST /v10/projects/(id of 'project')/env of Vercel");
  assert.deepEqual([steps.domain.kind, steps.domain.name], ['domain', 'behind-a-create.example.org']);
  assert.equal(steps.domain.text, "POST /v10/projects/(id of 'project')/domains of Vercel");
  assert.equal(steps.check.text, "would check (alias of 'deployment')");
  assert.deepEqual(steps.check.after, ['deployment']);
  assert.deepEqual(steps.deployment.after, ['project', 'repo', 'env'], 'in the order of its input');
  assert.ok(!JSON.stringify(steps).includes('\\u001a'), 'no mark of an unknown value is shown');
  assert.equal((await planOf('behind')).hash, hash, 'an unchanged world has the same hash');
  const shown = await plan('behind');
  assert.match(shown.stdout, /^env +update +POST .*\n(.*\n)+? +after 'project'$/m);
  assert.match(shown.stdout, /^files +undecided decided when 'repo' is made$/m);
  assert.match(shown.stdout, new RegExp(`^plan ${hash}$`, 'm'));
});

test('the hash is another where the inputs or the world are', async () => {
  await configure('hashed', everything('hashed-site'));
  const { hash } = await planOf('hashed');
  const describedAs = (description) => {
    const inputs = everything('hashed-site');
    return configure('hashed', { ...inputs, repo: { ...inputs.repo, description } });
  };
  await describedAs('another');
  const other = await planOf('hashed');
  assert.notEqual(other.hash, hash);
  await describedAs(null);
  assert.equal((await planOf('hashed')).hash, hash);
});

test('behind a create, a name that somebody else has is told as well', async () => {
  // The project of the app 'planned', from another app that has yet to make its repository.
  await configure('envious', { ...everything('envious'), project: { name: 'sample-site' } });
  const { code, steps } = await planOf('envious');
  assert.equal(code, 1);
  assert.equal(steps.repo.change, 'create');
  assert.equal(steps.project.change, 'conflict');
  assert.match(steps.project.error.message, /the app 'planned' has the project sample-site/);
  assert.equal(steps.env.change, 'undecided');
  assert.equal(steps.env.text, "decided when 'project' is done");
  assert.equal(steps.variables.change, 'create');
});

test('a plan of the teardown names all that would go', async () => {
  const file = path.join(stack.folder, 'teardown.json');
  await writeFile(file, JSON.stringify({ inputs: { teardown: { confirm: 'planned' } } }));
  const words = ['plan', 'teardown', '--app', 'planned', '--url', stack.url];
  const shown = await slipway(...words, '--input', file);
  assert.equal(shown.code, 0);
  assert.match(shown.stdout, /^projects +remove +DELETE \/v9\/projects\/prj_[\w-]+ of Vercel$/m);
  assert.match(shown.stdout, /^ +the project sample-site will be removed, with all its content$/m);
  assert.match(shown.stdout, /^repositories +remove +DELETE \/repos\/acme\/sample-site of GitHub$/m);
  assert.match(shown.stdout, /^ +the repository acme\/sample-site will be removed, with all its content$/m);
  const incomplete = await slipway(...words);
  assert.equal(incomplete.code, 1);
  assert.match(incomplete.stdout, /^ +\/inputs\/teardown\/confirm: it is missing$/m);
});

test('of several mistakes in one input, a plan tells the first and how many more there are', async () => {
  const wrong = async (inputs) => {
    const file = path.join(stack.folder, 'mistakes.json');
    await writeFile(file, JSON.stringify({ inputs }));
    return planOf('mistaken', '--input', file);
  };
  const repo = { owner: 'acme', name: 'mistaken', fork: 'nothing of it', colour: 'red' };
  const { code, steps } = await wrong({ ...sample.inputs, repo });
  assert.equal(code, 1);
  assert.match(steps.repo.error.message, /; and 1 more mistake in this input$/);
  const { steps: better, hash } = await wrong({ ...sample.inputs, repo: { ...repo, colour: undefined } });
  assert.doesNotMatch(better.repo.error.message, /more/);
  // The second mistake is another: so is the plan.
  const { hash: other } = await wrong({ ...sample.inputs, repo: { ...repo, colour: undefined, shape: 'round' } });
  assert.notEqual(other, hash);
});

test('what belongs to somebody else is told before anything is done', async () => {
  await configure('stranger', { ...sample.inputs, repo: { ...sample.inputs.repo, fork: 'upstream/another' } });
  const { code, steps } = await planOf('stranger');
  assert.equal(code, 1);
  assert.equal(steps.repo.change, 'conflict');
  assert.equal(steps.repo.error.class, 'conflict_foreign');
  const shown = await plan('stranger');
  assert.equal(shown.code, 1);
  assert.match(shown.stdout, /^repo +conflict /m);
});

test('behind a repository that is in conflict or blocked, no step has a fault of its own', async () => {
  const behind = {
    files: { message: 'm', files: [{ path: 'a.txt', content: 'a' }] },
    variables: { variables: [{ name: 'A', value: 'b' }] },
    access: { user: 'octocat' }, protection: {},
  };
  const wrong = { 'behind-conflict': { fork: 'upstream/another' }, 'behind-fault': { name: 'no name!' } };
  for (const [app, repo] of Object.entries(wrong)) {
    const own = { repo: { ...sample.inputs.repo, ...repo }, project: { name: app } };
    await configure(app, { ...sample.inputs, ...behind, ...own });
    const { code, steps } = await planOf(app);
    assert.equal(code, 1);
    assert.match(steps.repo.change, /^(conflict|blocked)$/);
    for (const { id, change, text, error } of Object.values(steps).filter((step) => step.id !== 'repo')) {
      assert.equal(error, undefined, `${id}: ${change}: ${text}`);
    }
    for (const id of ['files', 'variables', 'access', 'protection', 'deployment']) {
      assert.deepEqual([steps[id].change, steps[id].text], ['undecided', "decided when 'repo' is done"], id);
    }
  }
});

test('a plan never asks an address of a client: it would check it, and says so', async () => {
  let asked = 0;
  const server = createServer((_, response) => {
    asked += 1;
    response.end('hello');
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const url = `http://127.0.0.1:${server.address().port}/`;
  await configure('planned-check', { ...sample.inputs, check: { url } });
  const { steps } = await planOf('planned-check');
  server.closeAllConnections();
  server.close();
  assert.equal(asked, 0);
  assert.equal(steps.check.change, 'nothing', JSON.stringify(steps.check));
  assert.equal(steps.check.text ?? steps.check.detail ?? steps.check.request, `would check ${url}`);
});

test('inputs of the plan are used, checked, and not stored', async () => {
  const file = path.join(stack.folder, 'inputs.json');
  await writeFile(file, JSON.stringify({ inputs: { repo: { owner: 'acme', name: 'not a name!' } } }));
  const { code, steps } = await planOf('fresh', '--input', file);
  assert.equal(code, 1);
  assert.equal(steps.repo.change, 'blocked');
  assert.equal(steps.repo.error.class, 'invalid_input');
  await writeFile(file, JSON.stringify({ inputs: { nonsense: {} } }));
  const refused = await plan('fresh', '--input', file);
  assert.equal(refused.code, 64);
  assert.match(refused.stderr, /\/inputs\/nonsense/);
  await writeFile(file, 'no json');
  assert.equal((await plan('fresh', '--input', file)).code, 64);
});

test('a plan has a mode of its own', async () => {
  const { status, body } = await stack.post({
    mode: 'trigger',
    appId: 'planned',
    workflowId: 'site',
    actionId: 'plan',
  });
  assert.equal(status, 400);
  assert.match(body.remedy.text, /mode 'plan'/);
  const queued = await stack.post({
    mode: 'plan',
    appId: 'planned',
    workflowId: 'hello',
    inputs: { greet: { text: 'x' } },
  });
  assert.equal(queued.status, 202);
  assert.equal(queued.body.actionId, 'plan');
  const done = await until(async () => {
    const { body: now } = await stack.get('/api/deploy?appId=planned&workflowId=hello&actionId=plan');
    return now.status === 'done' && now;
  }, 'the plan is done');
  assert.deepEqual(
    done.output.steps.map((one) => one.change),
    ['nothing', 'nothing'],
  );
  assert.equal((await stack.post({ mode: 'plan', appId: 'planned', workflowId: 'hello', force: true })).status, 400);
});

test('what people have deleted would be made again, and nothing is asked of the old one', async () => {
  await configure('deleted', {
    ...sample.inputs,
    repo: { ...sample.inputs.repo, name: 'deleted-by-hand' },
    project: { ...sample.inputs.project, name: 'deleted-by-hand' },
  });
  const made = await slipway('run', 'site', '--app', 'deleted', '--url', stack.url, '--force');
  assert.equal(made.code, 0, made.stdout + made.stderr);
  const words = (await readFile(`/proc/${await stack.daemon('slipway-worker')}/cmdline`, 'utf8')).split('\0');
  const { id } = JSON.parse((await resources('deleted', '--json')).stdout).find((one) => one.type === 'project');
  const headers = { authorization: 'Bearer test_token_admin' };
  const url = `${words[words.indexOf('--vercel-url') + 1]}/v9/projects/${id}?slug=acme`;
  const deleted = await fetch(url, { method: 'DELETE', headers });
  assert.ok(deleted.ok, `${url}: ${deleted.status} ${await deleted.text()}`);
  const { steps } = await planOf('deleted');
  assert.equal(steps.repo.change, 'nothing', steps.repo.text);
  assert.equal(steps.project.change, 'create');
  assert.deepEqual([steps.project.name, steps.project.gone], ['deleted-by-hand', true]);
  assert.equal(steps.env.change, 'update');
  assert.deepEqual(steps.env.differences, ['SITE_NAME does not exist', 'API_BASE does not exist']);
  assert.deepEqual(steps.env.after, ['project']);
  assert.equal(steps.deployment.change, 'create');
  for (const { id, text, error } of Object.values(steps)) {
    assert.equal(error, undefined, id);
    assert.ok(!text?.includes('prj_'), `${id}: ${text}`);
  }
  const shown = await plan('deleted');
  assert.match(shown.stdout, /^project +create +POST \/v11\/projects of Vercel$/m);
  assert.match(shown.stdout, /^ +the project deleted-by-hand, anew: the app had it, and it is gone$/m);
});

test('an output of another app that is not there is told as such', async () => {
  const input = `${stack.folder}/lonely.json`;
  const repo = { owner: 'acme', name: 'lonely', description: '${app.nobody.site.repo.fullName}' };
  await writeFile(input, JSON.stringify({ inputs: { repo } }));
  const { steps } = await planOf('lonely', '--input', input);
  assert.equal(steps.repo.change, 'create');
  assert.deepEqual(steps.repo.after, ['nobody.site.repo']);
  const shown = await plan('lonely', '--input', input);
  assert.match(shown.stdout, /^repo +create .*\n.*the repository acme\/lonely\n +after 'nobody.site.repo'$/m);
});

test('a permission that lacks behind a create is told before anything is made', async () => {
  const peer = await Peer.start();
  const key = path.join(stack.folder, 'app.pem');
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  await writeFile(key, privateKey, { mode: 0o600 });
  const asked = [];
  const granted = { administration: 'write', contents: 'read', metadata: 'read' };
  peer.intercept = (call, response) => {
    if (call.path === '/app/installations/7') {
      const page = 'https://github.example/settings/installations/7';
      peer.send(response, 200, { html_url: page, permissions: granted, suspended_at: null });
      return true;
    }
    if (!call.path.endsWith('/access_tokens')) return false;
    const { permissions = {}, repositories = [] } = JSON.parse(call.body);
    asked.push({ permissions, repositories });
    if (repositories.some((name) => !peer.repositories.has(`acme/${name}`))) {
      peer.send(response, 422, { message: 'There is at least one repository that does not exist or is not accessible '
        + 'to the parent installation.' });
      return true;
    }
    const expires = new Date(Date.now() + 3600 * 1000).toISOString().replace(/\.\d+/, '');
    peer.send(response, 201, { token: `ghs_token_${asked.length}_0123456789`, expires_at: expires,
      repositories: repositories.map((name) => ({ full_name: `acme/${name}` })) });
    return true;
  };
  const other = await Stack.start({
    flags: ['--no-emulator'],
    env: {
      SLIPWAY_GITHUB_URL: peer.url, SLIPWAY_GITHUB_APP_ID: '1', SLIPWAY_GITHUB_INSTALLATION_ID: '7',
      SLIPWAY_GITHUB_APP_KEY_FILE: key, SLIPWAY_ALLOW_LOOPBACK: 'yes',
    },
  });
  try {
    const input = path.join(stack.folder, 'narrow.json');
    const { repo, variables, access } = everything('narrow');
    await writeFile(input, JSON.stringify({ inputs: { repo, variables, access } }));
    const words = ['plan', 'site', '--app', 'narrow', '--url', other.url, '--input', input, '--json'];
    const { code, stdout } = await slipway(...words);
    const steps = Object.fromEntries(JSON.parse(stdout).steps.map((one) => [one.id, one]));
    assert.equal(code, 1);
    assert.equal(steps.repo.change, 'create', JSON.stringify(steps.repo));
    assert.equal(steps.access.change, 'update', JSON.stringify(steps.access));
    assert.equal(steps.variables.change, 'blocked', JSON.stringify(steps.variables));
    assert.equal(steps.variables.error.class, 'scope_missing');
    assert.match(steps.variables.error.message, /actions_variables: write/);
    assert.match(steps.variables.error.remedy.url, /installations\/7/);
    for (const { permissions, repositories } of asked) {
      if (repositories.length === 0) assert.deepEqual(permissions, { metadata: 'read' }, 'of no repository');
    }
    assert.ok(asked.some(({ repositories }) => repositories.includes('narrow')), 'it may be there already');
    const levels = new Set(asked.flatMap(({ permissions }) => Object.values(permissions)));
    assert.deepEqual([...levels], ['read'], 'a plan has no token to change anything');
    assert.equal(peer.count('POST', /forks/), 0);
  } finally {
    await other.stop();
    await peer.stop();
  }
});

// No step has called Vercel yet, for each waits for the repository: it is asked all the same.
test('a plan tells what is wrong with the credential of Vercel, before a step can call it', async () => {
  const peer = await Peer.start();
  const token = path.join(stack.folder, 'vercel-token');
  await writeFile(token, 'vercel_that_ends_0123456789\n', { mode: 0o600 });
  const env = {
    SLIPWAY_GITHUB_URL: peer.url, SLIPWAY_GITHUB_TOKEN_FILE: token, SLIPWAY_ALLOW_LOOPBACK: 'yes',
    SLIPWAY_VERCEL_URL: peer.url, SLIPWAY_VERCEL_TOKEN_FILE: token, SLIPWAY_VERCEL_TEAM: 'team_1',
  };
  const other = await Stack.start({ flags: ['--no-emulator'], env });
  const answers = {
    '/v5/user/tokens/current': { token: { expiresAt: Date.now() + 5.5 * 24 * 3600 * 1000 } },
    '/v2/teams/team_1': { membership: { role: 'VIEWER' }, softBlock: { reason: 'UNPAID_INVOICE' } },
  };
  peer.intercept = (call, response) => {
    const answer = answers[call.path.split('?')[0]];
    if (answer) peer.send(response, 200, answer);
    return Boolean(answer);
  };
  try {
    const input = path.join(stack.folder, 'ending.json');
    const repo = { owner: 'acme', name: 'new', fork: 'upstream/app-template' };
    await writeFile(input, JSON.stringify({ inputs: { repo, project: { name: 'new' } } }));
    const words = ['plan', 'site', '--app', 'ending', '--url', other.url, '--input', input, '--json'];
    const told = async () => {
      const { calls } = JSON.parse((await slipway(...words)).stdout);
      return calls.find((one) => one.provider === 'vercel');
    };
    const { looked, warning } = await told();
    // Two questions of the account, and two of the names that the steps would take.
    assert.equal(looked, 4);
    assert.match(warning, /^its token ends on \d+ \w+ \d{4}, in 5 days; /);
    assert.match(warning, /blocked the team: UNPAID_INVOICE/);
    assert.match(warning, /the role VIEWER in the team/);
    // What may not be asked, and what does not answer, is no warning, and ends no plan.
    for (const status of [403, 404, 503]) {
      peer.intercept = (call, response) => {
        const asked = call.path.startsWith('/v2/') || call.path.startsWith('/v5/');
        if (asked) peer.send(response, status, {});
        return asked;
      };
      assert.equal((await told()).warning, undefined, status);
    }
  } finally {
    await other.stop();
    await peer.stop();
  }
});

test('a token that ends soon is told with the calls, and an archived repository in its step', async () => {
  const peer = await Peer.start();
  const token = path.join(stack.folder, 'ending-token');
  await writeFile(token, 'ghp_that_ends_0123456789\n', { mode: 0o600 });
  const env = { SLIPWAY_GITHUB_URL: peer.url, SLIPWAY_GITHUB_TOKEN_FILE: token, SLIPWAY_ALLOW_LOOPBACK: 'yes' };
  const other = await Stack.start({ flags: ['--no-emulator'], env });
  const time = new Date(Date.now() + 2.5 * 24 * 3600 * 1000).toISOString().slice(0, 19).replace('T', ' ');
  peer.intercept = (_, response) => {
    response.setHeader('github-authentication-token-expiration', `${time} UTC`);
    return false;
  };
  peer.repositories.set('acme/old', { ...peer.repository('acme', 'old', 'upstream/app-template'), archived: true });
  try {
    const input = path.join(stack.folder, 'old.json');
    const repo = { owner: 'acme', name: 'old', fork: 'upstream/app-template', adopt: true };
    await writeFile(input, JSON.stringify({ inputs: { repo } }));
    const words = ['plan', 'site', '--app', 'old', '--url', other.url, '--input', input];
    const { steps, calls } = JSON.parse((await slipway(...words, '--json')).stdout);
    assert.match(calls[0].warning, /^its token ends on \d+ \w+ \d{4}, in 2 days$/);
    const { change, error } = steps.find(({ id }) => id === 'repo');
    assert.equal(change, 'blocked');
    assert.match(error.message, /acme\/old is archived/);
    assert.match(error.remedy.text, /Unarchive it/);
    // What the account may not do there is asked before the step is told to change something.
    const rights = { permissions: { admin: false, push: true, pull: true } };
    peer.repositories.set('acme/docs', { ...peer.repository('acme', 'docs', 'upstream/app-template'), ...rights });
    const whole = { repo: { ...repo, name: 'docs' }, protection: { requiredReviews: 1 } };
    await writeFile(input, JSON.stringify({ inputs: whole }));
    const planned = JSON.parse((await slipway(...words, '--json')).stdout).steps;
    const protection = planned.find(({ id }) => id === 'protection');
    assert.equal(protection.change, 'blocked');
    assert.match(protection.error.message, /may not administer acme\/docs/);
    await writeFile(input, JSON.stringify({ inputs: { repo } }));
    assert.match((await slipway(...words)).stdout, /^github: .*; its token ends on .*, in 2 days$/m);
  } finally {
    await other.stop();
    await peer.stop();
  }
});
