// The rows of tenants: what one notices of another that is at its limits and goes on asking.
import { POLL_STEP, appName, send, trigger } from './record.mjs';
import { median, pause } from './queue.mjs';
import { makePolledApp } from './rows_http.mjs';
import { until } from '../integration/stack.mjs';
import { Servers } from './servers.mjs';

const CONNECTIONS = 32;
const LIVE = 100;
const BUDGETS = `loud.live=${LIVE} loud.requests=3000 default.requests=600000`;
const POLL_EVERY_MS = 20;
const TRIGGER_EVERY_MS = 200;
const WARM_SECONDS = 1;
const BOUND_SECONDS = 120; // more than all waits take: the load is ended before
let nextApp = 1;

// As long as a call of a provider may take: there are always some of its runs that wait for an executor, and what its
// budget of requests lets in goes into the places of those that end.
const LOUD_MS = 200;
const LOUD = trigger('loud-%d', 'busy', 'busy', { seconds: 0, milliseconds: LOUD_MS });

async function isRefused(servers, ask) {
  const answer = await send(servers, { ...ask, body: ask.body.replace('%d', '0') }).catch((error) => error.message);
  return / answered with 429/.test(answer);
}

// The loud tenant is at both of its limits when this resolves; gives the load that goes on.
async function startHammering(servers, seconds) {
  const ask = { ...LOUD, header: servers.makeToken('loud') };
  const load = servers.load(CONNECTIONS, seconds, ask);
  await until(async () => (await liveOfLoud(servers)) >= LIVE, 'its live runs are as many as it may have');
  await until(() => isRefused(servers, ask), 'it is refused');
  return load;
}

async function liveOfLoud(servers) {
  return Number(await servers.connection.command('HGET', 'slipway:{0}:tenant:loud:used', 'live'));
}

// Runs that are triggered one after the other, in ms from before each request until it began.
async function measureBegun(servers, header, seconds) {
  const sent = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const app = appName(nextApp);
    nextApp += 1;
    const at = Date.now();
    await send(servers, { ...trigger(app), header });
    sent.push({ app, at });
    await pause(TRIGGER_EVERY_MS);
  }
  const times = [];
  for (const { app, at } of sent) {
    const ask = { method: 'GET', path: `/api/deploy?appId=${app}&workflowId=hello&actionId=greet`, header };
    const began = await until(async () => (await send(servers, ask)).json.startedAt, 'the run has begun');
    times.push(Date.parse(began) - at);
  }
  return times;
}

// What the refusals were, and what each of them cost; the quiet tenant's requests are in it, and are few.
async function endHammering(servers, load, cpu, seconds) {
  const live = await liveOfLoud(servers);
  load.process.kill('SIGTERM');
  const { per_second, bad } = await load.result();
  const each = Object.entries(cpu).map(([name, one]) => [name, (one * 1e6) / (per_second * seconds)]);
  return { live, refused: bad, refused_per_second: per_second, cpu_us: Object.fromEntries(each) };
}

// What a tenant sees that goes at its pace: beside another that is at its limits, or alone.
function quiet(isBesideLoud) {
  return ({ seconds: each }) => Servers.with('everysec', async (servers) => {
    const seconds = 5 * each;
    const watched = await servers.startSlipway(['--budgets', BUDGETS]);
    await makePolledApp(servers);
    servers.startWorker();
    const header = servers.makeToken('default');
    await measureBegun(servers, header, WARM_SECONDS);
    const load = isBesideLoud ? await startHammering(servers, seconds + BOUND_SECONDS) : undefined;

    const ask = { ...POLL_STEP, header };
    const { cpu, polls, begun } = await servers.watch(watched, async () => {
      const polling = servers.load(1, seconds, ask, { everyMs: POLL_EVERY_MS }).result();
      const times = await measureBegun(servers, header, seconds);
      return { polls: await polling, begun: times };
    });
    const loud = isBesideLoud ? await endHammering(servers, load, cpu, seconds) : {};
    return { poll_p50: polls.p50, poll_p99: polls.p99, poll_max: polls.max, polls: polls.responses, bad: polls.bad,
      cut: polls.cut, begun_p50: median(begun), begun_max: Math.max(...begun), begun, ...loud };
  });
}

const BESIDE = 'a tenant beside one at its limits';
const ALONE = 'quiet alone';
export const cases = { [BESIDE]: quiet(true), [ALONE]: quiet(false) };

const FIGURES = [
  ['poll of a step, p50', 'poll_p50'], ['poll of a step, p99', 'poll_p99', '<= 50'],
  ['from its trigger to begun, p50', 'begun_p50'], ['from its trigger to begun, slowest', 'begun_max', '<= 1000'],
];
export const rows = FIGURES.map(([what, field, goal]) => (
  { name: `${BESIDE}: ${what}`, ours: BESIDE, peer: ALONE, against: 'alone', field, unit: 'ms', goal }));
