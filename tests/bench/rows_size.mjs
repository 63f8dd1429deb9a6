// The rows of size: bytes in Redis, resident memory, the time to start, and clients whose polls are held.
import { residentKibOf, treeOf } from './machine.mjs';
import { enqueue, median, pause, recordAndStop, untilDrained } from './queue.mjs';
import { APP, POLL_STEP, TRIGGER, appName, send, trigger } from './record.mjs';
import { until } from '../integration/stack.mjs';
import { Servers } from './servers.mjs';

const HELD = 5000;
const HELD_SECONDS = 20;

async function usedMemory(servers) {
  const info = await servers.connection.command('INFO', 'memory');
  return Number(/^used_memory:(\d+)/m.exec(info)[1]);
}

// The largest of the processes below a supervisor, in KiB.
function largestChild({ pid }) {
  return Math.max(...treeOf(pid).slice(1).map(residentKibOf));
}

// Many apps, each with one run that is done; what is there once, such as scripts, is there before.
function bytes({ jobs }) {
  return Servers.with('everysec', async (servers) => {
    const count = Math.min(jobs, 2000);
    const recorded = await recordAndStop(servers);
    servers.startWorker();
    await enqueue(servers, recorded, 200);
    await untilDrained(servers);
    const before = await usedMemory(servers);
    await enqueue(servers, recorded, count);
    await untilDrained(servers);
    await pause(200);
    return { value: ((await usedMemory(servers)) - before) / count, runs: count };
  });
}

// After 2,000 connections have triggered runs that a worker executes meanwhile.
function memory({ seconds }) {
  return Servers.with('everysec', async (servers) => {
    const watched = await servers.startSlipway();
    const worker = servers.startWorker();
    await send(servers, trigger(APP));
    await untilDrained(servers);
    await pause(500);
    const idle = { handler_idle: largestChild(servers.api), executor_idle: largestChild(worker) };
    const load = await servers.measureLoad(watched, 2000, Math.max(2, seconds), TRIGGER);
    const under = { handler_load: largestChild(servers.api), executor_load: largestChild(worker) };
    return { ...idle, ...under, responses: load.responses, bad: load.bad };
  });
}

// From starting slipway-api to the first response through nginx.
function start() {
  return Servers.with('everysec', async (servers) => {
    await servers.startNginx().then((nginx) => nginx.ready(() => servers.answers('/').catch(() => false)));
    const times = [];
    for (let i = 0; i < 5; i += 1) {
      const began = performance.now();
      const api = servers.startApi();
      while (!(await servers.answers(POLL_STEP.path))) await pause(1);
      times.push(performance.now() - began);
      await servers.stopServer(api);
    }
    return { value: median(times), times };
  });
}

// ---- held polls ----

const pollOf = (app) => `/api/deploy?appId=${app}&workflowId=busy&actionId=busy`;
const heldPoll = (app, since, seconds) => ({ method: 'GET', path: `${pollOf(app)}&since=${since}&wait=${seconds}` });

async function tagOf(servers, app) {
  const response = await send(servers, { method: 'GET', path: pollOf(app) });
  return response.headers.get('etag').replaceAll('"', '');
}

// A run that executes, so that a change is still to come.
async function makeHeldApp(servers) {
  await send(servers, trigger(APP, 'busy', 'busy', { seconds: 600 }));
  servers.startWorker();
  await until(async () => (await send(servers, { method: 'GET', path: pollOf(APP) })).json.phase === 'executing',
    'the run executes');
}

// An older slipway-api, or one that says at once what has not changed, holds nothing.
async function expectHolding(servers, app, since) {
  const began = performance.now();
  const response = await fetch(`${servers.url}${heldPoll(app, since, 1).path}`);
  await response.arrayBuffer();
  if (response.status >= 400 || performance.now() - began < 900) throw new Error('this slipway-api holds no polls');
}

