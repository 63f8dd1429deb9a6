// The rows of where Redis' time goes: how long its scripts take for a trigger, a drained run, and a run at idle from
// trigger to done, and how much of that are the commands which they call. The rest is Lua, and getting from one to the
// other. Redis measures it itself, and does nothing else meanwhile.
import {
  CONCURRENCY, enqueue, GAP_MS, measureLatency, recordAndStop, sendAll, startIdleWorker, untilDrained,
} from './queue.mjs';
import { appName, asCommand, monitor } from './record.mjs';
import { Servers } from './servers.mjs';

const SCRIPTS = ['fcall', 'evalsha', 'eval'];
const LIBRARY = 'straight';
const STRAIGHT_FIRST = 1e9; // apps that no other call has
const RECORDED = 300; // runs

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

// ---- a script's commands without the script ----

// A text of Lua, in which the names of apps are those that it is called with.
function inLua(word, apps) {
  const at = apps.findIndex((app) => word.includes(app));
  if (at >= 0) return word.split(apps[at]).map((part) => inLua(part, apps)).join(` .. apps[${at + 1}] .. `);
  return `'${[...Buffer.from(word, 'latin1')].map((byte) => `\\${String(byte).padStart(3, '0')}`).join('')}'`;
}

// A script that calls what one call of another has called, one command behind the other, and decides nothing. Its keys
// are put together as those of the other, and it gets the same arguments. It writes the times of that one call: so its
// commands cost more or less than those of the other, which is measured beside it. Gives the command for the apps from
// such a number on, as many as the other had.
async function loadStraight(servers, { words, inScript }) {
  const apps = [...new Set(inScript.flat().flatMap((word) => word.match(/bench-\d{12}/g) ?? []))];
  const calls = inScript.map((called) => `call(${called.map((word) => inLua(word, apps)).join(', ')})`);
  await servers.connection.command('FUNCTION', 'LOAD', `#!lua name=${LIBRARY}
    redis.register_function('${LIBRARY}', function(apps)
      local call = redis.call
      ${calls.join('\n')}
      return { 'straight' }
    end)`);
  const given = words.slice(3 + Number(words[2]));
  return (first) => asCommand(['FCALL', LIBRARY, String(apps.length),
    ...apps.map((_, i) => appName(first + i)), ...given]);
}

// Each call of a script with what it called.
function callsOf(all) {
  const starts = all.flatMap(({ from, words }, i) => (from === 'unix' && words[0] === 'FCALL' ? [i] : []));
  return starts.map((start) => {
    const end = all.findIndex(({ from }, i) => i > start && from === 'unix');
    const within = all.slice(start + 1, end < 0 ? undefined : end);
    return { words: all[start].words, inScript: within.map(({ words }) => words) };
  });
}

async function timeStraightTrigger(servers, recorded, { jobs }) {
  const { all } = await monitor(servers, () => enqueue(servers, recorded, 1));
  const commandFor = await loadStraight(servers, callsOf(all)[0]);
  const commands = Array.from({ length: jobs }, (_, i) => commandFor(STRAIGHT_FIRST + i));
  return timeScripts(servers, jobs, () => sendAll(servers, commands, 'straight'));
}

// A call that ends runs and takes as many, in the midst of a drain.
async function timeStraightDrain(servers, recorded, { jobs }) {
  await enqueue(servers, recorded, RECORDED);
  const { all } = await monitor(servers, async () => {
    const worker = servers.startWorker();
    await untilDrained(servers);
    await servers.stopServer(worker);
  });
  const endsOf = ({ words }) => words.filter((word) => word === 'finish').length;
  const turns = callsOf(all).filter(({ words }) => words.some((word) => word.startsWith('want ')))
    .sort((a, b) => endsOf(a) - endsOf(b));
  const turn = turns[turns.length >> 1];
  const commandFor = await loadStraight(servers, turn);
  const first = await enqueue(servers, recorded, jobs);
  const count = Math.floor(jobs / endsOf(turn)) - 2; // the last ones take runs that are there too
  const commands = Array.from({ length: count }, (_, i) => commandFor(first + i * endsOf(turn)));
  return timeScripts(servers, count * endsOf(turn), () => sendAll(servers, commands, 'straight'));
}

export const cases = {
  'scripts: trigger': ofRuns((servers, recorded, { jobs }) =>
    timeScripts(servers, jobs, () => enqueue(servers, recorded, jobs))),

  'scripts: trigger: straight': ofRuns(timeStraightTrigger),
  'scripts: drain: straight': ofRuns(timeStraightDrain),

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
  { name: 'a trigger', ours: 'scripts: trigger', peer: 'scripts: trigger: straight',
    against: 'its commands alone' },
  { name: 'a drained run', ours: 'scripts: drain', peer: 'scripts: drain: straight', against: 'its commands alone' },
  { name: 'a drained run', ours: 'scripts: drain', peer: 'scripts: drain: bullmq', against: 'BullMQ' },
  { name: 'from trigger to done at idle', ours: 'scripts: idle', peer: 'scripts: idle: bullmq', against: 'BullMQ' },
].flatMap((row) => [
  { ...row, name: `Redis, scripts of ${row.name}`, unit: 'us' },
  { ...row, name: `Redis, scripts of ${row.name}: commands within`, field: 'within', unit: 'us' },
]);
