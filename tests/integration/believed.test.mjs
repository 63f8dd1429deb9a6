// Workers believe only workers: rows of ledgers, checkpoints and outputs that were forged, moved or put back, by one
// who may write to Redis, are refused, and operators are told.
//
// covers: src/worker/belief.c src/store/verify_macs.c src/store/scripts/sign.lua
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build, until } from './stack.mjs';
import { Fortress, keyOf } from '../harness/fortress.mjs';

const ROUNDS = 8; // of 2 runs each that are under way
const REPOSITORY = 'github:repository:acme/';
let f;

before(async () => {
  f = await Fortress.start();
  // Nobody of Slipway made it.
  f.peer.repositories.set('acme/theirs', f.peer.repository('acme', 'theirs', 'upstream/template'));
  // At the same time: each is looked for until it is there.
  await Promise.all(['forged', 'from', 'back', 'signed'].map((app) => f.once(app)));
});
after(() => f.stop());

const ledger = (app) => keyOf(app, 'ledger');
const rowOf = (app, name = app) => f.cli('tester', 'HGET', ledger(app), `${REPOSITORY}${name}`);
const audit = () => f.slipway('audit', '--limit', '20').text.trim().split('\n');

// The run has ended by what was forged, the operators are told, and the provider was asked for nothing but to look.
function assertForged(status, words, mark) {
  assert.equal(status.status, 'error', JSON.stringify(status));
  assert.equal(status.error.class, 'forged', JSON.stringify(status.error));
  assert.match(status.error.message, words);
  assert.deepEqual(f.peer.since(mark), []);
  const { workflowId, appId, actionId } = status;
  assert.ok(audit().some((line) => line.includes(`${appId}/${workflowId}/${actionId}`) && /forged/.test(line)),
    audit().join('\n'));
}

test('a forged row by a login that may write ledgers: the teardown is refused, and an operator mends it', async () => {
  await f.once('forged');
  f.cli('slipway-worker', 'HSET', ledger('forged'), `${REPOSITORY}theirs`,
    JSON.stringify({ state: 'created', id: '100', created: true, at: '2026-01-01T00:00:00Z' }));
  const mark = f.peer.calls.length;
  assertForged(await f.remove('forged'), /row github:repository:acme\/theirs of the ledger of 'forged'.*no MAC/, mark);
  await until(() => /event="what is stored is not believed"/.test(f.log), 'the log has it');
  const verified = f.slipway('verify');
  assert.equal(verified.code, 1);
  assert.match(verified.text, /app:default:forged:ledger: its row 'github:repository:acme\/theirs': it has no MAC/);
  f.cli('slipway-worker', 'HDEL', ledger('forged'), `${REPOSITORY}theirs`);
  assert.equal(f.slipway('verify').code, 0);
  assert.equal((await f.remove('forged')).status, 'done');
  assert.deepEqual(f.peer.since(mark), ['DELETE /repos/acme/forged']);
  assert.ok(f.peer.repositories.has('acme/theirs'));
});

test('a row that was moved from another app, or to another name, or of which one byte was changed', async () => {
  await f.once('from');
  const row = rowOf('from');
  for (const [app, name, text] of [['moved', 'from', row], ['renamed', 'theirs', row],
    ['bent', 'from', row.replace('"id":"1', '"id":"2')]]) {
    f.cli('slipway-worker', 'HSET', ledger(app), `${REPOSITORY}${name}`, text);
    const mark = f.peer.calls.length;
    assertForged(await f.remove(app), /its MAC is of another text or place/, mark);
    f.cli('slipway-worker', 'DEL', ledger(app));
  }
});

test('a row that was put back after its thing was removed: what has its name by now is another thing, and stays',
  async () => {
    await f.once('back');
    const row = rowOf('back');
    assert.equal((await f.remove('back')).status, 'done');
    f.peer.repositories.set('acme/back', f.peer.repository('acme', 'back', 'upstream/template'));
    f.cli('slipway-worker', 'HSET', ledger('back'), `${REPOSITORY}back`, row);
    const mark = f.peer.calls.length;
    const status = await f.remove('back');
    assert.deepEqual([status.status, status.output], ['done', { removed: 0, left: 1 }]);
    assert.deepEqual(f.peer.since(mark), []);
  });

// It is due at once.
function hurry(app) {
  f.attack('HSET', keyOf(app, 'site:repo'), 'due', '1');
  f.attack('ZADD', 'slipway:{0}:delayed', '1', `default:${app}:site:repo`);
  f.attack('ZADD', 'slipway:{0}:live', '1', `default:${app}:site:repo`);
}

// With what somebody has changed of it meanwhile; since when the provider is to see nothing of it.
async function hurryWith(app, change) {
  let mark;
  await f.whileWaiting(app, () => {
    change();
    mark = f.peer.calls.length;
    hurry(app);
  });
  return mark;
}

