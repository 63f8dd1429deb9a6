// SECURITY.md: that what it names is there, and each party of the threat model has its row.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const text = readFileSync(path.join(root, 'SECURITY.md'), 'utf8');
const rows = text.split('## Threat model')[1].split('\n').filter((line) => /^\| /.test(line));

test('each party of the threat model has one row', () => {
  for (const who of ['caller without', 'caller with a ', 'tenant', 'web tier', 'Redis', 'worker', 'executor',
    'provider', 'page']) {
    assert.equal(rows.filter((row) => row.startsWith(`| ${who}`)).length, 1, who);
  }
});

test('the files that hold a promise are there, and links lead somewhere', () => {
  const named = [...text.matchAll(/`((?:tests|conf|src|\.ci)\/[\w./-]+)`|\]\(([\w./-]+)\)/g)]
    .map((match) => match.slice(1).find(Boolean));
  assert.ok(named.length > 15);
  for (const name of named) assert.ok(existsSync(path.join(root, name)), name);
  assert.match(readFileSync(path.join(root, 'README.md'), 'utf8'), /\]\(SECURITY\.md\)/);
});
