// Two builds with a renamed field, a removed step and a renamed workflow, updated in any order, and both at work for a
// while: no accepted run fails for it, each can be polled and cancelled through either, and nothing counts as lost.
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from '../../integration/fastcgi.mjs';
import { until } from '../../integration/stack.mjs';
import { Cluster } from '../cluster.mjs';

export const name = 'two builds side by side';
export const scales = { full: { runs: 1000 }, part: { runs: 100 } };

const LOADERS = 12;
const END_MS = 120000;

// What each build accepts: [workflow, step, inputs].
const WORK = {
  before: [
    ['builds', 'changed', { changed: { name: 'a' } }],
    ['builds', 'constant', { constant: { text: 'b' } }],
    ['builds', 'removed', { removed: { text: 'c' } }],
    ['builds-before', 'constant', { constant: { text: 'd' } }],
    ['builds', 'needs', undefined],
  ],
  after: [
    ['builds', 'changed', { changed: { title: 'a' } }],
    ['builds', 'constant', { constant: { text: 'b' } }],
    ['builds-after', 'constant', { constant: { text: 'd' } }],
    ['builds', 'needs', undefined],
  ],
};

function named({ appId, workflowId, actionId }, mode) {
  return { mode, appId, workflowId, actionId };
}

class Mixture {
  constructor(cluster, random) {
    this.cluster = cluster;
    this.random = random;
    this.sockets = {}; // of each api that runs, by its build
    this.retired = {}; // of those that take no more triggers: they are asked about what they accepted
    this.runs = [];
    this.violations = [];
    this.declined = 0;
    this.cancelled = 0;
    this.remade = 0;
    this.triggers = 0;
  }

  pick(list) {
    return list[Math.floor(this.random() * list.length)];
  }

  askOnce(build, body) {
    return request(this.sockets[build] ?? this.retired[build], 'POST', '/api/deploy', {}, body);
  }

  // A 503 is sent again, as it asks for: a machine that does much else may keep Redis from answering for a while.
  async ask(build, body) {
    for (let tries = 0; ; tries += 1) {
      const answer = await this.askOnce(build, body);
      if (answer.status !== 503 || tries === 100) return answer;
      await sleep(200);
    }
  }

  async startApi(build) {
    this.sockets[build] = await this.cluster.startApi({ variant: build === 'after' });
  }

  retireApi(build) {
    this.retired[build] = this.sockets[build];
    delete this.sockets[build];
  }

  builds() {
    return Object.keys({ ...this.sockets, ...this.retired });
  }

  async trigger(build, app, [workflowId, actionId, inputs]) {
    const body = { appId: app, workflowId, actionId };
    const { status, body: answer } = await this.ask(build, {
      mode: 'trigger', ...body, inputs, force: true, triggerId: `t-${(this.triggers += 1)}`,
    });
    if (status !== 202 && status !== 200) return { status, answer };
    const run = { ...body, build, runId: answer.runId };
    if (!this.runs.some((one) => one.runId === run.runId)) this.runs.push(run);
    return { status, run };
  }

  // Through any api, whoever accepted it.
  async poll(run, build = this.pick(this.builds())) {
    const { status, body } = await this.ask(build, named(run, 'poll'));
    if (status !== 200) {
      this.violations.push(`a poll of ${run.workflowId}.${run.actionId} through ${build} was answered ${status}`);
      return {};
    }
    if (body.reason === 'no_worker_for_version') this.declined += 1;
    if (body.phase && body.phase !== 'queued' && body.reason === 'no_worker_for_version')
      this.violations.push(`${run.appId} is ${body.phase} and says ${body.reason}`);
    return body;
  }

  async untilEnded(run, orElse = () => false) {
    const giveUp = Date.now() + END_MS;
    for (;;) {
      const status = await this.poll(run);
      if (status.runId !== run.runId || ['done', 'error'].includes(status.status) || orElse(status)) return status;
      // Clients of the two builds have worked on the same app: one does what its status asks for.
      // So does one where another client has cancelled what it needs.
      if (/^need/.test(status.reason) && /another build|which failed/.test(status.detail)) await this.makeAgain(run);
      if (Date.now() > giveUp) throw new Error(`${JSON.stringify(run)} did not end: ${JSON.stringify(status)}`);
      await sleep(100);
    }
  }

  async makeAgain({ appId, build }) {
    const { run } = await this.trigger(build, appId, WORK[build][0]);
    this.remade += run ? 1 : 0;
  }

  // What needs another step has that run by the same build first, unless it is done: perhaps by the other build.
  async work(app, build) {
    const what = this.pick(WORK[build]);
    const answer = await this.trigger(build, app, what);
    if (what[1] !== 'needs' || answer.status !== 409) return answer;
    const first = await this.trigger(build, app, WORK[build][0]);
    // Where no worker of this build has come yet, there is nothing to wait for.
    if (first.run) await this.untilEnded(first.run, ({ reason }) => reason === 'no_worker_for_version');
    return this.trigger(build, app, what);
  }

  // Until so many more are accepted.
  async load(count) {
    const enough = this.runs.length + count;
    const loader = async (number) => {
      for (let next = 0; this.runs.length < enough; next += 1) {
        // Each app is worked on by both builds in turn.
        const build = this.pick(Object.keys(this.sockets));
        const { status, answer } = await this.work(`app-${next % 3}-${number}`, build);
        if (status >= 500) this.violations.push(`a trigger was answered ${status} ${JSON.stringify(answer)}`);
        await sleep(this.random() * 100);
      }
    };
    await Promise.all(Array.from({ length: LOADERS }, (_, i) => loader(i)));
  }

