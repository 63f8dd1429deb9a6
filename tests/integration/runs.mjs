// Runs of github.repository by workers of the test's own, against a stand-in for GitHub that a test makes misbehave:
// what the files about workers share.
import { after, afterEach, before, beforeEach } from 'node:test';
import assert from 'node:assert/strict';
import { Stack, until } from './stack.mjs';
import { Peer } from './peer.mjs';
import * as workers from './worker.mjs';

export const TOKEN = 'ghs_0123456789.token-that-must-not-leak';
// Of a worker that a test kills, or keeps from renewing it. The others have one that outlasts a busy moment.
export const LEASE_SECONDS = 3;

export let stack;
export let peer;
let number = 0;

before(async () => {
  peer = await Peer.start();
  stack = await Stack.start({ flags: ['--no-emulator', '--no-worker'] });
  await workers.writeToken(stack, TOKEN);
});
after(async () => {
  await stack?.stop();
  await peer?.stop();
});
beforeEach(() => {
  peer.calls = [];
  peer.delayMs = 0;
  peer.intercept = () => false;
});
afterEach(workers.stopWorkers);

export const startWorker = (options) => workers.startWorker(stack, peer, options);

export function newApp() {
  number += 1;
  return `app-${number}`;
}

export function triggerRepository(app, name = app) {
  return stack.trigger(app, 'site', 'repo', { inputs: { repo: { owner: 'acme', name, fork: 'upstream/template' } } });
}

export function ended(app, action = 'repo', workflow = 'site', boundMs = undefined) {
  return stack.untilStatus(app, workflow, action, (status) => ['done', 'error'].includes(status.status), boundMs);
}

// How often a run of the app was taken from a lost worker: the run's own count begins again after a wait or a retry.
export async function takeovers(app) {
  const events = await stack.redis('LRANGE', `slipway:{0}:app:default:${app}:events`, '0', '-1');
  return events.split('was lost; taken over').length - 1;
}

// At quiet, nothing of a run is left in queue, delayed or live.
export async function assertQuiet() {
  const left = () => stack.redis('EXISTS', 'slipway:{0}:ready', 'slipway:{0}:begun');
  await until(async () => (await left()) === '0', 'the queue is empty');
  assert.equal(await stack.redis('ZCARD', 'slipway:{0}:delayed'), '0');
  assert.equal(await stack.redis('ZCARD', 'slipway:{0}:live'), '0');
}

// Holds the first call that fits until it is let go; tells when it has come.
export function holdFirst(fits) {
  let let_go;
  let arrived;
  const free = new Promise((resolve) => { let_go = resolve; });
  const here = new Promise((resolve) => { arrived = resolve; });
  let held = false;
  peer.intercept = async (call) => {
    if (held || !fits(call)) return false;
    held = true;
    arrived();
    await free;
    return false;
  };
  return { here, let_go };
}

export const isFork = (call) => call.method === 'POST' && call.path.endsWith('/forks');
export const isLook = (call) => call.method === 'GET' && /^\/repos\/acme\/[^/]+$/.test(call.path);

// Holds every first look at a repository; gives what is held, and a function that lets all go.
export function holdLooks() {
  let letGo;
  const free = new Promise((resolve) => { letGo = resolve; });
  const held = new Set();
  peer.intercept = async (call) => {
    if (!isLook(call) || held.has(call.path)) return false;
    held.add(call.path);
    await free;
    return false;
  };
  return { held, letGo };
}
