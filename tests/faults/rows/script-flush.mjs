// FUNCTION FLUSH again and again: workers notice nothing, and load them again for slipway-api, which may not. Its
// clients get a 503 meanwhile, and nothing else.
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../client.mjs';
import { Cluster } from '../cluster.mjs';
import { SLOW_REDIS, check } from '../checker.mjs';

export const name = 'FUNCTION FLUSH again and again';
export const scales = { full: { calls: 10000 }, part: { calls: 1000 } };

const scriptCalls = async (cluster) =>
  Number(/cmdstat_fcall:calls=(\d+)/.exec(await cluster.redis('INFO', 'commandstats'))?.[1] ?? 0);

export async function run({ calls }) {
  const cluster = await Cluster.start();
  const client = new Client(cluster);
  await cluster.startWorker({ executors: 6 });
  let going = true;
  let flushes = 0;
  const flushing = (async () => {
    while (going) {
      await cluster.redis('FUNCTION', 'FLUSH');
      flushes += 1;
      await sleep(1000);
    }
  })();
  for (let i = 0; (await scriptCalls(cluster)) < calls; i += 1) await client.objects(`flush-${i}`, 100);
  going = false;
  await flushing;
  const violations = await check(cluster, client);
  for (const answer of client.answers.filter((one) => one.status >= 500 && one.status !== 503))
    violations.push(`a client was answered ${answer.status}`);
  for (const worker of cluster.workers) {
    const errors = worker.output.split('\n').filter((line) => /level=error/.test(line));
    violations.push(...errors.filter((line) => !SLOW_REDIS.test(line) && !/lost while it worked/.test(line)));
  }
  const made = await scriptCalls(cluster);
  await cluster.stop();
  return { violations, figure: `${made} calls of scripts, ${flushes} flushes` };
}
