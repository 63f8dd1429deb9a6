// Many actions, one after another: memory of Redis and of the processes, and descriptors, are where they were.
import { readFile, readdir } from 'node:fs/promises';
import { until } from '../../integration/stack.mjs';
import { Client } from '../client.mjs';
import { Cluster } from '../cluster.mjs';
import { check } from '../checker.mjs';

export const name = 'soak';
export const scales = { full: { actions: 50000 }, part: { actions: 600 } };
const BATCH = 300;

async function resident(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)[1]);
}

const descriptors = async (pid) => (await readdir(`/proc/${pid}/fd`)).length;

const usedMemory = async (cluster) => Number(/used_memory:(\d+)/.exec(await cluster.redis('INFO', 'memory'))[1]);

// The processes that live on: executors are replaced.
const measured = async (cluster) => [
  cluster.workers[0].pid,
  cluster.apiPid(),
  ...(await cluster.apiProcesses()).map((one) => one.pid),
];

async function measure(cluster) {
  const found = [];
  for (const pid of await measured(cluster))
    found.push({ pid, resident: await resident(pid), descriptors: await descriptors(pid) });
  return found;
}

async function batch(cluster, client, number, size) {
  await client.objects(`soak-${number}`, size, { concurrency: 32 });
  client.runs.clear();
  client.answers.length = 0;
  cluster.provider.calls.length = 0;
  cluster.provider.objects.clear();
}

// The owners of things go with the ledgers: nothing else would end them.
const OF_APPS = /^slipway:(\{0\}:app|owner):/;

async function expireAll(cluster) {
  for (let cursor = '0'; ;) {
    const [next, keys] = await cluster.redis('SCAN', cursor, 'MATCH', 'slipway:*', 'COUNT', '1000');
    for (const key of keys.filter((one) => OF_APPS.test(one))) await cluster.redis('PEXPIRE', key, '1');
    cursor = next;
    if (cursor === '0') break;
  }
  await cluster.redis('DEL', 'slipway:{0}:apps:default');
  await until(async () => (await cluster.redis('DBSIZE')) < 20, 'all has expired');
}

function compare(before, after) {
  const more = [];
  before.forEach((one, i) => {
    if (after[i].pid !== one.pid) more.push(`process ${one.pid} was replaced`);
    // A handler's kept connections are nginx's to keep, up to its `keepalive`.
    const kept = i < 2 ? 0 : 64;
    if (after[i].descriptors > one.descriptors + kept)
      more.push(`process ${one.pid} has ${after[i].descriptors} descriptors, ${one.descriptors} before`);
    if (after[i].resident > one.resident * 1.1 + 512)
      more.push(`process ${one.pid} has ${after[i].resident} KiB, ${one.resident} before`);
  });
  return more;
}

export async function run({ actions }) {
  const cluster = await Cluster.start({ redis: ['auto-aof-rewrite-min-size 16mb'] });
  const client = new Client(cluster);
  await cluster.startWorker({ executors: 6, flags: ['--executor-actions', '200'] });
  // Warm: what is allocated once is.
  await batch(cluster, client, 'warm', BATCH);
  await expireAll(cluster);
  await cluster.redis('MEMORY', 'PURGE');
  const [memory, before] = [await usedMemory(cluster), await measure(cluster)];
  for (let done = 0; done < actions; done += BATCH)
    await batch(cluster, client, done, Math.min(BATCH, actions - done));
  const violations = await check(cluster, client);
  await expireAll(cluster);
  // An executor may just be replaced, or a connection.
  let [memoryAfter, after, more] = [0, [], []];
  const isAsBefore = async () => {
    await cluster.redis('MEMORY', 'PURGE');
    [memoryAfter, after] = [await usedMemory(cluster), await measure(cluster)];
    more = compare(before, after);
    if (memoryAfter > memory * 1.02 + (1 << 20)) more.push(`Redis uses ${memoryAfter} bytes, ${memory} before`);
    return more.length === 0;
  };
  await until(isAsBefore, 'all is as it was').catch(() => violations.push(...more));
  await cluster.stop();
  return {
    violations,
    figure:
      `${actions} actions; Redis ${memory} -> ${memoryAfter} bytes; resident KiB ` +
      before.map((one, i) => `${one.resident}->${after[i].resident}`).join(', '),
  };
}
