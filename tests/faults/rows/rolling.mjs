// Every worker and the api are restarted in turn under load: nothing is lost, doubled or counted as a crash, and no
// request fails.
import { setTimeout as sleep } from 'node:timers/promises';
import { childrenOf, until } from '../../integration/stack.mjs';
import { Client } from '../client.mjs';
import { Cluster } from '../cluster.mjs';
import { burnt, check, failedOf } from '../checker.mjs';

export const name = 'rolling restart under load';
export const scales = { full: { restarts: 100, requests: 5000 }, part: { restarts: 8, requests: 300 } };

async function restartApi(cluster) {
  const before = cluster.apiPid();
  process.kill(before, 'SIGTERM');
  await until(
    async () => cluster.apiPid() !== before && (await childrenOf(cluster.apiPid())).length > 0,
    'the api is back',
  );
}

export async function run({ restarts, requests }, random) {
  const cluster = await Cluster.start({ graceSeconds: 1, leaseSeconds: 30 });
  const client = new Client(cluster);
  cluster.provider.delayMs = 60;
  for (let i = 0; i < 3; i += 1) await cluster.startWorker({ executors: 4 });
  // Some calls take longer than the grace: those runs are handed back, and taken up elsewhere.
  const slow = new Set();
  cluster.provider.intercept = async (call) => {
    if (!/-(7|29)$/.test(call.name ?? '') || slow.has(call.name)) return false;
    slow.add(call.name);
    await sleep(3000);
    return false;
  };
  let going = true;
  const load = (async () => {
    for (let i = 0; going || client.answers.length < requests; i += 1) await client.objects(`roll-${i}`, 48);
  })();
  for (let done = 0; done < restarts; done += 1) {
    await sleep(50 + random() * 100);
    if (done % 4 === 3) await restartApi(cluster);
    else {
      const [oldest] = cluster.workers;
      // As systemd does it: the new one is there when the old one has ended, which may take its grace.
      await Promise.all([cluster.stopWorker(oldest), cluster.startWorker({ executors: 4 })]);
    }
  }
  going = false;
  await load;
  const violations = await check(cluster, client);
  const crashed = burnt(client).length;
  if (crashed > 0) violations.push(`${crashed} runs counted a crash or an attempt`);
  const failed = failedOf(client.answers);
  if (failed.length > 0) violations.push(`${failed.length} requests failed: ${JSON.stringify(failed[0])}`);
  await cluster.stop();
  return {
    violations,
    figure:
      `${restarts} restarts, ${client.runs.size} actions, ${client.answers.length} requests, ` +
      `${failed.length} failed, ${crashed} crashes counted`,
  };
}
