// The units of systemd: how much of the machine they leave open, and that the programs can live with what they close.
//
// covers: src/api/main.c src/worker/main.c src/worker/executor.c
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, Stack } from '../integration/stack.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const unitOf = (name) => path.join(root, `conf/systemd/slipway-${name}.service`);
const analyze = (...words) => spawnSync('systemd-analyze', words, { encoding: 'utf8' });
const MOST_EXPOSED = 1.5;

// Without a running systemd it still reads units; a machine without it has nothing to say about them.
const asked = analyze('security', '--offline=true', '--no-pager', unitOf('api'));
const skip = asked.status !== 0 && `systemd-analyze cannot look at units: ${asked.stderr ?? asked.error}`;

function exposure(unit) {
  const { stdout, stderr } = analyze('security', '--offline=true', '--no-pager', unit);
  const found = /Overall exposure level for \S+: ([\d.]+)/.exec(stdout);
  assert.ok(found, stdout + stderr);
  return Number(found[1]);
}

for (const name of ['api', 'worker']) {
  test(`slipway-${name} is exposed by ${MOST_EXPOSED} at most, and by more where a line is missing`, { skip }, () => {
    const level = exposure(unitOf(name));
    assert.ok(level <= MOST_EXPOSED, `${level}`);
    const folder = mkdtempSync(path.join(tmpdir(), 'slipway-unit-'));
    try {
      const open = path.join(folder, `slipway-${name}.service`);
      writeFileSync(open, readFileSync(unitOf(name), 'utf8').replace('SystemCallFilter=~@privileged @resources\n', ''));
      assert.ok(exposure(open) > level);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

test('an executor may take more from itself, and nobody more than the unit has left', { skip }, () => {
  const worker = readFileSync(unitOf('worker'), 'utf8');
  for (const call of ['seccomp', 'landlock_create_ruleset', 'landlock_add_rule', 'landlock_restrict_self']) {
    assert.match(worker, new RegExp(`^SystemCallFilter=.*\\b${call}\\b`, 'm'));
  }
  for (const name of ['api', 'worker']) assert.match(readFileSync(unitOf(name), 'utf8'), /^NoNewPrivileges=yes$/m);
});

const filterSkip = skip || (process.arch !== 'x64' && 'the filter is made for x86-64') ||
  (/-fsanitize/.test(readFileSync(path.join(build, 'flags'), 'utf8')) && 'sanitizers make calls of their own');

test('a run goes through api and worker under their filters, a call beyond which would end them',
  { skip: filterSkip }, async (t) => {
    const under = path.join(root, 'tests/conf/under-unit');
    const refused = spawnSync(under, [unitOf('api'), '/usr/bin/nice', '-n', '5', 'true']);
    assert.equal(refused.signal, 'SIGSYS', 'the filter is one');

    // slipway dev starts what stands beside it.
    const folder = mkdtempSync(path.join(tmpdir(), 'slipway-units-'));
    t.after(() => rmSync(folder, { recursive: true }));
    copyFileSync(path.join(build, 'slipway'), path.join(folder, 'slipway'));
    for (const name of ['api', 'worker']) {
      const [file, program] = [folder, build].map((place) => path.join(place, `slipway-${name}`));
      writeFileSync(file, `#!/bin/sh\nexec '${under}' '${unitOf(name)}' '${program}' "$@"\n`);
      chmodSync(file, 0o755);
    }
    const client = ['--client', path.join(root, 'client')];
    const stack = await Stack.start({ programs: folder, flags: ['--no-emulator', ...client] });
    t.after(() => stack.stop());
    const sent = await stack.trigger('units', 'hello', 'greet', { inputs: { greet: { text: 'under a filter' } } });
    assert.equal(sent.status, 202, JSON.stringify(sent.body));
    const ended = await stack.untilStatus('units', 'hello', 'greet', 'done');
    assert.equal(ended.crashes, 0);
    assert.doesNotMatch(stack.output, /signal|SIGSYS|Bad system call/i);
  });
