// A provider that refuses everybody for a while, by 429 and then by 5xx: nobody hammers it, and neither burns an
// attempt.
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../client.mjs';
import { Cluster } from '../cluster.mjs';
import { check } from '../checker.mjs';

export const name = '429 and 5xx storm';
export const scales = { full: { seconds: 30, actions: 60 }, part: { seconds: 4, actions: 16 } };
const PERIOD_SECONDS = 2;
const WORKERS = 3;

async function limited(seconds, actions) {
  const cluster = await Cluster.start();
  const client = new Client(cluster);
  for (let i = 0; i < WORKERS; i += 1) await cluster.startWorker({ executors: 4 });
  const until = Date.now() + seconds * 1000;
  const refused = [];
  let first = 0; // calls that were under way before anybody knew
  cluster.provider.intercept = async (call, response) => {
    if (Date.now() > until) return false;
    if (refused.length === 0) first = Date.now();
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
  const later = refused.filter((call) => call.at > first + 1000).map((call) => call.at);
  const worst = Math.max(
    0,
    ...later.map((at) => later.filter((other) => other >= at && other < at + PERIOD_SECONDS * 1000).length),
  );
  const violations = await check(cluster, client);
  if (worst > WORKERS) violations.push(`${worst} calls within one period of ${WORKERS} workers`);
  const burnt = [...client.runs.values()].filter((one) => one.attempt > 1).length;
  if (burnt > 0) violations.push(`${burnt} runs burnt an attempt by 429`);
  await cluster.stop();
  return { violations, figure: `429: ${refused.length} refused calls, at most ${worst} in ${PERIOD_SECONDS} s` };
}

async function failing(seconds, actions) {
  const cluster = await Cluster.start();
  const client = new Client(cluster);
  for (let i = 0; i < WORKERS; i += 1) await cluster.startWorker({ executors: 4 });
  let broken = true;
  const refused = [];
  cluster.provider.intercept = (call, response) => {
    if (broken) refused.push(call.at);
    if (broken) cluster.provider.send(response, 503, { message: 'Unavailable' });
    return broken;
  };
  const load = client.objects('failing', actions, { concurrency: actions, boundMs: 120000 });
  await sleep(seconds * 1000);
  broken = false;
  const healed = Date.now();
  await load;
  // What waits comes back spread out: not all of it within one tenth of the time.
  const back = [
    ...new Set(
      cluster.provider.calls
        .filter((call) => call.at > healed && call.method === 'GET')
        .map((call) => Math.floor((call.at - healed) / 100)),
    ),
  ];
  const violations = await check(cluster, client);
  const later = refused.filter((at) => at > refused[0] + 1000).length;
  if (later > seconds) violations.push(`${later} calls to a provider that is down, in ${seconds} s`);
  const burnt = [...client.runs.values()].filter((one) => one.status === 'error' || one.attempt > 1).length;
  if (burnt > 0) violations.push(`${burnt} runs burnt an attempt by 5xx`);
  if (back.length < Math.min(5, actions / 4))
    violations.push(`all came back within ${back.length} tenths of a second`);
  await cluster.stop();
  return {
    violations,
    figure:
      `5xx: ${refused.length} failed calls, ${later} after a second; ` +
      `${burnt} of ${actions} runs burnt an attempt; they came back in ${back.length} different tenths of a second`,
  };
}

export async function run({ seconds, actions }) {
  const [first, second] = [await limited(seconds, actions), await failing(Math.min(seconds, 10), actions)];
  return { violations: [...first.violations, ...second.violations], figure: `${first.figure}; ${second.figure}` };
}
