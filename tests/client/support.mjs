/** What the tests of the client share. */

import { getEventListeners } from 'node:events';
import assert from 'node:assert/strict';
import { SlipwayClient } from '../../client/slipway.js';
import { startStub } from './stub.mjs';

/** A stub and a client of it, closed with the test. */
export async function setUp(context, clientOptions = {}, stubOptions = {}) {
  const stub = await startStub(stubOptions);
  context.after(() => stub.close());
  return { stub, client: new SlipwayClient({ baseUrl: stub.url, pollMs: 5, ...clientOptions }) };
}

/** A clock on which every sleep is over at once, and which remembers them all. */
export function fakeClock() {
  let time = 0;
  const sleeps = [];
  const sleep = async (milliseconds, signal) => {
    signal?.throwIfAborted();
    sleeps.push(milliseconds);
    time += milliseconds;
  };
  return { now: () => time, sleep, sleeps };
}

/** A clock whose sleeps never end by themselves; `asleep` resolves when the first begins. */
export function stoppedClock() {
  let begin;
  const asleep = new Promise((resolve) => {
    begin = resolve;
  });
  const sleep = (milliseconds, signal) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      begin(milliseconds);
    });
  return { now: () => 0, sleep, asleep };
}

export function assertNoListeners(signal) {
  assert.equal(getEventListeners(signal, 'abort').length, 0);
}

/** For how long each poll was to wait at the server. */
export function waitsOf(stub) {
  return stub.of('poll').map(({ fields }) => fields.wait);
}

/** The error that a promise rejects with. */
export async function failureOf(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return assert.fail('expected a rejection');
}

export const FAILED = {
  status: 'error',
  error: {
    class: 'conflict_foreign',
    retryable: false,
    message: 'The repository exists and is not ours.',
    remedy: { text: 'Choose another name.' },
  },
};
