// The rows of where Redis' time goes: how long its scripts take for a trigger, a drained run, and a run at idle from
// trigger to done, and how much of that are the commands which they call. The rest is Lua, and getting from one to the
// other. Redis measures it itself, and does nothing else meanwhile.
import {
  CONCURRENCY, enqueue, GAP_MS, measureLatency, recordAndStop, startIdleWorker, untilDrained,
} from './queue.mjs';
import { Servers } from './servers.mjs';

const SCRIPTS = ['fcall', 'evalsha', 'eval'];

// Microseconds of each of so many, while something is called.
async function timeScripts(servers, count, call) {
  await servers.connection.command('CONFIG', 'RESETSTAT');
  await call();
  const text = await servers.connection.command('INFO', 'commandstats');
  const found = [...text.matchAll(/^cmdstat_(\S+?):calls=(\d+),usec=(\d+)/gm)];
  const sum = (isOne, column) => found.filter(([, name]) => isOne(name))
    .reduce((all, words) => all + Number(words[column]), 0) / count;
  const isScript = (name) => SCRIPTS.includes(name);
  const value = sum(isScript, 3);
  return { value, within: sum((name) => !isScript(name), 3), calls: sum(isScript, 2) };
}

function ofRuns(time) {
  return ({ jobs, samples }) => Servers.with('everysec', async (servers) =>
    time(servers, await recordAndStop(servers), { jobs, samples }));
}

function ofPeer(time) {
  return ({ jobs, samples }) => Servers.with('everysec', (servers) => time(servers, { jobs, samples }));
}

export const cases = {
  'scripts: trigger': ofRuns((servers, recorded, { jobs }) =>
    timeScripts(servers, jobs, () => enqueue(servers, recorded, jobs))),

  'scripts: drain': ofRuns(async (servers, recorded, { jobs }) => {
    await enqueue(servers, recorded, jobs);
    return timeScripts(servers, jobs, () => {
      servers.startWorker();
      return untilDrained(servers);
    });
  }),

  'scripts: idle': ofRuns(async (servers, recorded, { samples }) => {
    await startIdleWorker(servers);
    return timeScripts(servers, samples, () => measureLatency(servers, recorded, samples, GAP_MS));
  }),

  'scripts: drain: bullmq': ofPeer(async (servers, { jobs }) => {
    await servers.startPeer('queue.mjs', 'bullmq', 'load', jobs).result();
    return timeScripts(servers, jobs,
      () => servers.startPeer('queue.mjs', 'bullmq', 'drain', jobs, CONCURRENCY).result());
  }),

  'scripts: idle: bullmq': ofPeer((servers, { samples }) => timeScripts(servers, samples,
    () => servers.startPeer('queue.mjs', 'bullmq', 'latency', samples, GAP_MS).result())),
};

export const rows = [
  { name: 'a trigger', ours: 'scripts: trigger' },
  { name: 'a drained run', ours: 'scripts: drain', peer: 'scripts: drain: bullmq', against: 'BullMQ' },
  { name: 'from trigger to done at idle', ours: 'scripts: idle', peer: 'scripts: idle: bullmq', against: 'BullMQ' },
].flatMap((row) => [
  { ...row, name: `Redis, scripts of ${row.name}`, unit: 'us' },
  { ...row, name: `Redis, scripts of ${row.name}: commands within`, field: 'within', unit: 'us' },
]);
