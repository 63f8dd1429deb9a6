// Runs that are queued and worked off without HTTP: queued by the script call that slipway-api makes, and watched in
// Redis.
import { connect } from 'node:net';
import { recordTrigger, repeat } from './record.mjs';
import { TESTER } from '../harness/redis.mjs';
import { until } from '../integration/stack.mjs';

export const LIVE = 'slipway:{0}:live';
export const CONCURRENCY = 50; // of the peers
export const GAP_MS = 5; // between two runs at idle
const BATCH = 200;
const BOUND_MS = 30000; // for what would hang
let nextApp = 1;

export const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function liveCount(servers) {
  return servers.connection.command('ZCARD', LIVE);
}

// A connection for commands that are ready made; logged in.
async function open(servers) {
  const socket = connect(servers.redis.socket);
  const password = servers.redis.users.password(TESTER);
  await exchange(socket, `AUTH ${TESTER} ${password}\r\n`, (text) => text.startsWith('+OK'));
  return socket;
}

// Sends, and resolves once all that has come since is enough.
function exchange(socket, bytes, isEnough) {
  return new Promise((resolve, reject) => {
    let text = '';
    const end = (settle, value) => {
      clearTimeout(timer);
      socket.removeAllListeners('data').removeAllListeners('error');
      settle(value);
    };
    const timer = setTimeout(() => end(reject, new Error(`Redis sent no more than ${text.slice(0, 500)}`)), BOUND_MS);
    socket.on('data', (data) => {
      text += data.toString('latin1');
      if (isEnough(text)) end(resolve, text);
    });
    socket.on('error', (error) => end(reject, error));
    if (bytes !== '') socket.write(bytes);
  });
}

// What slipway-api sends for a trigger, with slipway-api gone again.
export async function recordAndStop(servers) {
  if (servers.api === undefined) await servers.startSlipway();
  const recorded = await recordTrigger(servers);
  await servers.stopServer(servers.api);
  await servers.stopServer(servers.nginx);
  return recorded;
}

// Sends commands that are ready made, many at a time; each must be answered with a line that begins with this word.
export async function sendAll(servers, commands, word) {
  const socket = await open(servers);
  for (let i = 0; i < commands.length; i += BATCH) {
    const batch = commands.slice(i, i + BATCH);
    // A last command of which only one reply is awaited: the others come before it.
    const replies = await exchange(socket, Buffer.concat([...batch, Buffer.from('ECHO the-end-of-it\r\n')]),
      (text) => text.endsWith('the-end-of-it\r\n'));
    const fine = replies.match(new RegExp(`^${word}\\b`, 'gm'))?.length;
    if (fine === batch.length) continue;
    throw new Error(`of ${batch.length} commands ${fine} were answered with ${word}: ${replies.slice(0, 500)}`);
  }
  socket.destroy();
}

// So many numbers of apps that nobody has yet: the first.
function takeNumbers(count) {
  const first = nextApp;
  nextApp += count;
  return first;
}

// Queues runs of hello's first step, each of an app of its own; gives the number of the first.
export async function enqueue(servers, recorded, count) {
  const first = takeNumbers(count);
  await sendAll(servers, [...repeat(recorded, first, count)], 'queued');
  return first;
}

// Until no run is live: { jobs, seconds } between two looks, the first of which sees some done.
export async function watchDrain(servers, worker, total) {
  let start;
  let left = total;
  while (left > 0) {
    worker.expectAlive();
    const now = await liveCount(servers);
    if (start === undefined && now < total) start = { at: performance.now(), left: now };
    left = now;
    await pause(4);
  }
  return { jobs: start.left, seconds: (performance.now() - start.at) / 1000 };
}

export function untilDrained(servers) {
  return until(async () => (await liveCount(servers)) === 0, 'no run is live', 4 * BOUND_MS);
}

// A worker that has done what there was, and what it does at its start.
export async function startIdleWorker(servers) {
  servers.startWorker();
  await untilDrained(servers);
  await pause(500);
}

// From sending the script call of a trigger to the message that its run is no longer live, one at a time.
export async function measureLatency(servers, recorded, count, gapMs) {
  await servers.connection.command('CONFIG', 'SET', 'notify-keyspace-events', 'Kz');
  const sender = await open(servers);
  const listener = await open(servers);
  await exchange(listener, `SUBSCRIBE __keyspace@0__:${LIVE}\r\n`, (text) => text.endsWith(':1\r\n'));
  const accepted = [];
  const done = [];
  for (const command of repeat(recorded, takeNumbers(count), count)) {
    const gone = exchange(listener, '', (text) => text.includes('\r\nzrem\r\n'));
    const start = performance.now();
    const reply = exchange(sender, command, (text) => text.endsWith('\r\n'));
    await reply;
    accepted.push(performance.now() - start);
    await gone;
    done.push(performance.now() - start);
    await pause(gapMs);
  }
  sender.destroy();
  listener.destroy();
  done.sort((a, b) => a - b);
  return { samples: count, p50: median(done), p99: done[Math.floor(count * 0.99)], accepted_p50: median(accepted) };
}
