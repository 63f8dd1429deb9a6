// `slipway plan` and `slipway apply --plan`: a plan is one's own, whatever other clients plan meanwhile.
//
// covers: src/cli/command_plan.c src/cli/stack_plan.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { Stack, slipway } from '../integration/stack.mjs';

let stack;
before(async () => {
  stack = await Stack.start({ flags: ['--no-emulator'], env: { SLIPWAY_ALLOW_LOOPBACK: 'yes' } });
});
after(() => stack.stop());

let files = 0;
async function fileOf(content) {
  const file = path.join(stack.folder, `plan-${files++}.json`);
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

// Another client that plans while ours polls: the first polls are answered once its plan stands in the place of ours.
async function beside(app, times, inputs = { greet: { text: 'theirs' } }) {
  let left = times;
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    if (request.url.includes('actionId=plan') && left > 0) {
      left -= 1;
      await stack.untilStatus(app, 'hello', 'plan', (step) => step.status === 'done');
      assert.equal((await stack.post({ mode: 'plan', appId: app, workflowId: 'hello', inputs })).status, 202);
    }
    const answer = await fetch(`${stack.url}${request.url}`, { method: request.method,
      headers: { 'content-type': 'application/json' }, body: chunks.length > 0 ? Buffer.concat(chunks) : undefined });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') });
    response.end(await answer.text());
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

const planOf = (app, url, input, ...more) =>
  slipway('plan', 'hello', '--app', app, '--url', url, '--input', input, ...more);

const hashOf = async (app, input, url = stack.url) => {
  const { code, stdout, stderr } = await planOf(app, url, input, '--json');
  assert.equal(code, 0, stdout + stderr);
  return JSON.parse(stdout).hash;
};

test("another client's plan is not shown as one's own", async () => {
  const file = await fileOf({ inputs: { greet: { text: 'ours' } } });
  const ours = await hashOf('beside', file);
  const front = await beside('beside', 1);
  assert.equal(await hashOf('beside', file, front.url), ours);
  front.close();
});

test('nor is it by a stack', async () => {
  const file = await fileOf('apps:\n  stacked:\n    workflow: hello\n    inputs: {greet: {text: ours}}\n');
  const inputs = { greet: { text: '${config.none}' } };
  const front = await beside('stacked', 1, inputs);
  const { code, stdout, stderr } = await slipway('apply', '--plan', '-f', file, '--url', front.url);
  front.close();
  assert.equal(code, 0, stdout + stderr);
  assert.doesNotMatch(stdout, /blocked/);
});

test('where others plan again and again, the command says so and names the run', async () => {
  const front = await beside('crowded', 1000);
  const file = await fileOf({ inputs: { greet: { text: 'ours' } } });
  const { code, stdout, stderr } = await planOf('crowded', front.url, file);
  front.close();
  assert.notEqual(code, 0);
  assert.equal(stdout, '');
  assert.match(stderr, /other clients plan 'hello' for 'crowded'.*the last one by the run [0-9a-f]{32}/);
  assert.match(stderr, /what to do: .*plan again/);
});
