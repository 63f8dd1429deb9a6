// What slipway-api loads: no library for calls to providers, which it never makes. They would be most of the time that
// it takes to start, and half of the memory of a handler.
//
// covers: src/offline/offline.c
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { build } from '../integration/stack.mjs';

const librariesOf = (program) => execFileSync('ldd', [path.join(build, program)], { encoding: 'utf8' });
const CALLING = /lib(curl|ssl|crypto|gnutls)\.so/;

test('slipway-api loads neither libcurl nor TLS', () => {
  assert.match(librariesOf('slipway-api'), /libhiredis\.so/);
  assert.doesNotMatch(librariesOf('slipway-api'), CALLING);
});

test('slipway-worker, which calls providers, is seen to load them', () => {
  assert.match(librariesOf('slipway-worker'), CALLING);
});
