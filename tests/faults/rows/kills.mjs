// SIGKILL of executors, supervisors with all their executors, at random, while they work.
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../integration/stack.mjs';
import { Client } from '../client.mjs';
import { Cluster } from '../cluster.mjs';
import { check, percentile, takeovers, timed } from '../checker.mjs';

export const name = 'SIGKILL of executors, supervisors, whole workers';
export const scales = { full: { actions: 1000, kills: 50 }, part: { actions: 300, kills: 14 } };

// Kills a worker amid a call, however slow the machine is: the calls that are made meanwhile last longer.
async function killCaller(cluster) {
  const { delayMs } = cluster.provider;
  cluster.provider.delayMs = 2000;
  const calls = cluster.provider.calls.length;
  await until(() => cluster.provider.calls.length > calls, 'somebody calls');
  const { worker } = cluster.provider.calls.at(-1);
  await cluster.killWorker(cluster.workers.find(({ name }) => name === worker));
  cluster.provider.delayMs = delayMs;
  await cluster.startWorker();
}

export async function run({ actions, kills }, random) {
  const cluster = await Cluster.start();
  const client = new Client(cluster);
  cluster.provider.delayMs = 30; // so that a kill meets calls in flight
  for (let i = 0; i < 3; i += 1) await cluster.startWorker();
  const load = client.objects('kill', actions, { boundMs: 120000, twice: true });
  await killCaller(cluster);
  for (let done = 1; done < kills; done += 1) {
    await sleep(50 + random() * 200);
    const victim = cluster.workers[Math.floor(random() * cluster.workers.length)];
    if (random() < 0.6) await cluster.killExecutor(victim);
    else {
      await cluster.killWorker(victim);
      await cluster.startWorker();
    }
  }
  await load;
  const violations = await check(cluster, client, { repeatsAllowed: true });
  const times = await takeovers(cluster);
  if (times.length === 0) violations.push('no kill met a run');
  const late = percentile(times, 0.99);
  const bound = cluster.options.leaseSeconds * 1000 + 1000;
  if (timed() && late > bound) violations.push(`taken over after ${late} ms at p99, more than ${bound}`);
  const figure = `${actions} actions, ${cluster.hits.length} kills, ${times.length} taken over, p99 ${late} ms`;
  await cluster.stop();
  return { violations, figure };
}
