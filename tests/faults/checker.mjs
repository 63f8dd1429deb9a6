// Looks through the three histories: what the client was answered, what the provider was asked, and what stands in
// Redis and its logs; gives the violations of the suite's invariants as texts.
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { until } from '../integration/stack.mjs';
import { TOKEN } from './cluster.mjs';

const ANSWER_MS = 2000;
const HIT_MS = 12000; // how far from a call what hit its worker may have been noted, on a machine that stands still
const REDIS_MS = 900; // for which the api waits for Redis

// That Redis was too slow, by the words of the api and of workers: on a machine that stands still it is.
export const SLOW_REDIS = /Resource temporarily unavailable|did not answer a moment ago/;

// A 503 for that alone.
export const isSlow = ({ status, detail = '', took }) =>
  status === 503 && (SLOW_REDIS.test(detail) || (/lost while it worked/.test(detail) && took >= REDIS_MS));

// What failed of these answers.
export const failedOf = (answers) =>
  answers.filter((answer) => (answer.status === 0 || answer.status >= 500) && !isSlow(answer));

// Runs that counted a crash or an attempt, which a Redis that is slow is no reason for.
export const burnt = (client) =>
  [...client.runs.values()].filter(({ crashes, attempt }) => crashes > 0 || attempt > 1);

// Whether times are asserted: at full scale, on a machine that does nothing else.
export const timed = () => process.env.FAULTS_TIMED === '1';

// I3: between the first event of a run and that of the next there is an end; and nothing takes the place of one that
// has begun.
function checkSingleFlight(app, events, violations) {
  const live = new Map();
  const begun = new Set();
  for (const event of events) {
    if (event.run === undefined) continue;
    if (event.event === 'executing') begun.add(event.run);
    if (event.event === 'replaced' && begun.has(event.run))
      violations.push(`I3: ${app}: ${event.run} had begun, and was replaced`);
    const step = `${event.workflow}/${event.action}`;
    const current = live.get(step);
    if (current !== undefined && current !== event.run)
      violations.push(`I3: ${app} ${step}: ${current} and ${event.run} at once`);
    if (['done', 'error', 'replaced'].includes(event.event)) live.delete(step);
    else if (event.event !== 'log') live.set(step, event.run);
  }
}

// I2 again, from the inside: nothing happens to a run after its end.
function checkEndIsEnd(app, events, violations) {
  const ended = new Set();
  for (const event of events) {
    if (event.run === undefined) continue;
    if (ended.has(event.run)) violations.push(`I2: ${app}: '${event.event}' after the end of ${event.run}`);
    if (event.event === 'done' || event.event === 'error') ended.add(event.run);
  }
}

export const wasHit = (cluster, post) => cluster.hits.some(({ at }) => Math.abs(at - post.at) <= HIT_MS);

// I4: one object; a call is repeated only where one may have been in flight when its worker was hit.
function checkObjects(cluster, client, repeatsAllowed, violations) {
  for (const run of client.runs.values()) {
    if (run.action !== 'object' || run.lost) continue;
    const object = cluster.provider.objects.get(run.app);
    const posts = object?.posts.length ?? 0;
    if (run.status === 'done' && posts === 0) violations.push(`I4: ${run.app} is done and has no object`);
    const hit = (post) => wasHit(cluster, post);
    if (posts > 1 && !(repeatsAllowed && object.posts.slice(0, -1).every(hit))) {
      violations.push(`I4: ${run.app} was created ${posts} times`);
    }
  }
}

// I4 again: whoever wakes up after another has done its work calls nobody.
function checkLateCalls(cluster, client, violations) {
  for (const run of client.runs.values()) {
    if (run.action !== 'object' || run.ended === undefined || run.lost) continue;
    const late = cluster.provider.calls.filter((call) => call.name === run.app && call.at > run.endedAt);
    for (const call of late) violations.push(`I4: ${call.worker} called for ${run.app} after the end of its run`);
  }
}

// I2: what a run was when the client saw it end, it is still.
async function checkUnchanged(cluster, client, violations) {
  for (const run of client.runs.values()) {
    if (run.ended === undefined || run.lost) continue;
    const now = await cluster.hash(run.app, run.workflow, run.action);
    for (const field of new Set([...Object.keys(now), ...Object.keys(run.ended)])) {
      if (now[field] !== run.ended[field])
        violations.push(
          `I2: ${run.app} ${run.action}: after its end '${field}' went from ${run.ended[field]} to ${now[field]}`,
        );
    }
  }
}

