// kill, SIGSTOP for two leases, and an I/O error at every point before and after each Redis command and provider call.
import { readFile, readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../integration/stack.mjs';
import { Client } from '../client.mjs';
import { Cluster } from '../cluster.mjs';
import { check } from '../checker.mjs';

export const name = 'kill, stop, I/O error at every point';
export const scales = {
  full: { actions: ['kill', 'stop', 'error'], times: 3, clusters: 4 },
  part: { actions: ['kill'], times: 1, clusters: 4 },
};

let number = 0;
const newName = () => {
  number += 1;
  return `point-${number}`;
};

// Answers the first call about this object in its own way.
function once(cluster, about, answer) {
  let used = false;
  cluster.provider.special.set(about, (call, response) => {
    if (used) return false;
    used = true;
    return answer(call, response);
  });
}

const slowly = async () => {
  await sleep(1500);
  return false;
};

// What leads past a point that no ordinary action passes. Each makes the named app's object, or something beside it.
const ways = [
  [
    /\.retry$/,
    async (cluster, client, app) => {
      once(cluster, app, (call, response) => {
        cluster.provider.send(response, 418, { message: 'oops' }); // neither refused nor down
        return true;
      });
      await client.object(app);
    },
  ],
  [
    /\.gate$/,
    async (cluster, client, app) => {
      once(cluster, app, (call, response) => {
        cluster.provider.send(response, 429, { message: 'rate limit' }, { 'retry-after': '1' });
        return true;
      });
      await client.object(app);
    },
  ],
  [
    /\.(wait|reap)$/,
    async (cluster, client, app) => {
      await client.run(
        app,
        'repo',
        { repo: { owner: 'acme', name: app, fork: 'upstream/template' } },
        { workflow: 'site' },
      );
    },
  ],
  [
    /\.(renew|HGET|ZRANGEBYSCORE|TIME)$/,
    async (cluster, client, app) => {
      once(cluster, app, slowly);
      await client.object(app);
    },
  ],
  [
    /\.cancel$/,
    async (cluster, client, app) => {
      once(cluster, app, slowly);
      const run = await client.trigger(app, 'object', { object: { name: app } });
      await until(
        async () =>
          (await client.post({ mode: 'cancel', appId: app, workflowId: 'faults', actionId: 'object' })).status < 300,
        'it is cancelled',
      );
      await client.follow(run);
      run.mayFail = true;
    },
  ],
  [
    /\.(configure|HMGET)$/,
    async (cluster, client, app) => {
      await until(
        async () => (await client.post({ mode: 'configure', appId: app, config: { a: 'b' } })).status === 200,
        'it is configured',
      );
    },
  ],
  [
    // What a worker takes that nobody can run.
    /\.take$/,
    async (cluster, client, app) => {
      await cluster.redis('ZADD', 'slipway:{0}:begun', '1', 'some thing');
      await client.object(app);
    },
  ],
  [
    // A run stands on the queue for a while, and somebody asks about it.
    /\.(turn|ZADD)$/,
    async (cluster, client, app) => {
      const before = Array.from({ length: 12 }, (_, i) => `${app}-${i}`);
      for (const object of before) once(cluster, object, slowly);
      const trigger = (object) => client.trigger(object, 'object', { object: { name: object } });
      const runs = await Promise.all(before.map(trigger));
      await client.object(app);
      await Promise.all(runs.map((run) => client.follow(run)));
    },
  ],
  [
    /\.FUNCTION$/,
    async (cluster, client, app) => {
      await cluster.redis('FUNCTION', 'FLUSH');
      await client.object(app);
    },
  ],
  [
    /\.release$/,
    async (cluster, client, app) => {
      once(cluster, app, slowly);
      const run = await client.trigger(app, 'object', { object: { name: app } });
      await until(async () => (await cluster.hash(app, 'faults', 'object')).phase === 'executing', 'it is executed');
      for (const worker of cluster.workers) {
        worker.kill('SIGTERM');
        worker.kill('SIGTERM');
      }
      await client.follow(run);
    },
  ],
  [
    // What a worker asks and says when it begins, and when it ends.
    /\.(HDEL|HGETALL|HSET|GET)$/,
    async (cluster, client, app) => {
      await cluster.redis('HSET', 'slipway:workers', 'long-gone', '{"at":"2020-01-01T00:00:00.000Z"}');
      for (const worker of cluster.workers) worker.kill('SIGTERM');
      await client.object(app);
    },
  ],
  [/./, (cluster, client, app) => client.object(app)],
];

async function stoppedProcesses(folder) {
  const found = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const [stat, environment] = await Promise.all(
      ['stat', 'environ'].map((what) => readFile(`/proc/${entry}/${what}`, 'utf8').catch(() => '')),
    );
    if (/^\d+ \(.*\) T /.test(stat) && environment.includes(folder)) found.push(Number(entry));
  }
  return found;
}

