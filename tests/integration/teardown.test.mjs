// What the workflow site has made is removed by teardown, on the stand-ins for GitHub and Vercel; and nothing else is.
//
// covers: workflows/definitions/teardown.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Stack, slipway } from './stack.mjs';

let stack;

before(async () => {
  stack = await Stack.start();
});
after(() => stack.stop());

const resources = async (app) =>
  JSON.parse((await slipway('resources', app, '--json', '--redis-url', `unix://${stack.folder}/redis.sock`)).stdout);

async function site(app, repository = {}, ...flags) {
  const input = path.join(stack.folder, `${app}.json`);
  await writeFile(
    input,
    JSON.stringify({
      inputs: {
        repo: { owner: 'acme', name: app, fork: 'upstream/app-template', ...repository },
        project: { name: app },
        env: { variables: [{ key: 'SITE_NAME', value: app, type: 'plain' }] },
        check: { url: `${stack.url}/healthz` },
      },
    }),
  );
  const result = await slipway('run', 'site', '--app', app, '--url', stack.url, '--input', input, ...flags);
  assert.equal(result.code, 0, result.stdout + result.stderr);
}

async function teardown(app, confirm, ...more) {
  const input = path.join(stack.folder, `${app}-teardown.json`);
  await writeFile(input, JSON.stringify({ inputs: { teardown: { confirm } } }));
  return slipway('run', 'teardown', '--app', app, '--url', stack.url, '--input', input, ...more);
}

// Where the worker was told that GitHub is.
async function atGitHub(name) {
  const words = (await readFile(`/proc/${await stack.daemon('slipway-worker')}/cmdline`, 'utf8')).split('\0');
  const url = words[words.indexOf('--github-url') + 1];
  const headers = { authorization: 'Bearer test_token_admin' };
  return (await fetch(`${url}/repos/acme/${name}`, { headers })).status;
}

test('a removal wants to be confirmed', async () => {
  await site('gone');
  const refused = await teardown('gone', 'another', '--force');
  assert.equal(refused.code, 1);
  assert.match(refused.stdout + refused.stderr, /invalid_input/);
  assert.equal((await resources('gone')).filter((one) => one.type === 'repository').length, 1);
});

test('what was made is gone, and a second teardown has nothing to do', async () => {
  const first = await teardown('gone', 'gone');
  assert.equal(first.code, 0, first.stdout + first.stderr);
  const left = await resources('gone');
  assert.deepEqual(
    left.filter((one) => ['repository', 'project', 'domain'].includes(one.type)),
    [],
  );
  const { body } = await stack.get('/api/deploy?appId=gone&workflowId=teardown');
  const counts = Object.fromEntries(body.actions.map((one) => [one.actionId, one.output.removed]));
  assert.deepEqual(counts, { domains: 0, projects: 1, resources: 0, repositories: 1 });
  const second = await teardown('gone', 'gone');
  assert.equal(second.code, 0, second.stdout + second.stderr);
  // The names are free again.
  await site('gone', {}, '--force');
  assert.equal((await resources('gone')).find((one) => one.type === 'repository').created, true);
});

test('what was adopted is left', async () => {
  await site('theirs', { share: true });
  const id = (await resources('theirs')).find((one) => one.type === 'repository').id;
  // Another app takes the same things over.
  await stack.post({
    mode: 'configure',
    appId: 'adopter',
    inputs: { repo: { owner: 'acme', name: 'theirs', fork: 'upstream/app-template', adopt: true, share: true } },
  });
  assert.equal((await stack.trigger('adopter', 'site', 'repo')).status, 202);
  await stack.untilStatus('adopter', 'site', 'repo', 'done');
  assert.equal((await resources('adopter'))[0].created, false);
  // While both have it, the one that made it does not take it from the other.
  const shared = await teardown('theirs', 'theirs');
  assert.equal(shared.code, 1);
  assert.match(shared.stdout + shared.stderr, /app 'adopter' shares the repository acme\/theirs/);
  assert.equal(await atGitHub('theirs'), 200);
  const result = await teardown('adopter', 'adopter');
  assert.equal(result.code, 0, result.stdout + result.stderr);
  assert.deepEqual(await resources('adopter'), []);
  // It still stands: the one who made it looks and finds it.
  await site('theirs', {}, '--force');
  assert.equal((await resources('theirs')).find((one) => one.type === 'repository').id, id);
});

