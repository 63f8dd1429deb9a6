// BullMQ and bee-queue as queues: queue.mjs bullmq|bee load N | drain N CONCURRENCY | latency N GAP_MS
// Prints one line of JSON, and "ready" before it begins to drain.
import { connection, Bee, bullmq } from './modules.mjs';

const [kind, mode, count, second] = process.argv.slice(2).map((word, i) => (i < 2 ? word : Number(word)));
const greet = { text: 'hello' };
const body = { appId: 'bench-000000000000', workflowId: 'hello', actionId: 'greet', inputs: { greet } };
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

function finish(result) {
  console.log(JSON.stringify(result));
  process.exit(0);
}

// From the first job that is begun to the last that is done.
class Drain {
  constructor() {
    this.done = 0;
  }

  begin() {
    this.start ??= performance.now();
  }

  end() {
    this.done += 1;
    if (this.done === count) finish({ jobs: count, per_second: (count / (performance.now() - this.start)) * 1000 });
  }
}

async function inBatches(add) {
  for (let i = 0; i < count; i += 500) await add(Math.min(500, count - i));
}

const modes = {
  bullmq: {
    async load() {
      const queue = new bullmq.Queue('jobs', { connection });
      const job = { name: 'deploy', data: body, opts: { removeOnComplete: true } };
      await inBatches((size) => queue.addBulk(Array.from({ length: size }, () => job)));
      finish({ jobs: count });
    },
    async drain(concurrency) {
      const drain = new Drain();
      const options = { connection, concurrency, autorun: false };
      const worker = new bullmq.Worker('jobs', async () => drain.begin(), options);
      await worker.waitUntilReady();
      worker.on('completed', () => drain.end());
      worker.run();
    },
    // From adding a job to the event that it is completed, one at a time.
    async latency(gapMs) {
      const queue = new bullmq.Queue('latency', { connection });
      const events = new bullmq.QueueEvents('latency', { connection });
      const worker = new bullmq.Worker('latency', async () => {}, { connection });
      await Promise.all([queue, events, worker].map((part) => part.waitUntilReady()));
      await pause(500);
      const samples = [];
      for (let i = 0; i < count; i += 1) {
        const start = performance.now();
        const completed = new Promise((resolve) => { events.once('completed', resolve); });
        await queue.add('deploy', body, { removeOnComplete: true });
        await completed;
        samples.push(performance.now() - start);
        await pause(gapMs);
      }
      samples.sort((a, b) => a - b);
      finish({ samples: count, p50: samples[count >> 1], p99: samples[Math.floor(count * 0.99)] });
    },
  },
  bee: {
    async load() {
      const queue = new Bee('jobs', { redis: connection, isWorker: false, getEvents: false, sendEvents: false });
      await inBatches((size) => queue.saveAll(Array.from({ length: size }, () => queue.createJob(body))));
      finish({ jobs: count });
    },
    async drain(concurrency) {
      const drain = new Drain();
      const options = { redis: connection, removeOnSuccess: true, getEvents: false, sendEvents: false };
      const queue = new Bee('jobs', options);
      await queue.ready();
      queue.on('succeeded', () => drain.end());
      queue.process(concurrency, async () => drain.begin());
    },
  },
};

await modes[kind][mode](second);
