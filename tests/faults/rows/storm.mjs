// A provider that refuses everybody for a while, by 429 and then by 5xx: nobody hammers it, and neither burns an
// attempt.
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../client.mjs';
import { Cluster } from '../cluster.mjs';
import { until } from '../../integration/stack.mjs';
import { burnt, check } from '../checker.mjs';

export const name = '429 and 5xx storm';
export const scales = { full: { seconds: 30, actions: 60 }, part: { seconds: 6, actions: 16 } };
const PERIOD_SECONDS = 2;
const WORKERS = 3;
const EXECUTORS = 4; // of each

async function start() {
  const cluster = await Cluster.start({ leaseSeconds: 30 });
  for (let i = 0; i < WORKERS; i += 1) await cluster.startWorker({ executors: EXECUTORS });
  return { cluster, client: new Client(cluster) };
}

// Without those that were under way before anybody knew: one of each executor, however late it comes.
function laterOf(refused) {
  const came = {};
  return refused.filter(({ worker }) => {
    came[worker] = (came[worker] ?? 0) + 1;
    return came[worker] > EXECUTORS;
  });
}

async function limited(seconds, actions) {
  const { cluster, client } = await start();
  const refused = [];
  cluster.provider.intercept = async (call, response) => {
    if (refused.length > 0 && call.at > refused[0].at + seconds * 1000) return false;
    refused.push(call);
    // Slowly enough for others to come in beside it.
    await sleep(300);
    cluster.provider.send(
      response,
      429,
      { message: 'API rate limit exceeded' },
      { 'retry-after': String(PERIOD_SECONDS) },
    );
    return true;
  };
  await client.objects('limited', actions, { concurrency: actions });
  const later = laterOf(refused).map((call) => call.at);
  const worst = Math.max(
    0,
    ...later.map((at) => later.filter((other) => other >= at && other < at + PERIOD_SECONDS * 1000).length),
  );
  const violations = await check(cluster, client);
  if (worst > WORKERS) violations.push(`${worst} calls within one period of ${WORKERS} workers`);
  const spent = burnt(client).length;
  if (spent > 0) violations.push(`${spent} runs burnt an attempt by 429`);
  await cluster.stop();
  return { violations, figure: `429: ${refused.length} refused calls, at most ${worst} in ${PERIOD_SECONDS} s` };
}

async function failing(seconds, actions) {
  const { cluster, client } = await start();
  let broken = true;
  const refused = [];
  cluster.provider.intercept = (call, response) => {
    if (broken) refused.push(call);
    if (broken) cluster.provider.send(response, 503, { message: 'Unavailable' });
    return broken;
  };
  const load = client.objects('failing', actions, { concurrency: actions, boundMs: 120000 });
  await until(() => refused.length > 0, 'a call has failed');
  await sleep(seconds * 1000);
  // What waits is to come back spread out: not all of it within a few tenths of a second.
  const due = await until(async () => {
    const found = await cluster.redis('ZRANGE', 'slipway:{0}:delayed', '0', '-1', 'WITHSCORES');
    return found.length / 2 >= actions / 2 && found.filter((_, i) => i % 2 === 1);
  }, 'runs wait');
  broken = false;
  const lasted = (Date.now() - refused[0].at) / 1000;
  await load;
  const back = new Set(due.map((at) => Math.floor(Number(at) / 100)));
  const violations = await check(cluster, client);
  const later = laterOf(refused).length;
  if (later > lasted) violations.push(`${later} calls to a provider that is down, in ${lasted} s`);
  const spent = burnt(client).length;
  if (spent > 0) violations.push(`${spent} runs burnt an attempt by 5xx`);
  if (back.size < Math.min(5, actions / 4)) violations.push(`all come back within ${back.size} tenths of a second`);
  await cluster.stop();
  return {
    violations,
    figure:
      `5xx: ${refused.length} failed calls, ${later} after all could know; ` +
      `${spent} of ${actions} runs burnt an attempt; they come back in ${back.size} different tenths of a second`,
  };
}

export async function run({ seconds, actions }) {
  const [first, second] = [await limited(seconds, actions), await failing(Math.min(seconds, 10), actions)];
  return { violations: [...first.violations, ...second.violations], figure: `${first.figure}; ${second.figure}` };
}
