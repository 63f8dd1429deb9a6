// The rows of the queue: draining it, from trigger to done, a workflow followed by the JavaScript client, and what the
// reaper costs.
import { SlipwayClient } from '../../client/slipway.js';
import {
  CONCURRENCY, enqueue, GAP_MS, liveCount, measureLatency, median, pause, recordAndStop, startIdleWorker, watchDrain,
} from './queue.mjs';
import { appName, send, trigger } from './record.mjs';
import { Servers } from './servers.mjs';

// Of each job: microseconds of each server.
function perJob(jobs, { cpu, ...rest }) {
  const each = Object.entries(cpu).map(([name, seconds]) => [name, (seconds * 1e6) / jobs]);
  return { ...rest, cpu, cpu_us: Object.fromEntries(each) };
}

function drain(appendfsync) {
  return ({ jobs }) => Servers.with(appendfsync, async (servers) => {
    await enqueue(servers, await recordAndStop(servers), jobs);
    const total = await liveCount(servers);
    const worker = servers.startWorker();
    const result = await servers.watch([worker], () => watchDrain(servers, worker, total));
    return { value: result.jobs / result.seconds, ...perJob(total, result) };
  });
}

function peerDrain(kind, appendfsync) {
  return ({ jobs }) => Servers.with(appendfsync, async (servers) => {
    await servers.startPeer('queue.mjs', kind, 'load', jobs).result();
    const peer = servers.startPeer('queue.mjs', kind, 'drain', jobs, CONCURRENCY);
    const result = await servers.watch([], () => peer.result());
    return { value: result.per_second, ...perJob(jobs, result) };
  });
}

function latency({ samples }) {
  return Servers.with('everysec', async (servers) => {
    const recorded = await recordAndStop(servers);
    await startIdleWorker(servers);
    const result = await servers.watch([], () => measureLatency(servers, recorded, samples, GAP_MS));
    return { value: result.p50, ...result };
  });
}

function peerLatency({ samples }) {
  return Servers.with('everysec', async (servers) => {
    const peer = servers.startPeer('queue.mjs', 'bullmq', 'latency', samples, GAP_MS);
    const result = await servers.watch([], () => peer.result());
    return { value: result.p50, ...result };
  });
}

// As the client comes, with its own idea of how often to ask.
function follow() {
  return Servers.with('everysec', async (servers) => {
    await servers.startSlipway();
    servers.startWorker();
    let requests = 0;
    const fetchAndCount = (...words) => {
      requests += 1;
      return fetch(...words);
    };
    const client = new SlipwayClient({ baseUrl: servers.url, fetch: fetchAndCount });
    const once = async (number) => {
      const start = performance.now();
      await client.runWorkflow('six', appName(number), { inputs: { s1: { text: 'hello' } } });
      return performance.now() - start;
    };
    await once(0);
    requests = 0;
    const times = [];
    for (let i = 1; i <= 3; i += 1) times.push(await once(i));
    return { value: median(times), requests: requests / times.length, times };
  });
}

// What all workers and Redis cost while many runs are queued and each executor is busy, in ms of CPU a second.
function reap(workerCount) {
  return ({ queued, seconds }) => Servers.with('everysec', async (servers) => {
    await servers.startSlipway();
    for (let i = 0; i < workerCount; i += 1) {
      await send(servers, trigger(`busy-${i}`, 'busy', 'busy', { seconds: 600 }));
    }
    const workers = [];
    for (let i = 1; i <= workerCount; i += 1) {
      workers.push(servers.startWorker(['--executors', '1'], `slipway-worker ${i}`));
    }
    await untilBusy(servers, workerCount);
    await enqueue(servers, await recordAndStop(servers), queued);
    await pause(2000);

    const began = performance.now();
    const { cpu } = await servers.watch(workers, () => pause(5 * seconds * 1000));
    const milliseconds = 1000 * Object.values(cpu).reduce((sum, one) => sum + one, 0);
    const value = milliseconds / ((performance.now() - began) / 1000);
    const left = await liveCount(servers);
    return { value, left, cpu };
  });
}

// Until each worker's executor has taken its run: what is queued later stays queued.
async function untilBusy(servers, count) {
  for (let i = 0; i < count; i += 1) {
    const key = `slipway:{0}:app:default:busy-${i}:busy:busy`;
    while ((await servers.connection.command('HGET', key, 'phase')) !== 'executing') await pause(20);
  }
}

export const cases = {
  drain: drain('everysec'),
  'drain: bullmq': peerDrain('bullmq', 'everysec'),
  'drain: bee': peerDrain('bee', 'everysec'),
  'drain, always': drain('always'),
  'drain, always: bullmq': peerDrain('bullmq', 'always'),
  'drain, always: bee': peerDrain('bee', 'always'),
  latency,
  'latency: bullmq': peerLatency,
  follow,
  'reaper, 1 worker': reap(1),
  'reaper, 3 workers': reap(3),
};

const DRAIN = 'drain of no-op runs';
const BULLMQ = `BullMQ at ${CONCURRENCY}`;
const BEE = `bee-queue at ${CONCURRENCY}`;
export const rows = [
  { name: DRAIN, ours: 'drain', peer: 'drain: bullmq', against: BULLMQ, unit: '/s', goal: '>= 1.5' },
  { name: DRAIN, ours: 'drain', peer: 'drain: bee', against: BEE, unit: '/s', goal: '>= 1.2' },
  { name: `${DRAIN}, always`, ours: 'drain, always', peer: 'drain, always: bullmq', against: BULLMQ, unit: '/s',
    goal: '>= 1.2' },
  { name: `${DRAIN}, always`, ours: 'drain, always', peer: 'drain, always: bee', against: BEE, unit: '/s',
    goal: '>= 1.2' },
  { name: 'trigger to done at idle, p50', ours: 'latency', peer: 'latency: bullmq', against: 'BullMQ', unit: 'ms',
    goal: '<= 0.4' },
  { name: 'six instant steps by the JavaScript client', ours: 'follow', unit: 'ms', goal: '<= 60' },
  { name: 'reaper with queued runs, 1 worker', ours: 'reaper, 1 worker', unit: 'ms of CPU a second', goal: '<= 10' },
  { name: 'reaper with queued runs, 3 workers', ours: 'reaper, 3 workers', unit: 'ms of CPU a second', goal: '<= 10' },
];
