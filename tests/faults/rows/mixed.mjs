// All of it at once, by a seed that is printed.
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../client.mjs';
import { Cluster } from '../cluster.mjs';
import { check } from '../checker.mjs';
import { randomOf } from '../random.mjs';

export const name = 'all mixed, seeded';
export const scales = { full: { seeds: 10, seconds: 60 }, part: { seeds: 1, seconds: 10 } };

const damages = [
  async (cluster, random) => cluster.killExecutor(pick(cluster.workers, random)),
  async (cluster, random) => {
    await cluster.killWorker(pick(cluster.workers, random));
    await cluster.startWorker({ executors: 3 });
  },
  async (cluster, random) => {
    await cluster.stopWorker(pick(cluster.workers, random));
    await cluster.startWorker({ executors: 3 });
  },
  async (cluster, random) => {
    const victim = pick(cluster.workers, random);
    await cluster.freezeWorker(victim);
    await sleep(random() * 3 * cluster.options.leaseSeconds * 1000);
    cluster.thawWorker(victim);
  },
  async (cluster) => {
    await cluster.killRedis();
    await cluster.startRedis();
  },
  async (cluster) => {
    await cluster.redis('FUNCTION', 'FLUSH');
  },
  async (cluster, random) => {
    await cluster.redis('CLIENT', 'PAUSE', String(Math.floor(random() * 1500)), 'ALL');
  },
  async (cluster) => {
    process.kill(cluster.apiPid(), 'SIGTERM');
  },
  async (cluster) => {
    for (const one of await cluster.apiProcesses()) process.kill(one.pid, 'SIGKILL');
  },
  async (cluster) => {
    cluster.nginx.kill('SIGHUP');
  },
  async (cluster) => {
    await cluster.redis('ZADD', 'slipway:{0}:begun', '1', 'no sense');
  },
  async (cluster) => {
    await cluster.redis('DEL', 'slipway:{0}:begun', 'slipway:{0}:bell');
  },
  async (cluster) => {
    await cluster.redis('DEL', 'slipway:{0}:ready');
  },
  async (cluster) => {
    for (const lane of await cluster.redis('ZRANGE', 'slipway:{0}:ready:default', '0', '-1'))
      await cluster.redis('DEL', `slipway:{0}:ready:default:${lane}`);
  },
  async (cluster) => {
    await cluster.redis('DEL', 'slipway:{0}:live');
  },
  async (cluster) => {
    await cluster.redis('DEL', 'slipway:{0}:delayed');
  },
  async (cluster, random) => {
    const until = Date.now() + 1500;
    const status = random() < 0.5 ? 429 : 502;
    cluster.provider.intercept = (call, response) => {
      if (Date.now() > until) return false;
      cluster.provider.send(response, status, { message: 'no' }, { 'retry-after': '1' });
      return true;
    };
  },
];

function pick(list, random) {
  return list[Math.floor(random() * list.length)];
}

async function once(seed, seconds) {
  const random = randomOf(seed);
  const cluster = await Cluster.start({ graceSeconds: 1 });
  const client = new Client(cluster);
  cluster.provider.delayMs = 30;
  for (let i = 0; i < 3; i += 1) await cluster.startWorker({ executors: 3 });
  const end = Date.now() + seconds * 1000;
  const load = (async () => {
    for (let i = 0; Date.now() < end; i += 1) await client.objects(`mixed-${seed}-${i}`, 24, { boundMs: 120000 });
  })();
  let hits = 0;
  while (Date.now() < end) {
    await sleep(random() * 800);
    cluster.hits.push({ at: Date.now(), worker: '', what: 'damage' });
    await pick(damages, random)(cluster, random).catch((error) => {
      if (cluster.server.gone) throw error;
    });
    cluster.hits.push({ at: Date.now(), worker: '', what: 'damage done' });
    hits += 1;
  }
  await load;
  const violations = await check(cluster, client, {
    repeatsAllowed: true,
    deadAllowed: true,
    answerMs: 12000,
    errorsAllowed: true,
  });
  // What is lost to a class other than the provider's own is a violation; three crashes in a row are this row's doing.
  for (const run of client.runs.values()) {
    if (run.status === 'error' && !['provider_unavailable', 'worker_lost', 'network'].includes(run.error.class))
      violations.push(`${run.app} ended as ${run.error.class}: ${run.error.message}`);
  }
  await cluster.stop();
  return { violations: violations.map((text) => `seed ${seed}: ${text}`), hits, actions: client.runs.size };
}

export async function run({ seeds, seconds }, random) {
  const violations = [];
  let [hits, actions] = [0, 0];
  for (let i = 0; i < seeds; i += 1) {
    const result = await once(Math.floor(random() * 1e9), seconds);
    violations.push(...result.violations);
    hits += result.hits;
    actions += result.actions;
  }
  return { violations, figure: `${seeds} seeds of ${seconds} s, ${actions} actions, ${hits} damages` };
}
