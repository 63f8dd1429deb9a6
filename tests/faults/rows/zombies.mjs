// SIGSTOP of whole workers for three leases, then SIGCONT: whoever wakes up late writes nothing and calls nobody.
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../integration/stack.mjs';
import { Client } from '../client.mjs';
import { Cluster } from '../cluster.mjs';
import { check } from '../checker.mjs';

export const name = 'zombies';
export const scales = { full: { zombies: 200 }, part: { zombies: 12 } };
const EXECUTORS = 6;

// One round: workers are stopped while each of their executors is in a call, others take over, then they wake up.
async function round(cluster, client, prefix, violations) {
  const victims = [];
  for (let i = 0; i < 2; i += 1) victims.push(await cluster.startWorker({ executors: EXECUTORS }));
  // Calls of the victims hang until they have been stopped; the answer comes when they wake up: for a late reader.
  // An executor that its supervisor has ended meanwhile, on a machine that stood still, is in none any more.
  const calls = new Set();
  cluster.provider.intercept = async (call) => {
    if (!victims.some((worker) => worker.name === call.worker)) return false;
    await new Promise((resolve) => {
      const one = { call, resolve };
      calls.add(one);
      call.socket.once('close', () => calls.delete(one));
    });
    return call.socket.destroyed;
  };
  const count = victims.length * EXECUTORS;
  const load = client.objects(prefix, count, { concurrency: count });
  await until(() => calls.size === count, 'every executor is in a call');
  for (const worker of victims) await cluster.freezeWorker(worker);
  const held = [...calls];
  await cluster.startWorker({ executors: EXECUTORS });
  await sleep(cluster.options.leaseSeconds * 3000);
  await load;
  const apps = held.map(({ call }) => call.name);
  const before = await Promise.all(apps.map((app) => cluster.hash(app, 'faults', 'object')));
  const wokeAt = Date.now();
  cluster.provider.intercept = () => false;
  for (const { resolve } of held) resolve();
  for (const worker of victims) cluster.thawWorker(worker);
  // Their next report says that none of them is at work any more.
  await until(
    async () =>
      (
        await Promise.all(
          victims.map(async (worker) => {
            const beat = JSON.parse((await cluster.redis('HGET', 'slipway:workers', worker.id)) ?? '{}');
            return Date.parse(beat.at) > wokeAt && beat.busy === 0;
          }),
        )
      ).every(Boolean),
    'the zombies have given up',
  );
  const late = cluster.provider.calls.filter((call) => call.at >= wokeAt && apps.includes(call.name));
  for (const call of late) violations.push(`${call.worker} called ${call.method} ${call.path} after it woke up`);
  const after = await Promise.all(apps.map((app) => cluster.hash(app, 'faults', 'object')));
  after.forEach((hash, i) => {
    if (JSON.stringify(hash) !== JSON.stringify(before[i])) violations.push(`${apps[i]} changed after its end`);
  });
  for (const worker of [...cluster.workers]) await cluster.stopWorker(worker);
  return count;
}

export async function run({ zombies }) {
  const cluster = await Cluster.start();
  const client = new Client(cluster);
  const violations = [];
  let done = 0;
  for (let number = 1; done < zombies; number += 1)
    done += await round(cluster, client, `zombie-${number}`, violations);
  await cluster.startWorker();
  violations.push(...(await check(cluster, client, { repeatsAllowed: true })));
  await cluster.stop();
  return { violations, figure: `${done} zombies, 0 of them wrote or called` };
}
