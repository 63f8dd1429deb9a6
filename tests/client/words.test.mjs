import { test } from 'node:test';
import assert from 'node:assert/strict';
import {
  ago, clockTime, describe, describeDeployment, duration, elapsed, list, providerName, remedyText,
} from '../../client/words.js';
import { labelOf, mergePatch, withoutGaps } from '../../client/form.js';

const STEP = { id: 'repo', action: 'github.repository', needs: [] };
const LATER = '2030-05-06T14:03:00';

function sentenceOf(members) {
  return describe({ status: 'running', ...members }, STEP).sentence;
}

test('a state in words', () => {
  const waiting = sentenceOf({ phase: 'waiting', reason: 'rate_limited', resumeAt: LATER });
  assert.match(waiting, /^Waiting for GitHub: rate limit, resumes at .*03/);
  assert.equal(sentenceOf({ phase: 'waiting', reason: 'moon_phase' }), 'Waiting for GitHub: moon phase.');
  assert.equal(sentenceOf({ phase: 'blocked' }), 'Cannot continue.');
  assert.equal(sentenceOf({ phase: 'queued' }), 'Waiting for a free worker.');
  assert.match(sentenceOf({ phase: 'queued', reason: 'no_worker_for_version' }), /^No running worker has this version/);
  assert.match(sentenceOf({ phase: 'queued', reason: 'paused' }), /^An operator has paused it/);
  assert.equal(sentenceOf({ phase: 'something_new' }), 'Talking to GitHub.');
  assert.equal(describe({ status: 'idle' }, STEP, ['One', 'Two']).sentence, 'Starts after: One and Two.');
  assert.equal(describe({ status: 'error', error: { class: 'cancelled' } }, STEP).badge, 'Cancelled');
});

test('each reason for which a step waits has words of its own', () => {
  const words = (phase, reason) => describe({ status: 'running', phase, reason, resumeAt: LATER }, STEP);
  const expected = [
    ['queued', null, 'busy', 'Queued', /^Waiting for a free worker\.$/],
    ['queued', 'no_worker', 'waiting', 'Queued', /^No worker is running\./],
    ['queued', 'turn', 'busy', 'Queued', /^Waiting for a free worker\.$/],
    ['executing', null, 'busy', 'Working', /^Talking to GitHub\.$/],
    ['executing', 'worker_silent', 'waiting', 'Working', /^Its worker has not been heard of\./],
    ['executing', 'cancelling', 'waiting', 'Cancelling', /^Its worker ends it within seconds\.$/],
    ['waiting', 'store_unavailable', 'waiting', 'Waiting', /^Its worker could not reach the data of Slipway\./],
    ['waiting', 'provider_down', 'waiting', 'Waiting', /^Waiting for GitHub: it has an outage, resumes at .*03/],
    ['waiting', 'rate_limited', 'waiting', 'Waiting', /^Waiting for GitHub: rate limit, resumes at .*03/],
    ['waiting', 'turn', 'waiting', 'Waiting', /^Waiting for GitHub: other runs are first, resumes at .*03/],
    ['blocked', 'needs', 'idle', 'Waiting', /^Begins by itself when what it needs is done\.$/],
    ['blocked', 'need_failed', 'waiting', 'On hold', /^Begins by itself when what it needs was retried and is done\.$/],
    ['blocked', 'person', 'waiting', 'Your turn', /^Continues by itself once this is done, checks again at .*03/],
  ];
  for (const [phase, reason, kind, badge, sentence] of expected) {
    const said = words(phase, reason);
    assert.deepEqual([said.kind, said.badge], [kind, badge], `${phase} ${reason}`);
    assert.match(said.sentence, sentence);
  }
});

test('names, lists and times', () => {
  assert.deepEqual([providerName('github.fork'), providerName('vercel.project')], ['GitHub', 'Vercel']);
  assert.deepEqual([list([]), list(['a']), list(['a', 'b', 'c'])], ['', 'a', 'a, b and c']);
  assert.deepEqual([999, 61_000, 7_260_000, -5].map(duration), ['1 s', '1 min 1 s', '2 h 1 min', '0 s']);
  assert.deepEqual([clockTime(null), clockTime('soon')], ['', '']);
  const times = { startedAt: '2030-01-01T00:00:00Z', finishedAt: '2030-01-01T00:00:05Z' };
  assert.equal(elapsed(times), '5 s');
  assert.equal(elapsed({ queuedAt: null }), '');
});

