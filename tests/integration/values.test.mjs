// Where values come from besides a person: functions in references, and what is generated once and kept.
//
// covers: src/core/reference_function.c src/core/input.c src/core/run.c src/worker/attempt.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { startBehindFront } from './front.mjs';

let front;
let stack;

before(async () => {
  ({ front, stack } = await startBehindFront());
});
after(() => front?.end());

const configure = (appId, parts) => stack.post({ mode: 'configure', appId, ...parts });
const ended = (status) => ['done', 'error'].includes(status.status);

async function greet(app, text) {
  const { status, body } = await stack.trigger(app, 'hello', 'greet', { inputs: { greet: { text } } });
  return status < 300 ? stack.untilStatus(app, 'hello', 'greet', ended) : body;
}

test('the trigger applies functions to config and env, a worker to outputs of steps and other apps', async () => {
  await configure('derived', { config: { name: 'Grüße an Ada' }, env: { STAGE: 'PROD' } });
  const first = await greet('derived', '${config.name|slug}-${env.STAGE|lower}-${env.NONE|default:Main|lower}');
  assert.equal(first.output.text, 'grusse-an-ada-prod-main');
  await greet('maker', 'HÖR Mal');
  const other = await greet('derived', '${app.maker.hello.greet.text|slug|default:x}');
  assert.equal(other.output.text, 'hor-mal');
  const inputs = { repeat: { text: 'of ${step.greet.text|slug}' } };
  const own = await stack.trigger('derived', 'hello', 'repeat', { inputs });
  assert.equal(own.status, 202, JSON.stringify(own.body));
  assert.equal((await stack.untilStatus('derived', 'hello', 'repeat', ended)).output.text, 'of hor-mal');
});

test('the same derived value is the same input, whatever it is derived from', async () => {
  await configure('same', { config: { name: 'A b' } });
  const inputs = { greet: { text: '${config.name|slug}' } };
  const first = await stack.trigger('same', 'hello', 'greet', { inputs });
  await stack.untilStatus('same', 'hello', 'greet', 'done');
  await configure('same', { config: { name: 'a  B!' } });
  const again = await stack.trigger('same', 'hello', 'greet', { inputs });
  assert.equal(again.body.runId, first.body.runId);
});

test('a wrong function is named with its place before anything is run, in each mode', async () => {
  const rows = [['${config.name|upper}', /not a function/], ['${step.greet.text|slug:9}', /argument that takes none/],
    ['${secret.A|lower}', /no function can be applied to a secret/]];
  for (const [text, message] of rows) {
    for (const mode of ['trigger', 'validate']) {
      const actionId = mode === 'trigger' ? 'repeat' : undefined;
      const inputs = { greet: { text: 'a' }, repeat: { text } };
      const refused = await stack.post({ mode, appId: 'wrong', workflowId: 'hello', actionId, inputs });
      assert.equal(refused.status, 422, JSON.stringify(refused.body));
      const place = refused.body.errors.find((fault) => fault.place === '/inputs/repeat/text');
      assert.match(place.message, message);
    }
  }
  assert.equal((await stack.status('wrong', 'hello', 'repeat')).status, 'idle');
});

test('a value that a worker cannot derive ends the run with the place', async () => {
  await greet('maker', '?!');
  const failed = await greet('nothing', '${app.maker.hello.greet.text|slug}');
  assert.equal(failed.error.class, 'invalid_input');
  assert.equal(failed.error.place, '/input/text');
  assert.match(failed.error.message, /slug leaves nothing of '\?!'/);
});

test('a default that would stand in clear where a secret may is stored nowhere', async () => {
  const inputs = { check: { protectionBypass: '${config.none|default:correct-horse-in-clear}' } };
  for (const mode of ['configure', 'trigger', 'validate', 'plan']) {
    const target = mode === 'configure' ? {} : { workflowId: 'site' };
    const actionId = mode === 'trigger' ? 'check' : undefined;
    const refused = await stack.post({ mode, appId: 'clear', ...target, actionId, inputs });
    assert.equal(refused.status, 422, `${mode}: ${JSON.stringify(refused.body)}`);
  }
  assert.equal(await stack.redis('KEYS', 'slipway:{0}:app:clear:*'), '');
});