function residentKibOfApi(servers) {
  return treeOf(servers.api.pid).reduce((sum, pid) => sum + residentKibOf(pid), 0);
}

// Many that wait, of `asked` apps, and what they take: { load, bytes }.
async function startHeld(servers, asked, since) {
  await expectHolding(servers, APP, since);
  const idle = residentKibOfApi(servers);
  const load = servers.load(HELD, HELD_SECONDS + 5, heldPoll(asked, since, HELD_SECONDS), { held: true });
  await load.says('asked');
  await pause(1000);
  return { load, bytes: ((residentKibOfApi(servers) - idle) * 1024) / HELD };
}

// All wait for the same step: a cancel changes it.
function heldTogether() {
  return Servers.with('everysec', async (servers) => {
    const watched = await servers.startSlipway();
    await makeHeldApp(servers);
    const { load, bytes } = await startHeld(servers, APP, await tagOf(servers, APP));
    const changed = Date.now();
    const body = JSON.stringify({ mode: 'cancel', appId: APP, workflowId: 'busy', actionId: 'busy' });
    const { cpu, first, p50, max, responses, bad, cut, cpu_ms: ofLoad } = await servers.watch(watched, async () => {
      await send(servers, { method: 'POST', path: '/api/deploy', body });
      return load.result();
    });
    const seconds = Object.entries({ ...cpu, load: ofLoad / 1e3 });
    const each = seconds.map(([name, one]) => [name, (one * 1e6) / HELD]);
    const times = { first_ms: first - changed, p50_ms: p50 - changed, last_ms: max - changed };
    return { bytes, ...times, responses, bad, cut, cpu_us: Object.fromEntries(each) };
  });
}

// Each waits for an app of its own: a trigger changes one of them.
function heldApart() {
  return Servers.with('everysec', async (servers) => {
    await servers.startSlipway();
    const first = Servers.nextRequest;
    const { load, bytes } = await startHeld(servers, 'bench-%d', await tagOf(servers, APP));
    const changed = Date.now();
    await send(servers, trigger(appName(first + HELD / 2), 'busy', 'busy', { seconds: 0 }));
    const value = Number(await load.says('response')) - changed;
    await servers.stopServer(load);
    return { bytes, value };
  });
}

export const cases = { bytes, memory, start, 'held together': heldTogether, 'held apart': heldApart };

const HANDLER = 'resident memory of a handler';
const EXECUTOR = 'resident memory of an executor';
const UNDER_LOAD = 'under 2,000 connections';
const POLLS = `${HELD.toLocaleString('en')} held polls`;
export const rows = [
  { name: 'Redis bytes of a finished run with its app', ours: 'bytes', unit: 'bytes', goal: '<= 1500' },
  { name: HANDLER, ours: 'memory', field: 'handler_idle', unit: 'KiB', goal: '<= 2970' },
  { name: `${HANDLER} ${UNDER_LOAD}`, ours: 'memory', field: 'handler_load', unit: 'KiB', goal: '<= 2970' },
  { name: EXECUTOR, ours: 'memory', field: 'executor_idle', unit: 'KiB', goal: '<= 5734' },
  { name: `${EXECUTOR} ${UNDER_LOAD}`, ours: 'memory', field: 'executor_load', unit: 'KiB', goal: '<= 5734' },
  { name: 'from exec to the first response', ours: 'start', unit: 'ms', goal: '<= 49' },
  { name: `${POLLS}: memory of each`, ours: 'held apart', field: 'bytes', unit: 'bytes', goal: '<= 13422' },
  { name: `${POLLS}, one of which changes: until it has the change`, ours: 'held apart', unit: 'ms', goal: '<= 100' },
  { name: `${POLLS} of one step: until half have its change`, ours: 'held together', field: 'p50_ms', unit: 'ms' },
  { name: `${POLLS} of one step: until the last has its change`, ours: 'held together', field: 'last_ms', unit: 'ms' },
];
