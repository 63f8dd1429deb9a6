// References to the outputs of another app: they are needs, they count, and they name what there is.
//
// covers: src/core/workflow.c src/core/input.c src/api/trigger_response.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Stack } from './stack.mjs';

let stack;
before(async () => { stack = await Stack.start({ flags: ['--no-emulator'] }); });
after(() => stack.stop());

async function greet(app, text) {
  const answer = await stack.trigger(app, 'hello', 'greet', { inputs: { greet: { text } } });
  if (answer.status < 300) await stack.untilStatus(app, 'hello', 'greet', 'done');
  return answer;
}

test('a step of another app that is not done is named, and nothing is run', async () => {
  const refused = await greet('late', 'hears ${app.early.hello.greet.text}');
  assert.equal(refused.status, 409);
  assert.equal(refused.body.class, 'needs_not_done');
  assert.deepEqual(refused.body.needs, ['early.hello.greet']);
  assert.equal((await stack.status('late', 'hello', 'greet')).status, 'idle');
});

test('a step does not wait for itself by the name of its own app', async () => {
  await greet('mirror', 'one');
  const inputs = { greet: { text: '${app.mirror.hello.greet.text}' } };
  const refused = await stack.trigger('mirror', 'hello', 'greet', { inputs });
  assert.equal(refused.status, 422, JSON.stringify(refused.body));
  assert.equal(refused.body.errors[0].place, '/inputs/greet/text');
  assert.match(refused.body.detail, /'greet' refers to itself/);
  const checked = await stack.post({ mode: 'validate', appId: 'mirror', workflowId: 'hello', inputs });
  assert.equal(checked.status, 422);
});

test('what was made of another app\'s output is made again when that has changed', async () => {
  const text = 'hears ${app.source.hello.greet.text}';
  await greet('source', 'one');
  assert.equal((await greet('reader', text)).status, 202);
  assert.equal((await greet('reader', text)).body.reused, true);
  await greet('source', 'two');
  const again = await greet('reader', text);
  assert.equal(again.status, 202, JSON.stringify(again.body));
  assert.equal((await stack.status('reader', 'hello', 'greet')).output.text, 'hears two');
});

test('a plan says of a step with an output that there is none of what is wrong', async () => {
  const inputs = { greet: { text: 'x ${app.source.hello.greet.typo}' } };
  await stack.post({ mode: 'plan', appId: 'plan-app', workflowId: 'hello', inputs });
  const { output } = await stack.untilStatus('plan-app', 'hello', 'plan', 'done');
  const step = output.steps.find(({ id }) => id === 'greet');
  assert.equal(step.change, 'blocked');
  assert.equal(step.error.place, '/inputs/greet/text');
  assert.match(step.error.message, /no output 'typo'/);
});
