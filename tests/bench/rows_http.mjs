// The rows of HTTP: triggers and polls beside the bare responder and node:http with BullMQ, and bursts.
import { POLL_STEP, POLL_WORKFLOW, TRIGGER, APP, recordPoll, recordTrigger, send } from './record.mjs';
import { liveCount, untilDrained } from './queue.mjs';
import { Servers } from './servers.mjs';

const WARM_SECONDS_MAX = 1;
const STEPS = Array.from({ length: 11 }, (_, i) => `s${i + 1}`);

// One app whose workflow is done, by a real worker.
export async function makePolledApp(servers) {
  const inputs = { s1: { text: 'hello' } };
  const body = JSON.stringify({ mode: 'start', appId: APP, workflowId: 'eleven', inputs });
  await send(servers, { method: 'POST', path: '/api/deploy', body });
  const worker = servers.startWorker();
  await untilDrained(servers);
  await servers.stopServer(worker);
}

const KINDS = {
  trigger: { ask: TRIGGER, prepare: () => {}, record: recordTrigger },
  'poll of a step': {
    ask: POLL_STEP, prepare: makePolledApp, record: (servers) => recordPoll(servers, POLL_STEP, ['s1']),
  },
  'poll of a workflow': {
    ask: POLL_WORKFLOW, prepare: makePolledApp, record: (servers) => recordPoll(servers, POLL_WORKFLOW, STEPS),
  },
};

// Before it counts, what is compiled while it runs has been compiled.
export async function measureWarm(servers, watched, connections, seconds, ask) {
  await servers.measureLoad(watched, connections, Math.min(WARM_SECONDS_MAX, seconds), ask);
  return servers.measureLoad(watched, connections, seconds, ask);
}

function slipway(kind, connections, appendfsync) {
  const { ask, prepare } = KINDS[kind];
  return ({ seconds }) => Servers.with(appendfsync, async (servers) => {
    const watched = await servers.startSlipway();
    await prepare(servers);
    return measureWarm(servers, watched, connections, seconds, ask);
  });
}

function bare(kind, connections) {
  const { ask, prepare, record } = KINDS[kind];
  return ({ seconds }) => Servers.with('everysec', async (servers) => {
    await servers.startSlipway();
    await prepare(servers);
    const recorded = await record(servers);
    await servers.stopServer(servers.api);
    const result = await measureWarm(servers, await servers.startBare(recorded), connections, seconds, ask);
    // What it sends is from another process: it must have done the same there.
    const runs = await liveCount(servers);
    if (kind === 'trigger' && runs < result.responses) throw new Error(`${result.responses} responses, ${runs} runs`);
    return result;
  });
}

function node(connections, appendfsync) {
  return ({ seconds }) => Servers.with(appendfsync, async (servers) =>
    measureWarm(servers, await servers.startNodeHttp(), connections, seconds, TRIGGER));
}

// Connections that come at once, to servers that have had none yet.
function burst(connections, secondsOf, valueOf) {
  return ({ seconds }) => Servers.with('everysec', async (servers) => {
    const watched = await servers.startSlipway();
    const result = await servers.measureLoad(watched, connections, secondsOf(seconds), TRIGGER);
    return { ...result, value: valueOf(result) };
  });
}

export const cases = {
  'burst 256': burst(256, () => 1, (result) => result.starved),
  'burst 2000': burst(2000, (seconds) => Math.max(2, seconds),
    (result) => (100 * result.unavailable) / Math.max(1, result.responses)),
};
export const rows = [];

for (const kind of Object.keys(KINDS)) {
  for (const connections of [32, 256]) {
    const ours = `${kind}, ${connections} connections`;
    cases[ours] = slipway(kind, connections, 'everysec');
    cases[`${ours}: bare`] = bare(kind, connections);
    rows.push({ name: ours, ours, peer: `${ours}: bare`, against: 'bare epoll', unit: '/s', goal: '>= 0.9' });
  }
}

for (const appendfsync of ['everysec', 'always']) {
  for (const connections of [32, 256]) {
    const end = appendfsync === 'always' ? ', always' : '';
    const ours = `trigger, ${connections} connections${end}`;
    cases[ours] ??= slipway('trigger', connections, appendfsync);
    cases[`${ours}: node`] = node(connections, appendfsync);
    rows.push({ name: ours, ours, peer: `${ours}: node`, against: 'node:http + BullMQ', unit: '/s',
      goal: end === '' ? '>= 1.2' : '>= 1.0' });
  }
}

rows.push(
  { name: '256 connections at once: no response within 1 s', ours: 'burst 256', unit: 'connections', goal: '0' },
  { name: '2,000 connections: responses that are 503', ours: 'burst 2000', unit: '%', goal: '0' },
);