async function checkQuiet(cluster, options, violations) {
  const empty = async () => {
    const counts = await Promise.all([
      cluster.redis('EXISTS', 'slipway:{0}:ready', 'slipway:{0}:ready:default', 'slipway:{0}:begun'),
      cluster.redis('ZCARD', 'slipway:{0}:delayed'),
      cluster.redis('ZCARD', 'slipway:{0}:live'),
    ]);
    return counts.every((count) => count === 0);
  };
  await until(empty, 'nothing is left in queue, delayed and live').catch(async (error) => {
    const live = await cluster.redis('ZRANGE', 'slipway:{0}:live', '0', '5');
    violations.push(`I5: ${error.message}, such as ${live}`);
  });
  const dead = await cluster.redis('XLEN', 'slipway:{0}:dead');
  if (dead > 0 && !options.deadAllowed) violations.push(`I5: ${dead} entries were buried`);
  const report = await cluster.verify();
  for (const finding of report.findings) violations.push(`I5: ${finding.key}: ${finding.what}`);
}

function checkAnswers(client, options, violations) {
  for (const answer of client.answers) {
    const where = `${answer.mode} at ${new Date(answer.at).toISOString()}`;
    const allowed = answer.status > 0 && (answer.status < 500 || answer.status === 503 || answer.status === 504);
    if (!allowed) violations.push(`I6: ${where} was answered ${answer.status} ${answer.detail ?? ''}`);
    const late = answer.took > (options.answerMs ?? ANSWER_MS);
    if (timed() && late) violations.push(`I6: ${where} took ${answer.took} ms`);
  }
}

async function filesBelow(folder) {
  const found = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const whole = path.join(folder, entry.name);
    if (entry.isDirectory()) found.push(...(await filesBelow(whole)));
    else if (entry.isFile() && entry.name !== 'token') found.push(whole);
  }
  return found;
}

// I7: in no file that anything wrote, no output, no answer, no process list.
async function checkSecrets(cluster, client, violations) {
  for (const file of await filesBelow(cluster.folder)) {
    if ((await readFile(file)).includes(TOKEN))
      violations.push(`I7: the token is in ${path.relative(cluster.folder, file)}`);
  }
  for (const daemon of [...cluster.workers, ...cluster.past, cluster.api]) {
    if (daemon.output.includes(TOKEN)) violations.push(`I7: the token is in the output of ${daemon.name}`);
    for (const what of ['cmdline', 'environ']) {
      const text = await readFile(`/proc/${daemon.pid}/${what}`, 'utf8').catch(() => '');
      if (text.includes(TOKEN)) violations.push(`I7: the token is in the ${what} of ${daemon.name}`);
    }
  }
  if (JSON.stringify(client.answers).includes(TOKEN)) violations.push('I7: the token is in an answer');
}

// How long each run that lost its worker waited until it was taken over, in ms.
export async function takeovers(cluster) {
  const found = [];
  for (const app of await cluster.apps()) {
    for (const event of await cluster.events(app)) {
      const worker = /^(.*) was lost; taken over$/.exec(event.detail ?? '')?.[1];
      if (worker === undefined) continue;
      const hit = cluster.hits.filter((one) => one.worker === worker && one.at <= event.at).at(-1);
      if (hit) found.push(event.at - hit.at);
    }
  }
  return found.sort((one, other) => one - other);
}

export const percentile = (sorted, share) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

// Options: repeatsAllowed (a worker was hit while it called), answerMs, errorsAllowed (runs may end so), deadAllowed
// (the row itself puts on the queue what cannot be run).
export async function check(cluster, client, options = {}) {
  const violations = [...client.violations];
  for (const run of client.runs.values()) {
    if (run.status === 'error' && !options.errorsAllowed) {
      violations.push(`I1: ${run.app} ${run.action} ended as ${run.error?.class}: ${run.error?.message}`);
    }
  }
  for (const app of await cluster.apps()) {
    const events = await cluster.events(app);
    checkSingleFlight(app, events, violations);
    checkEndIsEnd(app, events, violations);
  }
  checkObjects(cluster, client, options.repeatsAllowed ?? false, violations);
  checkLateCalls(cluster, client, violations);
  await checkUnchanged(cluster, client, violations);
  await checkQuiet(cluster, options, violations);
  checkAnswers(client, options, violations);
  await checkSecrets(cluster, client, violations);
  return violations;
}
