// Workers of a test's own, at the Redis of a stack that has none and at a stand-in for GitHub.
import { spawn } from 'node:child_process';
import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build, childrenOf, executorsOf, hasExecutors, until } from './stack.mjs';

const KILL_AFTER_MS = 20000;
const started = new Set();

// As a careful operator does: the file is whole at each moment.
export async function writeToken(stack, token) {
  const file = path.join(stack.folder, 'token');
  await writeFile(`${file}.new`, `${token}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

// Returns at once, before it is ready; its token is the one of writeToken.
export function spawnWorker(stack, peer, options = {}) {
  const { executors = 1, grace = 25, lease = 30, spacingMs = 0, outage = 3600, programs = build, env = {} } = options;
  const flags = [
    ['--redis-url', `unix://${stack.folder}/redis.sock`, '--executors', String(executors), '--allow-loopback', 'yes'],
    ['--github-url', peer.url, '--github-token-file', path.join(stack.folder, 'token')],
    ['--lease-seconds', String(lease), '--grace-seconds', String(grace)],
    ['--github-write-spacing-ms', String(spacingMs), '--outage-seconds', String(outage)],
    // Those of the stack, unless the test gives it others.
    'SLIPWAY_SECRETS_KEYS' in env ? [] : ['--secrets-keys-file', path.join(stack.folder, 'conf', 'secrets.keys')],
  ];
  const program = spawn(path.join(programs, 'slipway-worker'), flags.flat(), {
    stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env },
  });
  let log = '';
  let gone = false;
  program.stderr.on('data', (bytes) => { log += bytes; });
  const ended = new Promise((resolve) => {
    program.once('exit', (code) => { gone = true; resolve(code); });
  });
  const worker = {
    pid: program.pid,
    ended,
    gone: () => gone,
    log: () => log,
    executors: () => executorsOf(program.pid),
    keeper: async () => (await childrenOf(program.pid)).find(({ name }) => name === 'slipway-keeper')?.pid,
    kill: (signal) => program.kill(signal),
    // At once: the second signal does not wait for what is under way.
    stop: async () => {
      program.kill('SIGTERM');
      program.kill('SIGTERM');
      const timer = setTimeout(() => program.kill('SIGKILL'), KILL_AFTER_MS);
      await ended;
      clearTimeout(timer);
      started.delete(worker);
    },
    // As an operator does, who lets what is under way end.
    drain: async () => {
      program.kill('SIGTERM');
      await ended;
      started.delete(worker);
    },
  };
  started.add(worker);
  return worker;
}

// Returns when its executors are there.
export async function startWorker(stack, peer, options = {}) {
  const worker = spawnWorker(stack, peer, options);
  await until(() => hasExecutors(worker.pid, options.executors ?? 1), 'the executors are there');
  return worker;
}

// All that this file has started.
export async function stopWorkers() {
  await Promise.all([...started].map((worker) => worker.stop()));
}