  // What was accepted by the build that no worker has any more: some are cancelled, the rest wait for one.
  async cancelSome() {
    for (const run of this.runs) {
      const status = await this.poll(run);
      if (status.runId !== run.runId || status.reason !== 'no_worker_for_version' || this.cancelled > 20) continue;
      const build = this.pick(this.builds());
      const { status: code } = await this.ask(build, named(run, 'cancel'));
      if (code !== 202 && code !== 200) this.violations.push(`a cancel through ${build} was answered ${code}`);
      run.cancelled = true;
      this.cancelled += 1;
    }
  }

  async check() {
    for (const run of this.runs) {
      const status = await this.untilEnded(run);
      if (status.runId !== run.runId) continue; // another one came after it; its end is in the events
      if (status.status !== 'done' && !(run.cancelled && status.error.class === 'cancelled'))
        this.violations.push(`${JSON.stringify(run)} ended as ${JSON.stringify(status.error)}`);
      if (status.crashes > 0 || status.attempt > 1)
        this.violations.push(`${run.appId}: ${status.crashes} crashes, attempt ${status.attempt}`);
      for (const build of this.builds()) {
        if ((await this.poll(run, build)).runId !== run.runId)
          this.violations.push(`${build} does not show ${JSON.stringify(run)}`);
      }
    }
    for (const app of await this.cluster.apps()) {
      for (const { event, detail, run } of await this.cluster.events(app)) {
        if (/lost/.test(detail)) this.violations.push(`an event of ${app} says ${detail}`);
        if (event === 'error' && !this.runs.some((one) => one.runId === run && one.cancelled))
          this.violations.push(`a run of ${app} ended in error`);
      }
    }
    const dead = await this.cluster.redis('XLEN', 'slipway:{0}:dead');
    if (dead > 0) this.violations.push(`${dead} entries are dead`);
    const { faults, findings } = await this.cluster.verify();
    if (faults > 0) this.violations.push(`verify: ${JSON.stringify(findings.slice(0, 3))}`);
  }
}

// Each of these is one step of an update; they come in any order.
function updates(mixture) {
  const { cluster } = mixture;
  const replaceWorker = async () => {
    await Promise.all([cluster.stopWorker(cluster.workers[0]), cluster.startWorker({ executors: 3, variant: true })]);
  };
  return [replaceWorker, replaceWorker, () => mixture.startApi('after')];
}

async function checkUnknown(mixture) {
  const nothing = await mixture.ask('after', { mode: 'poll', appId: 'nobody', workflowId: 'builds-before' });
  const step = { appId: 'nobody', workflowId: 'builds', actionId: 'removed' };
  const answers = [
    nothing.status,
    (await mixture.ask('after', { mode: 'poll', ...step })).status,
    (await mixture.ask('after', { mode: 'cancel', ...step })).status,
    (await mixture.ask('after', { mode: 'trigger', ...step })).status,
  ];
  if (answers.some((status) => status !== 404)) mixture.violations.push(`of what nobody ran: ${answers.join(' ')}`);
  const known = mixture.runs.find(({ workflowId }) => workflowId === 'builds-before');
  const whole = { appId: known.appId, workflowId: known.workflowId };
  const { status, body } = await mixture.ask('after', { mode: 'poll', ...whole });
  if (status !== 200 || body.actions[0].actionId !== 'constant')
    mixture.violations.push(`a poll of the whole renamed workflow was answered ${status}`);
  const again = await mixture.ask('after', { mode: 'trigger', ...whole, actionId: 'constant' });
  if (again.status !== 404) mixture.violations.push(`a trigger of the renamed workflow was answered ${again.status}`);
}

export async function run({ runs }, random) {
  const cluster = await Cluster.start({ graceSeconds: 1, leaseSeconds: 30 });
  const mixture = new Mixture(cluster, random);
  await mixture.startApi('before');
  // One of the old build stays until nothing more is accepted for it.
  for (let i = 0; i < 3; i += 1) await cluster.startWorker({ executors: 3 });
  const steps = updates(mixture);
  const part = Math.ceil(runs / (steps.length + 2));
  await mixture.load(part);
  while (steps.length > 0) {
    const [step] = steps.splice(Math.floor(random() * steps.length), 1);
    await Promise.all([step(), mixture.load(part)]);
  }
  mixture.retireApi('before');
  await mixture.load(part);
  // What the old api accepts now has nobody, until a worker of the old build comes back.
  await Promise.all(cluster.workers.filter((worker) => !worker.variant).map((worker) => cluster.stopWorker(worker)));
  for (let i = 0; i < 10; i += 1) await mixture.trigger('before', `late-${i}`, WORK.before[i % 4]);
  const late = mixture.runs.find(({ appId }) => appId === 'late-0');
  await until(async () => (await mixture.poll(late)).reason === 'no_worker_for_version', 'the status says why');
  await mixture.cancelSome();
  await cluster.startWorker({ executors: 3 });
  await mixture.check();
  await checkUnknown(mixture);
  await cluster.stop();
  return {
    violations: mixture.violations,
    figure:
      `${mixture.runs.length} runs, ${mixture.cancelled} of them cancelled, ${mixture.remade} needs made again, ` +
      `${mixture.declined} polls said no_worker_for_version`,
  };
}
