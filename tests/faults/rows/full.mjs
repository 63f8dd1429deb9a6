// Memory full and disk full: triggers are refused, what runs ends, nothing is half-made, and it heals by itself.
import { execFileSync } from 'node:child_process';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../integration/stack.mjs';
import { Client } from '../client.mjs';
import { Cluster } from '../cluster.mjs';
import { check, isSlow } from '../checker.mjs';

export const name = 'memory full; disk full';
export const scales = { full: { triggers: 1000 }, part: { triggers: 200 } };
const ROOM_LEFT = 128 << 10; // of the disk: what 200 triggers write is more
const LONG = 'x'.repeat(900);

// Sent again where Redis was only slow: it may have been accepted then.
async function greet(client, app) {
  for (;;) {
    const { status, answer, took } = await client.post({
      mode: 'trigger',
      appId: app,
      workflowId: 'hello',
      actionId: 'greet',
      inputs: { greet: { text: LONG } },
    });
    if (!isSlow({ status, took, detail: answer.detail })) return { status, answer };
    await sleep(100);
  }
}

// Triggers once each; those that were accepted are followed to their end, those that were refused come again later.
async function triggerAll(client, prefix, count) {
  const refused = [];
  for (let i = 0; i < count; i += 1) {
    const app = `${prefix}-${i}`;
    const { status, answer } = await greet(client, app);
    if (status === 202 || status === 200)
      client.runs.set(`${app}/greet`, {
        app,
        workflow: 'hello',
        action: 'greet',
        runId: answer.runId,
        version: 0,
        status: 'running',
      });
    else if (status === 503) refused.push(app);
    else client.violation('full', `${app} was answered ${status}`);
  }
  return refused;
}

// Some at a time, as clients come.
async function comeAgain(client, refused) {
  const left = [...refused];
  const one = async () => {
    for (let app = left.pop(); app !== undefined; app = left.pop()) {
      await client.run(app, 'greet', { greet: { text: LONG } }, { workflow: 'hello' });
    }
  };
  await Promise.all(Array.from({ length: 16 }, one));
}

async function memoryFull(triggers) {
  const cluster = await Cluster.start();
  const client = new Client(cluster);
  await cluster.startWorker({ executors: 2 });
  const used = Number(/used_memory:(\d+)/.exec(await cluster.redis('INFO', 'memory'))[1]);
  await cluster.redis('CONFIG', 'SET', 'maxmemory', String(used + triggers * 4000));
  const refused = await triggerAll(client, 'memory', triggers);
  const accepted = [...client.runs.values()];
  await Promise.all(accepted.map((run) => client.follow(run)));
  if (refused.length === 0 || accepted.length === 0)
    client.violation('full', `${refused.length} refused, ${accepted.length} accepted`);
  for (const app of refused) {
    if ((await cluster.redis('EXISTS', `slipway:{0}:app:default:${app}:hello:greet`)) !== 0)
      client.violation('full', `${app} is half-made`);
  }
  await cluster.redis('CONFIG', 'SET', 'maxmemory', '0');
  await comeAgain(client, refused);
  const violations = await check(cluster, client);
  await cluster.stop();
  return { violations, figure: `${triggers} triggers, ${refused.length} refused` };
}

// As systemd does, again and again: with appendfsync always Redis ends when it cannot write.
async function keepRedisRunning(cluster, until_) {
  let restarts = 0;
  while (!until_.over) {
    if (cluster.server.gone) {
      await cluster.startRedis().catch(() => {});
      restarts += 1;
    }
    await sleep(50);
  }
  return restarts;
}

async function diskFull(triggers) {
  const disk = path.join('/tmp', `slipway-disk-${process.pid}`);
  await mkdir(disk);
  const mount = (...words) => execFileSync(words[0], words.slice(1), { stdio: 'ignore' });
  try {
    mount('mount', '-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk);
  } catch {
    await rm(disk, { recursive: true });
    return { violations: [], figure: 'disk full not tried: this user may not mount' };
  }
  let cluster;
  try {
    cluster = await Cluster.start({ redisFolder: disk });
    const client = new Client(cluster);
    await cluster.startWorker({ executors: 2 });
    const watch = { over: false };
    const running = keepRedisRunning(cluster, watch);
    const { bavail, bsize } = await statfs(disk);
    await writeFile(path.join(disk, 'ballast'), Buffer.alloc(bavail * bsize - ROOM_LEFT));
    const refused = await triggerAll(client, 'disk', triggers);
    if (refused.length === 0) client.violation('full', 'the disk was never full');
    await rm(path.join(disk, 'ballast'));
    execFileSync('mount', ['-o', 'remount,size=64m', disk], { stdio: 'ignore' });
    await until(
      async () => (await client.post({ mode: 'poll', appId: 'disk-0', workflowId: 'hello' })).status === 200,
      'it is served again',
    );
    await Promise.all([...client.runs.values()].map((run) => client.follow(run)));
    await comeAgain(client, refused);
    watch.over = true;
    const restarts = await running;
    const violations = await check(cluster, client);
    return {
      violations,
      figure: `disk: ${triggers} triggers, ${refused.length} refused, ${restarts} restarts of Redis`,
    };
  } finally {
    await cluster?.stop();
    mount('umount', disk);
    await rm(disk, { recursive: true });
  }
}

export async function run({ triggers }) {
  const memory = await memoryFull(triggers);
  const disk = await diskFull(triggers);
  return { violations: [...memory.violations, ...disk.violations], figure: `${memory.figure}; ${disk.figure}` };
}