test('a forged checkpoint, that of another run, and that of this run with another input', async () => {
  const own = await f.waiting('checked');
  const text = f.attack('HGET', own, 'checkpoint');
  assert.match(text, /^[0-9a-f]{8}\.[\w-]{22} \{/);
  const other = await f.waiting('another');
  const forgeries = [
    ['no MAC', () => f.attack('HSET', own, 'checkpoint', '{"askedMs":10,"taken":true}')],
    ['another text or place', () => f.attack('HSET', other, 'checkpoint', text)],
  ];
  for (const [index, [words, forge]] of forgeries.entries()) {
    const app = ['checked', 'another'][index];
    const mark = await hurryWith(app, forge);
    assertForged(await f.until(app, 'site', 'repo'), new RegExp(`checkpoint of the run.*${words}`), mark);
  }
  const bent = await f.waiting('bentinput');
  const input = JSON.stringify({ owner: 'acme', name: 'theirs', fork: 'upstream/template' });
  const mark = await hurryWith('bentinput', () => f.attack('HSET', bent, 'input', input));
  assertForged(await f.until('bentinput', 'site', 'repo'), /another text or place/, mark);
  // Of an earlier run of the same step.
  const again = await f.waiting('checked');
  const later = await hurryWith('checked', () => f.attack('HSET', again, 'checkpoint', text));
  assertForged(await f.until('checked', 'site', 'repo'), /another text or place/, later);
});

// A repository whose name another app's output gives.
async function named(app, from) {
  await f.trigger(app, 'site', 'repo',
    { repo: { owner: 'acme', name: `\${app.${from}.hello.greet.text}`, fork: 'upstream/template' } });
  return f.until(app, 'site', 'repo');
}

test('a forged output that a reference uses, one that was moved, and one whose digest was changed', async () => {
  await f.greet('source', 'honest');
  await f.greet('second', 'moved');
  await f.until('source', 'hello', 'greet');
  await f.until('second', 'hello', 'greet');
  const [own, other] = ['source', 'second'].map((app) => keyOf(app, 'hello:greet'));
  const [output, gives] = ['output', 'gives'].map((field) => f.attack('HGET', own, field));
  const forgeries = [
    ['output', JSON.stringify({ text: 'evil', length: 4 }), 'gives', gives, /another text or place/],
    ['output', f.attack('HGET', other, 'output'), 'gives', f.attack('HGET', other, 'gives'), /another text or place/],
    ['output', output, 'gives', gives.replace(/^./, 'z'), /another text or place/],
    ['output', JSON.stringify({ text: 'evil', length: 4 }), 'gives', gives.split(' ')[0], /no MAC/],
  ];
  for (const [index, [field, text, more, value, words]] of forgeries.entries()) {
    f.attack('HSET', own, field, text, more, value);
    const mark = f.peer.calls.length;
    assertForged(await named(`uses${index}`, 'source'), words, mark);
  }
  const verified = f.slipway('verify');
  assert.match(verified.text, /app:default:source:hello:greet: its output: it has no MAC/);
  f.attack('HSET', own, 'output', output, 'gives', gives);
  const status = await named('uses', 'source');
  assert.deepEqual([status.status, status.output.name], ['done', 'honest']);
});

test('an output in a person\'s name is what `skip` gives to who has a deploy token, and no more', async () => {
  await f.greet('person', 'own');
  await f.until('person', 'hello', 'greet');
  const key = keyOf('person', 'hello:greet');
  f.attack('HSET', key, 'output', JSON.stringify({ text: 'given', length: 5 }), 'gives', 'x given');
  // The same by the API.
  const answer = await f.post({ mode: 'skip', appId: 'asked', workflowId: 'hello', actionId: 'greet',
    output: { text: 'asked', length: 5 } });
  assert.equal(answer.status, 200, JSON.stringify(answer));
  assert.match(f.attack('HGET', keyOf('asked', 'hello:greet'), 'gives'), /^[0-9a-f]{32} given$/);
  const both = await Promise.all([named('given', 'person'), named('asks', 'asked')]);
  assert.deepEqual(both.map((status) => status.output.name), ['given', 'asked']);
});

test('an operator signs what is right after a look, and only then it is believed', async () => {
  await f.once('signed');
  const row = rowOf('signed');
  f.cli('slipway-worker', 'HSET', ledger('signed'), `${REPOSITORY}signed`, row.replace(/"mac":"[^"]*",/, ''));
  let mark = f.peer.calls.length;
  assertForged(await f.remove('signed'), /no MAC/, mark);
  assert.match(f.slipway('verify').text, /app:default:signed:ledger: its row/);
  const signed = f.slipway('verify', '--sign');
  assert.equal(signed.code, 0, signed.text);
  assert.equal(rowOf('signed'), row);
  mark = f.peer.calls.length;
  assert.equal((await f.remove('signed')).status, 'done');
  assert.deepEqual(f.peer.since(mark), ['DELETE /repos/acme/signed']);
});

// Of the runs that are under way some have asked for an output, and check it by the keys that come meanwhile.
test('keys are read again while Redis is slow: the worker goes on, and so do its runs', async () => {
  await f.greet('asked-for', 'honest');
  await f.until('asked-for', 'hello', 'greet');
  const crash = f.ended.then((code) => { throw new Error(`the worker has ended with ${code}:\n${f.log}`); });
  const reads = () => f.log.split('credentials read again').length;
  for (let round = 0; round < ROUNDS; round++) {
    const apps = Array.from({ length: 6 }, (_, index) => `slow${round}-${index}`);
    const ask = () => apps.map((app) => f.greet(app, '${app.asked-for.hello.greet.text}'));
    const posts = ask();
    await Promise.race(posts);
    const before = reads();
    f.redis.process.kill('SIGSTOP');
    f.worker.kill('SIGHUP');
    await Promise.race([crash, until(() => reads() > before, 'it has read them')]);
    f.redis.process.kill('SIGCONT');
    await Promise.all(posts);
    // Some may have been refused.
    await until(async () => (await Promise.all(ask())).every(({ runId }) => runId), 'all are taken');
    const ends = Promise.all(apps.map((app) => f.until(app, 'hello', 'greet')));
    const found = await Promise.race([crash, ends]);
    assert.deepEqual(found.map((status) => status.output?.text), apps.map(() => 'honest'), JSON.stringify(found));
  }
});

const turn = async (text) => {
  const before = f.log.split('credentials read again').length;
  writeFileSync(f.redis.users.keys, `${text}\n`);
  await until(() => f.log.split('credentials read again').length > before, 'the worker has the keys');
};
const faultsOfMacs = (text) => text.split('\n').filter((line) => /: (its|the output)/.test(line));

// A result that waits for a need to be done again, or whose run was cancelled meanwhile: it may be given back.
async function keepResult(app) {
  await f.greet(app, 'kept');
  await f.until(app, 'hello', 'greet');
  await f.trigger(app, 'hello', 'repeat', {});
  assert.equal((await f.until(app, 'hello', 'repeat')).status, 'done');
  f.cli('tester', 'HSET', keyOf(app, 'hello:greet'), 'status', 'error', 'error', '{"class":"internal","message":"x"}');
  await f.trigger(app, 'hello', 'repeat', {}, { hold: true });
  assert.notEqual(f.attack('HGET', keyOf(app, 'hello:repeat'), 'kept_gives'), '');
}

test('a turn of the keys: the new one signs all that workers signed, what is kept too, and no forgery', async () => {
  await f.greet('evil', 'honest');
  await f.until('evil', 'hello', 'greet');
  await f.waiting('pending');
  await Promise.all(['held', 'ended', 'bentkept'].map(keepResult));
  await f.post({ mode: 'cancel', appId: 'ended', workflowId: 'hello', actionId: 'repeat' });
  assert.equal((await f.until('ended', 'hello', 'repeat')).status, 'error');
  f.attack('HSET', keyOf('evil', 'hello:greet'), 'output', JSON.stringify({ text: 'evil', length: 4 }));
  f.attack('HSET', keyOf('bentkept', 'hello:repeat'), 'kept_output', JSON.stringify({ text: 'evil', length: 4 }));
  const forged = ['app:default:bentkept:hello:repeat: the output that it keeps: its MAC is of another text',
    'app:default:evil:hello:greet: its output: its MAC is of another text'];
  const assertFaults = (text) => {
    const found = faultsOfMacs(text).sort();
    assert.equal(found.length, forged.length, text);
    for (const [index, words] of forged.entries()) assert.ok(found[index].includes(words), text);
  };

  const old = readFileSync(f.redis.users.keys, 'utf8').trim(), file = path.join(f.api.folder, 'new.keys');
  assert.equal(spawnSync(path.join(build, 'slipway'), ['key', file]).status, 0);
  const fresh = readFileSync(file, 'utf8').trim();
  await turn(`${fresh} ${old}`);
  const renewed = f.slipway('verify', '--renew');
  assert.match(renewed.text, /\d+ texts are signed anew, by the first key/);
  assertFaults(renewed.text);
  assert.equal(renewed.code, 1);
  await turn(fresh);
  // Those two had the old key, and have it still.
  assert.deepEqual(faultsOfMacs(f.slipway('verify').text).map((line) => / a key that is not among/.test(line)),
    [true, true]);

  for (const app of ['held', 'ended']) {
    await f.greet(app, 'kept', { force: true });
    await f.until(app, 'hello', 'greet');
    await f.trigger(app, 'hello', 'repeat', {});
    assert.equal((await f.until(app, 'hello', 'repeat')).reason, 'reused');
    await f.greet(`uses-${app}`, `\${app.${app}.hello.repeat.text}`);
    assert.equal((await f.until(`uses-${app}`, 'hello', 'greet')).output?.text, 'again: kept');
  }
  f.peer.hidden.delete('acme/pending');
  hurry('pending');
  assert.equal((await f.until('pending', 'site', 'repo')).status, 'done');
  const mark = f.peer.calls.length;
  assertForged(await named('uses-evil', 'evil'), /not among those here/, mark);
});
