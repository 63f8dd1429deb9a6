// Clients that have the server deploy the workflow `chain` of the fault suite, and what is to be true of it at the
// end: four steps, `left` and `right` need `base`, and `top` needs both. Each makes an object of its own name.
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../integration/stack.mjs';
import { wasHit } from './checker.mjs';
import { Client } from './client.mjs';

export const STEPS = ['base', 'left', 'right', 'top'];
const USERS = { base: ['left', 'right'], left: ['top'], right: ['top'], top: [] };
const POLL_MS = 100;

// An object that the provider makes, or with the word refused one that it never does.
export const inputsOf = (app, words = {}) =>
  Object.fromEntries(STEPS.map((step) => [step, { name: [words[step] ?? 'made', app, step].join('-') }]));

// Each call has its effect at some moment until it is answered, and is answered late: so whatever hits a worker meets
// calls in flight, and nothing may be made twice for that.
export function answerLate(provider, ms, random) {
  provider.intercept = async (call, response) => {
    const held = {
      writeHead: (...words) => { held.head = words; },
      end: (text) => { held.text = text; },
    };
    const before = random() * ms;
    await sleep(before);
    provider.answer(call, held);
    await sleep(ms - before);
    response.writeHead(...held.head);
    response.end(held.text);
    return true;
  };
}

export class Deployer extends Client {
  constructor(cluster) {
    super(cluster);
    this.accepted = new Map(); // app -> what was accepted last: { id, words, expected }
  }

  send(mode, app, rest = {}) {
    return this.post({ mode, appId: app, workflowId: 'chain', ...rest });
  }

  // Sends it until it is accepted. It may be unknown what became of it, or others may be in the way for a while.
  async insist(mode, app, rest, boundMs = 120000) {
    const giveUp = Date.now() + boundMs;
    for (;;) {
      const { status, answer } = await this.send(mode, app, rest);
      if (status === 200 || status === 202) return { status, answer };
      if (![0, 409, 503, 504].includes(status) || Date.now() > giveUp)
        throw new Error(`${mode} of ${app} was answered ${status}: ${JSON.stringify(answer)}`);
      await sleep(POLL_MS);
    }
  }

  // Starts it, and writes down how it is to end: as error where an object is refused.
  async start(app, words = {}, rest = {}) {
    const { status, answer } = await this.insist('start', app, { inputs: inputsOf(app, words), ...rest });
    this.accept(app, answer.deploymentId, words);
    return { status, answer };
  }

  accept(app, id, words) {
    this.accepted.set(app, { id, words, expected: Object.values(words).includes('refused') ? 'error' : 'done' });
  }

  async deployment(app) {
    return this.cluster.hash(app, 'chain', '_deployment');
  }

  // Until the server has ended it, without a word from any client: as it was to end, and not for a while as something
  // else.
  async ended(app, boundMs = 120000) {
    const over = async () => {
      const one = await this.deployment(app).catch(() => ({}));
      return one.status !== undefined && one.status !== 'running' && one;
    };
    const wanted = this.accepted.get(app);
    const one = await until(over, `the deployment of ${app} has ended`, boundMs).catch((error) =>
      this.violation('D1', error.message),
    );
    if (one && one.status !== wanted.expected && one.deployment === wanted.id)
      this.violation('D1', `${app} has ended as ${one.status}, not as ${wanted.expected}`);
  }
}

// What a step is to be where some objects are refused: whatever needs such a one waits for somebody to retry it.
function heldBy(words) {
  const held = new Set();
  const hold = (step) => USERS[step].forEach((user) => { held.add(user); hold(user); });
  STEPS.filter((step) => words[step] === 'refused').forEach(hold);
  return held;
}

async function checkSteps(cluster, app, { words }, violations) {
  const held = heldBy(words);
  for (const step of STEPS) {
    const run = await cluster.hash(app, 'chain', step);
    const wanted = held.has(step) ? 'running' : words[step] === 'refused' ? 'error' : 'done';
    const blocked = wanted === 'running' && run.reason !== 'need_failed';
    if (run.status !== wanted || blocked)
      violations.push(`D1: ${app} ${step} is ${run.status} ${run.phase ?? ''} ${run.reason ?? ''}, not ${wanted}`);
  }
}

// D1: each that was accepted has ended as it was to. D2: nothing was made twice. D3: none runs where nothing is live.
// Options: repeatsAllowed (a worker was hit while it called).
export async function checkDeployments(cluster, deployer, options = {}) {
  const violations = [];
  for (const [app, one] of deployer.accepted) {
    const now = await deployer.deployment(app);
    if (now.deployment !== one.id)
      violations.push(`D1: ${app}: ${one.id} was accepted, and ${now.deployment} is there`);
    if (now.status !== one.expected) violations.push(`D1: ${app} is ${now.status}, not ${one.expected}`);
    else await checkSteps(cluster, app, one, violations);
  }
  const hit = (post) => wasHit(cluster, post);
  for (const [name, object] of cluster.provider.objects) {
    const repeats = object.posts.slice(0, -1);
    if (repeats.length > 0 && !(options.repeatsAllowed && repeats.every(hit)))
      violations.push(`D2: ${name} was created ${object.posts.length} times`);
  }
  for (const app of await cluster.apps()) {
    const one = await deployer.deployment(app);
    const runs = await Promise.all(STEPS.map((step) => cluster.hash(app, 'chain', step)));
    const live = runs.some((run) => run.status === 'running' && run.reason !== 'need_failed');
    if ((one.status === 'running') !== live && one.status !== 'done')
      violations.push(`D3: ${app} is ${one.status}, and ${live ? 'some' : 'none'} of its steps goes on`);
  }
  return violations;
}

// What is blocked for good is ended, so that the rest of the checks finds everything quiet.
export async function clear(deployer) {
  for (const [app, one] of deployer.accepted) {
    if (one.expected === 'error') await deployer.insist('cancel', app, {});
  }
}
