// redis-server is killed and started again, at random, while everything works: nothing that was acknowledged is lost.
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../integration/stack.mjs';
import { Client } from '../client.mjs';
import { Cluster } from '../cluster.mjs';
import { check, timed } from '../checker.mjs';

export const name = 'redis-server SIGKILL and restart';
export const scales = { full: { actions: 1000, kills: 20 }, part: { actions: 100, kills: 3 } };
const SERVED_MS = 3000;

export async function run({ actions, kills }, random) {
  const cluster = await Cluster.start();
  const client = new Client(cluster);
  for (let i = 0; i < 2; i += 1) await cluster.startWorker({ executors: 6 });
  cluster.provider.delayMs = 20;
  const violations = [];
  let slowest = 0;
  const load = client.objects('redis', actions, { boundMs: 120000 });
  for (let done = 0; done < kills; done += 1) {
    await sleep(100 + random() * 500);
    cluster.hits.push({ at: Date.now(), worker: '', what: 'redis killed' });
    await cluster.killRedis();
    await sleep(random() * 1000);
    await cluster.startRedis();
    cluster.hits.push({ at: Date.now(), worker: '', what: 'redis started' });
    const began = Date.now();
    await until(
      async () => (await client.post({ mode: 'poll', appId: 'redis-1', workflowId: 'faults' })).status === 200,
      'it is served again',
    );
    slowest = Math.max(slowest, Date.now() - began);
  }
  await load;
  if (timed() && slowest > SERVED_MS) violations.push(`served again ${slowest} ms after PONG`);
  violations.push(...(await check(cluster, client, { repeatsAllowed: true })));
  await cluster.stop();
  return { violations, figure: `${actions} actions, ${kills} kills, served again within ${slowest} ms` };
}