// Its supervisor may have killed it meanwhile.
function wake(pid) {
  try {
    process.kill(pid, 'SIGCONT');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

// What systemd does: whoever is gone is started again; and whoever is stopped goes on after two leases.
async function tend(cluster, stopping = false) {
  for (const worker of cluster.workers.filter((one) => one.gone)) {
    cluster.forget(worker);
    await cluster.startWorker({ executors: 2 });
  }
  if (!stopping) return;
  const stopped = await stoppedProcesses(cluster.folder);
  if (stopped.length === 0) return;
  await sleep(cluster.options.leaseSeconds * 2000);
  // Executors before their supervisors, which would end them: the worst order.
  for (const pid of stopped.sort((one, other) => other - one)) {
    wake(pid);
    await sleep(100);
  }
}

// While the work goes on, and until it is done.
async function tended(cluster, stopping, work) {
  let tending = true;
  const tender = (async () => {
    while (tending) {
      await tend(cluster, stopping);
      await sleep(50);
    }
    await tend(cluster, stopping);
  })();
  try {
    await work();
  } finally {
    tending = false;
    await tender;
  }
}

async function attempt(cluster, client, point, action) {
  const app = newName();
  await cluster.arm(point, action);
  await tended(cluster, action === 'stop', async () => {
    await ways.find(([pattern]) => pattern.test(point))[1](cluster, client, app);
    // The point may lie in what every worker does from time to time.
    await until(async () => !(await cluster.armed(point)), `${point} is passed`);
    cluster.hits.push({ at: Date.now(), worker: '', what: `${action} at ${point}` });
    // Whatever was hit, the next one goes through.
    await client.object(`${app}-next`);
  }).catch((error) => client.violation('row', `${action} at ${point}: ${error.message}`));
  await cluster.disarm(point);
}

async function startOne() {
  const cluster = await Cluster.start({ graceSeconds: 1 });
  cluster.provider.special = new Map();
  cluster.provider.intercept = async (call, response) =>
    (await cluster.provider.special.get(call.name)?.(call, response)) ?? false;
  for (let i = 0; i < 2; i += 1) await cluster.startWorker({ executors: 2 });
  return { cluster, client: new Client(cluster) };
}

// Goes all ways once, with nothing armed: what was passed then is every point there is.
async function findPoints({ cluster, client }) {
  for (const [, way] of ways) {
    await tended(cluster, false, () => way(cluster, client, newName()));
  }
  return (await cluster.points()).sort();
}

// `points` leaves out all others: for the mutants.
export async function run({ actions, times, clusters, points: wanted = '' }) {
  const all = await Promise.all(Array.from({ length: clusters }, startOne));
  const points = (await findPoints(all[0])).filter((point) => point.includes(wanted));
  const work = [];
  for (let time = 0; time < times; time += 1)
    for (const action of actions) for (const point of points) work.push([point, action]);
  await Promise.all(
    all.map(async ({ cluster, client }) => {
      for (let next = work.shift(); next !== undefined; next = work.shift()) await attempt(cluster, client, ...next);
    }),
  );
  const violations = [];
  for (const { cluster, client } of all) {
    for (const one of client.runs.values()) if (one.mayFail) client.runs.delete(`${one.app}/${one.action}`);
    violations.push(
      ...(await check(cluster, client, {
        repeatsAllowed: true,
        deadAllowed: true,
        answerMs: actions.includes('stop') ? 12000 : 2500,
      })),
    );
    await cluster.stop();
  }
  return { violations, figure: `${points.length} points, ${points.length * actions.length * times} hits` };
}
