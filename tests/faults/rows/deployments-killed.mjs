// Redis, executors, workers and processes of the api are killed while deployments run: each that was accepted ends as
// it was to, and goes on without a client.
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from '../cluster.mjs';
import { check } from '../checker.mjs';
import { Deployer, STEPS, answerLate, checkDeployments, clear } from '../deployments.mjs';

export const name = 'Redis and workers are killed while deployments run';
export const scales = { full: { apps: 300, kills: 40 }, part: { apps: 50, kills: 6 } };

async function killSomething(cluster, random) {
  const victim = cluster.workers[Math.floor(random() * cluster.workers.length)];
  const chance = random();
  if (chance < 0.35) {
    cluster.hits.push({ at: Date.now(), worker: '', what: 'redis killed' });
    await cluster.killRedis();
    await sleep(random() * 300);
    await cluster.startRedis();
    cluster.hits.push({ at: Date.now(), worker: '', what: 'redis started' });
  } else if (chance < 0.7) {
    await cluster.killExecutor(victim);
  } else {
    await cluster.killWorker(victim);
    await cluster.startWorker();
  }
}

export async function run({ apps, kills }, random) {
  const cluster = await Cluster.start();
  const deployer = new Deployer(cluster);
  answerLate(cluster.provider, 20, random);
  for (let i = 0; i < 2; i += 1) await cluster.startWorker();
  let next = 0;
  const starts = async () => {
    while (next < apps) {
      next += 1;
      const app = `killed-${next}`;
      const words = random() < 0.2 ? { [STEPS[Math.floor(random() * 4)]]: 'refused' } : {};
      await deployer.start(app, words, { startId: 'only' });
      await deployer.ended(app);
    }
  };
  const load = Promise.all(Array.from({ length: 8 }, starts));
  for (let done = 0; done < kills; done += 1) {
    await sleep(150 + random() * 250);
    await killSomething(cluster, random);
  }
  await load;
  const violations = await checkDeployments(cluster, deployer, { repeatsAllowed: true });
  await clear(deployer);
  violations.push(...(await check(cluster, deployer, { repeatsAllowed: true })));
  await cluster.stop();
  return { violations, figure: `${apps} deployments, ${cluster.hits.length} hits` };
}
