// The benchmark itself: that it runs, measures a row and its peer, and prints what it measured. No figure is judged.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const ROW = 'trigger, 32 connections against bare';

function script(name, environment) {
  return run('node', [path.join(here, name)], { env: { ...process.env, ...environment } });
}

test('one row is measured beside its peer, and its table can be printed again', async (context) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-bench-test-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const environment = { ROUNDS: '2', SECONDS: '0.2', ONLY: ROW, ROWS: path.join(folder, 'rows.jsonl') };
  const { stdout } = await script('run.mjs', environment);

  const lines = (await readFile(environment.ROWS, 'utf8')).trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(lines.map((line) => [line.round, line.case]), [
    [undefined, undefined],
    [1, 'trigger, 32 connections'],
    [1, 'trigger, 32 connections: bare'],
    [2, 'trigger, 32 connections: bare'],
    [2, 'trigger, 32 connections'],
  ]);
  for (const line of lines.slice(1)) {
    assert.equal(line.failed, undefined);
    assert.ok(line.responses > 0);
    assert.deepEqual([line.bad, line.cut], [0, 0]);
  }

  const printed = stdout.split('\n').filter((line) => line.startsWith('| trigger'));
  assert.equal(printed.length, 1);
  assert.match(printed[0], /bare epoll \| [\d,]+ \([\d,-]+\) \/s \| [\d,]+ \([\d,-]+\) \/s \| [\d.]+ \([\d.-]+\) \|/);
  assert.match(stdout, /^Noise: /m);
  assert.equal((await script('table.mjs', environment)).stdout, stdout);
});

test('a name that no row has is no silent success', async () => {
  await assert.rejects(script('run.mjs', { ONLY: 'no such row' }), { code: 1, stderr: /no row has a name like/ });
});