test('what is done, reused, skipped or removed', () => {
  const done = (members) => describe({ status: 'done', ...members }, STEP);
  assert.match(done({ finishedAt: LATER }).sentence, /^Finished at .*03/);
  assert.match(done({ finishedAt: LATER, reused: true }).sentence, /^Reused, finished just now: nothing was run\.$/);
  const skipped = done({ reason: 'skipped', output: { reason: 'no domain was given' } });
  assert.deepEqual([skipped.badge, skipped.sentence], ['Skipped', 'No domain was given.']);
  assert.deepEqual([done({ removed: true }).badge, done({ removed: true }).kind], ['Removed', 'waiting']);
  const now = new Date('2030-01-10T00:00:00Z');
  assert.deepEqual(['2030-01-07T00:00:00Z', '2030-01-09T23:00:00Z', '2030-01-10T00:00:05Z', null, 'soon']
    .map((time) => ago(time, now)), ['3 days ago', '1 hour ago', 'just now', '', '']);
});

test('why a step waits, and what is out of date', () => {
  const running = (members) => describe({ status: 'running', phase: 'blocked', resumeAt: LATER, ...members }, STEP);
  assert.deepEqual([running({ reason: 'needs' }).badge, running({ reason: 'needs' }).kind], ['Waiting', 'idle']);
  assert.deepEqual([running({ reason: 'need_failed' }).badge, running({ reason: 'need_failed' }).kind],
    ['On hold', 'waiting']);
  assert.doesNotMatch(running({ reason: 'needs' }).sentence + running({ reason: 'need_failed' }).sentence, /checks/);
  const stale = describe({ status: 'done', stale: true }, STEP);
  assert.deepEqual([stale.badge, stale.kind], ['Out of date', 'waiting']);
  assert.match(stale.sentence, /changed since\. Start again/);
});

test('a deployment in words', () => {
  const now = new Date(LATER);
  const told = (members, troubled = {}) =>
    describeDeployment({ status: 'error', reason: null, ...members }, { failed: [], held: [], ...troubled }, now);
  const live = told({ status: 'running', startedAt: LATER });
  assert.deepEqual([live.badge, live.kind], ['Deploying', 'busy']);
  assert.match(live.sentence, /^Under way since .*03.*\. It goes on also if you close this page\.$/);
  assert.equal(told({ status: 'running', reason: 'cancelling' }).badge, 'Being cancelled');
  assert.equal(told({ status: 'a word of the future' }).badge, 'Deploying');
  assert.match(told({ status: 'done', finishedAt: LATER }).sentence, /^Finished at .*03/);
  assert.equal(told({ reason: 'cancelled' }).badge, 'Cancelled');
  assert.equal(told({}, { failed: ['A', 'B'], held: ['C'] }).sentence, 'Ended. Failed: A and B. Waiting for that: C.');
  const held = told({}, { held: ['C', 'D'] });
  assert.deepEqual([held.badge, held.sentence], ['On hold', 'Waiting for what has failed in another app: C and D.']);
});

test("the server's remedy goes before ours", () => {
  assert.equal(remedyText({ remedy: { text: 'Ask Ann.' }, status: 401 }), 'Ask Ann.');
  assert.match(remedyText({ remedy: null, status: 401 }), /access token/);
  assert.match(remedyText({ retryable: true }), /Try again/);
  assert.equal(remedyText({}), '');
});

test('a patch says only what differs from what is stored', () => {
  const stored = { name: 'docs', owner: 'acme', template: { owner: 'acme' }, env: [{ key: 'A' }], unseen: 1 };
  assert.equal(mergePatch(stored, { ...stored, unseen: 1 }), undefined);
  assert.equal(mergePatch(undefined, { name: undefined, template: { owner: undefined } }), undefined);
  assert.deepEqual(mergePatch(undefined, { name: 'x', gap: undefined }), { name: 'x' });
  const entered = { name: 'site', owner: undefined, template: { owner: undefined }, env: [], extra: undefined };
  assert.deepEqual(mergePatch(stored, entered), { name: 'site', owner: null, template: { owner: null }, env: [] });
});

test('gaps and labels', () => {
  assert.deepEqual(withoutGaps({ a: undefined, b: { c: undefined }, d: [], e: false }), { d: [], e: false });
  assert.deepEqual(['repoName', 'repo_name', 'name'].map(labelOf), ['Repo name', 'Repo name', 'Name']);
});
