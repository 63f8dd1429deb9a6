// Redis that is slow for five seconds, in three ways: answers still come within two, and no lease is lost.
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../client.mjs';
import { Cluster } from '../cluster.mjs';
import { check, takeovers, timed } from '../checker.mjs';

export const name = 'slow Redis';
export const scales = {
  full: { times: 3, ways: ['CLIENT PAUSE', 'SIGSTOP', 'a long script'] },
  part: { times: 1, ways: ['SIGSTOP'] },
};
const STALL_MS = 5000;
const ANSWER_MS = 2000;

const BUSY = `local start = redis.call('TIME')[1]
while redis.call('TIME')[1] - start < ${STALL_MS / 1000} do end
return 1`;

const stalls = {
  'CLIENT PAUSE': async (cluster) => {
    await cluster.redis('CLIENT', 'PAUSE', String(STALL_MS), 'ALL');
    await sleep(STALL_MS);
  },
  SIGSTOP: async (cluster) => {
    cluster.server.kill('SIGSTOP');
    await sleep(STALL_MS);
    cluster.server.kill('SIGCONT');
  },
  'a long script': async (cluster) => {
    const connection = cluster.connect(cluster.socket);
    await connection.command('EVAL', BUSY, '0');
    connection.close();
  },
};

export async function run({ times, ways }) {
  // A third of this lease is more than the stall.
  const cluster = await Cluster.start({ leaseSeconds: 30 });
  const client = new Client(cluster);
  await cluster.startWorker({ executors: 6 });
  const violations = [];
  for (let time = 0; time < times; time += 1) {
    for (const way of ways) {
      const stall = stalls[way];
      cluster.provider.delayMs = 1500; // in the midst of their calls
      const load = client.objects(`slow-${time}-${way.replace(/\W/g, '')}`, 6, { boundMs: 90000 });
      await sleep(300);
      cluster.hits.push({ at: Date.now(), worker: '', what: way });
      await stall(cluster);
      cluster.hits.push({ at: Date.now(), worker: '', what: `${way} is over` });
      await load;
    }
  }
  violations.push(...(await check(cluster, client, { repeatsAllowed: true })));
  const lost = await takeovers(cluster);
  const crashed = [...client.runs.values()].filter((one) => one.crashes > 0).length;
  if (lost.length > 0 || crashed > 0) violations.push(`${crashed} runs lost their lease`);
  const slowest = Math.max(...client.answers.map((answer) => answer.took));
  if (timed() && slowest > ANSWER_MS) violations.push(`an answer took ${slowest} ms`);
  await cluster.stop();
  return {
    violations,
    figure:
      `${times * ways.length} stalls of ${STALL_MS / 1000} s, slowest answer ${slowest} ms, ` +
      `${crashed} leases lost`,
  };
}
