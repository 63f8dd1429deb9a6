// The walls around an executor: an action of a build for this test tries all that a hostile one would.
//
// covers: src/worker/sandbox.c src/worker/file_wall.c src/worker/executor.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { mkdir, readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { Hostile, TOKEN } from './hostile.mjs';

const hostile = new Hostile();
let stack;
let worker;

before(async () => {
  await hostile.start();
  ({ stack, worker } = hostile);
});
after(() => hostile.stop());

// The ranges of its memory that it shares with others, in bytes.
async function sharedBy(pid) {
  const maps = await readFile(`/proc/${pid}/maps`, 'utf8');
  return maps.split('\n').filter((line) => /^\S+ rw-s /.test(line)).map((line) => {
    const [from, to] = line.split(' ')[0].split('-').map((hex) => Number.parseInt(hex, 16));
    return to - from;
  });
}

test('whatever a hostile action tries is refused, and its run ends in its own words', async (t) => {
  const executors = await worker.executors();
  const folder = path.join(stack.folder, 'open');
  const file = path.join(stack.folder, 'token');
  await mkdir(folder);
  await stack.trigger('walls', 'hostile', 'try', {
    inputs: {
      try: {
        file, folder, socket: path.join(stack.folder, 'redis.sock'), supervisor: worker.pid,
        first: executors[0].pid, second: executors[1].pid,
      },
    },
  });
  const status = await stack.untilStatus('walls', 'hostile', 'try', (now) => now.status !== 'running');
  assert.equal(status.status, 'done', JSON.stringify(status));
  const { results } = status.output;
  assert.ok(results.length >= 60, String(results.length));
  if (worker.log().includes('sandbox is weak')) return t.skip('this kernel or build has no whole sandbox');
  assert.deepEqual(results.filter((line) => !/: refused, /.test(line)), []);
  assert.equal(await readFile(file, 'utf8'), `${TOKEN}\n`);
  return undefined;
});

test('an executor shares one page with its supervisor, and none with another executor', async () => {
  for (const { pid } of await worker.executors()) assert.equal((await sharedBy(pid)).length, 1, `process ${pid}`);
});

test('the kernel says that an executor is filtered and may get no more rights', async (t) => {
  if (worker.log().includes('sandbox is weak')) return t.skip('this kernel or build has no whole sandbox');
  for (const { pid } of await worker.executors()) {
    const facts = await readFile(`/proc/${pid}/status`, 'utf8');
    assert.match(facts, /^Seccomp:\t2$/m);
    assert.match(facts, /^NoNewPrivs:\t1$/m);
    const limits = await readFile(`/proc/${pid}/limits`, 'utf8');
    assert.match(limits, /^Max core file size +0 +0 /m);
  }
  return undefined;
});

test('a record of an exchange is written all the same', async () => {
  const record = path.join(stack.folder, 'record');
  await mkdir(record);
  const other = await hostile.startWorker({ env: { SLIPWAY_RECORD: record } });
  await worker.stop();
  await stack.trigger('recorded', 'site', 'repo', {
    inputs: { repo: { owner: 'acme', name: 'recorded', fork: 'upstream/template' } },
  });
  await stack.untilStatus('recorded', 'site', 'repo', 'done');
  await other.drain();
  assert.ok((await readdir(record)).length > 0);
  assert.doesNotMatch(other.log(), /cannot write the trace/);
});
