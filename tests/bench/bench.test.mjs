// The benchmark itself: that it runs, measures a row and its peer, and prints what it measured. No figure is judged.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
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

test('what was counted is all in the table', async (context) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-bench-test-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const environment = { ROUNDS: '1', ONLY: 'commands of a (trigger|run)', ROWS: path.join(folder, 'rows.jsonl') };
  const { stdout } = await script('run.mjs', environment);

  const printed = stdout.split('\n').filter((line) => line.startsWith('| Redis commands of a '));
  assert.deepEqual(printed.map((line) => line.split(' | ')[0].replace('| Redis commands of a ', '')),
    ['trigger: sent', 'trigger: within scripts', 'run: sent', 'run: within scripts']);
  for (const line of printed) assert.match(line, /\|\s+\| [\d.]+ \|/);
  assert.doesNotMatch(stdout, /Not measured/);

  const lines = (await readFile(environment.ROWS, 'utf8')).replace(/"in_scripts":[\d.]+/g, '"in_scripts":null');
  await writeFile(environment.ROWS, lines);
  const again = (await script('table.mjs', environment)).stdout;
  assert.match(again, /^Not measured: Redis commands of a run: within scripts: it gave no figure$/m);
});

test('a name that no row has is no silent success', async () => {
  await assert.rejects(script('run.mjs', { ONLY: 'no such row' }), { code: 1, stderr: /no row has a name like/ });
});