test('done says that it is there: site, teardown, site, teardown, none of them forced', async () => {
  await site('twice');
  const once = (await resources('twice')).find((one) => one.type === 'repository').id;
  assert.equal((await teardown('twice', 'twice')).code, 0);
  assert.equal(await atGitHub('twice'), 404);
  const { body } = await stack.get('/api/deploy?appId=twice&workflowId=site');
  const removed = body.actions.filter((one) => one.removed).map((one) => one.actionId);
  assert.deepEqual(removed, ['repo', 'project', 'deployment']);
  await site('twice');
  assert.equal(await atGitHub('twice'), 200);
  assert.notEqual((await resources('twice')).find((one) => one.type === 'repository').id, once);
  assert.equal((await teardown('twice', 'twice')).code, 0);
  assert.equal(await atGitHub('twice'), 404);
});

test('a step that needs what was removed is refused', async () => {
  await site('needy');
  assert.equal((await teardown('needy', 'needy')).code, 0);
  const answer = await stack.post({ mode: 'trigger', appId: 'needy', workflowId: 'site', actionId: 'files',
    inputs: { files: { files: [{ path: 'a', content: 'a' }], message: 'a' } } });
  assert.equal(answer.status, 409, JSON.stringify(answer.body));
  assert.deepEqual(answer.body.needs, ['repo']);
});

test('a confirmation that is configured confirms nothing', async () => {
  await stack.post({ mode: 'configure', appId: 'careless', inputs: { teardown: { confirm: 'careless' } } });
  const answer = await stack.post({ mode: 'trigger', appId: 'careless', workflowId: 'teardown', actionId: 'domains' });
  assert.equal(answer.status, 422, JSON.stringify(answer.body));
  assert.equal(answer.body.errors[0].place, '/inputs/teardown/confirm');
});

test('what another app has is not taken without a word: adopt does not, share does where both say so', async () => {
  await site('owner');
  const repo = { owner: 'acme', name: 'owner', fork: 'upstream/app-template' };
  for (const more of [{}, { fork: undefined }, { adopt: true }, { adopt: true, share: true }]) {
    const trigger = { mode: 'trigger', appId: 'taker', workflowId: 'site', actionId: 'repo' };
    assert.equal((await stack.post({ ...trigger, inputs: { repo: { ...repo, ...more } } })).status, 202);
    const { error } = await stack.untilStatus('taker', 'site', 'repo', 'error');
    assert.equal(error.class, 'conflict_foreign');
    assert.match(error.message, /the app 'owner' has the repository acme\/owner/);
  }
  assert.deepEqual(await resources('taker'), []);
  const project = { mode: 'trigger', appId: 'other', workflowId: 'site', actionId: 'project' };
  await stack.trigger('other', 'site', 'repo', { inputs: { repo: { owner: 'acme', name: 'other' } } });
  await stack.untilStatus('other', 'site', 'repo', 'done');
  assert.equal((await stack.post({ ...project, inputs: { project: { name: 'owner' } } })).status, 202);
  const { error: taken } = await stack.untilStatus('other', 'site', 'project', 'error');
  assert.match(taken.message, /the app 'owner' has the project owner/);
  assert.equal((await teardown('other', 'other')).code, 0);
  assert.equal((await teardown('taker', 'taker')).code, 0);
  assert.equal(await atGitHub('owner'), 200);
  // It goes from one to the other by a teardown.
  assert.equal((await teardown('owner', 'owner')).code, 0);
  const owners = (await stack.redis('KEYS', 'slipway:owner:*')).split('\n').filter((key) => key !== '');
  const holders = await Promise.all(owners.map((key) => stack.redis('GET', key)));
  assert.deepEqual(holders.filter((holder) => /^(owner|taker) /.test(holder)), []);
});
