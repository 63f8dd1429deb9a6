// Redis goes back to an older state: an old folder is copied back, or the end of the append-only file is cut off. What
// was lost answers idle; nothing is stuck, no key is a ghost, and no object is made twice.
import { execFileSync } from 'node:child_process';
import { cp, readdir, rm, stat, truncate } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../client.mjs';
import { Cluster } from '../cluster.mjs';
import { check } from '../checker.mjs';

export const name = 'rollback of Redis, cut append-only tail';
export const scales = { full: { times: 50 }, part: { times: 2 } };
const RUNS = 6;

async function restoreOld(cluster) {
  await cluster.killRedis();
  await rm(path.join(cluster.folder, 'redis'), { recursive: true });
  await cp(path.join(cluster.folder, 'old'), path.join(cluster.folder, 'redis'), { recursive: true });
  await cluster.startRedis();
}

async function cutTail(cluster, bytes) {
  await cluster.killRedis();
  const folder = path.join(cluster.folder, 'redis/appendonlydir');
  const file = path.join(
    folder,
    (await readdir(folder))
      .filter((one) => one.endsWith('.incr.aof'))
      .sort()
      .at(-1),
  );
  await truncate(file, Math.max(0, (await stat(file)).size - bytes));
  // As conf/systemd starts it. Redis 7.0 by itself cuts a torn transaction in the middle, and merges the rest of it
  // with the next one when it starts again.
  execFileSync('redis-check-aof', ['--fix', path.join(folder, 'appendonly.aof.manifest')], { input: 'y\n' });
  await cluster.startRedis();
}

async function once(cluster, client, prefix, damage, random) {
  const runs = [];
  const copy = async () => {
    await rm(path.join(cluster.folder, 'old'), { recursive: true, force: true });
    await cp(path.join(cluster.folder, 'redis'), path.join(cluster.folder, 'old'), { recursive: true });
  };
  // Sometimes from before the triggers, so that they are lost altogether.
  const early = random() < 0.5;
  if (early) await copy();
  for (let i = 0; i < RUNS; i += 1)
    runs.push(await client.trigger(`${prefix}-${i}`, 'object', { object: { name: `${prefix}-${i}` } }));
  await sleep(random() * 150);
  if (!early) await copy();
  await sleep(random() * 150);
  await Promise.all(runs.map((run) => client.poll(run)));
  cluster.hits.push({ at: Date.now(), worker: '', what: 'rolled back' });
  await damage();
  await Promise.all(runs.map((run) => client.follow(run, { mayGoBack: true, boundMs: 60000 })));
  // Whoever was told idle triggers again.
  for (const run of runs.filter((one) => one.lost)) await client.object(run.app);
  return runs.filter((run) => run.lost || run.wentBack).length;
}

export async function run({ times }, random) {
  const cluster = await Cluster.start();
  const client = new Client(cluster);
  cluster.provider.delayMs = 60;
  await cluster.startWorker({ executors: 4 });
  let wentBack = 0;
  for (let i = 0; i < times; i += 1) {
    wentBack += await once(cluster, client, `copy-${i}`, () => restoreOld(cluster), random);
    wentBack += await once(
      cluster,
      client,
      `tail-${i}`,
      () => cutTail(cluster, 1 + Math.floor(random() * 200)),
      random,
    );
  }
  const violations = await check(cluster, client, { repeatsAllowed: true, deadAllowed: true });
  await cluster.stop();
  return {
    violations,
    figure: `${times} copied back, ${times} cut; ${wentBack} of ${times * RUNS * 2} runs went back or were lost`,
  };
}
