// A client that believes nothing: it writes down every answer, triggers until it is acknowledged, polls until the end,
// and says what it saw go back.
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 150;

export class Client {
  constructor(cluster) {
    this.cluster = cluster;
    this.answers = []; // { at, took, status, mode }
    this.runs = new Map(); // app/action -> { app, action, acknowledgedAt, runId, version, status, endedAt, lost }
    this.violations = [];
    this.renewed = 0; // connections
  }

  violation(invariant, text) {
    this.violations.push(`${invariant}: ${text}`);
  }

  async post(body, sent = 1) {
    const at = Date.now();
    let status = 0;
    let answer = {};
    try {
      const response = await fetch(`${this.cluster.url}/api/deploy`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      status = response.status;
      answer = (await response.json()) ?? {}; // null: there is no deployment
    } catch (error) {
      answer = { detail: String(error.cause ?? error) };
    }
    // nginx closed a kept connection just as the request went out on it: as a browser does, it goes out on another one.
    if (status === 0 && sent < 4 && /other side closed|ECONNRESET/.test(answer.detail)) {
      this.renewed += 1;
      return this.post(body, sent + 1);
    }
    const took = Date.now() - at;
    this.answers.push({ at, took, status, mode: body.mode, detail: answer.detail });
    return { status, answer, took };
  }

  // Triggers until somebody says that it is accepted.
  async trigger(app, action, inputs, { workflow = 'faults', boundMs = 60000 } = {}) {
    const giveUp = Date.now() + boundMs;
    for (;;) {
      const { status, answer } = await this.post({
        mode: 'trigger',
        appId: app,
        workflowId: workflow,
        actionId: action,
        inputs,
      });
      if (status === 202 || status === 200) {
        const run = {
          app,
          action,
          workflow,
          acknowledgedAt: Date.now(),
          runId: answer.runId,
          version: answer.version,
          status: answer.status,
        };
        this.runs.set(`${app}/${action}`, run);
        return run;
      }
      if (status !== 503 && status !== 504 && status !== 0) {
        throw new Error(`trigger of ${app} ${action} was answered ${status} ${JSON.stringify(answer)}`);
      }
      if (Date.now() > giveUp) throw new Error(`trigger of ${app} ${action} was not accepted in time`);
      await sleep(100);
    }
  }

  // The same trigger once more is the same run.
  async triggerAgain(run, inputs) {
    const { status, answer } = await this.post({
      mode: 'trigger',
      appId: run.app,
      workflowId: run.workflow,
      actionId: run.action,
      inputs,
    });
    if (status === 200 && answer.runId !== run.runId)
      this.violation('I3', `${run.app} ${run.action}: a second trigger gave ${answer.runId} beside ${run.runId}`);
    if (status === 202) this.violation('I3', `${run.app} ${run.action}: a second trigger began a second run`);
  }

  // What a poll may show after what was seen before.
  observe(run, seen, mayGoBack) {
    const name = `${run.app} ${run.action}`;
    if (mayGoBack && (seen.runId !== run.runId || seen.version < run.version)) run.wentBack = true;
    else if (seen.runId !== run.runId) this.violation('I2', `${name}: run ${run.runId} became ${seen.runId}`);
    else if (seen.version < run.version)
      this.violation('I2', `${name}: version ${run.version} became ${seen.version}`);
    else if (run.status !== 'running' && seen.status !== run.status)
      this.violation('I2', `${name}: ${run.status} became ${seen.status}`);
    run.version = seen.version;
    run.status = seen.status;
    run.error = seen.error;
    run.phase = seen.phase;
    run.attempt = seen.attempt;
    run.crashes = seen.crashes;
    run.output = seen.output;
  }

  async poll(run, { mayGoBack = false } = {}) {
    const { status, answer } = await this.post({
      mode: 'poll',
      appId: run.app,
      workflowId: run.workflow,
      actionId: run.action,
    });
    if (status === 200) this.observe(run, answer, mayGoBack);
    return status;
  }

  // Polls to the end; false where it does not come within the bound.
  async follow(run, { boundMs = 60000, mayGoBack = false } = {}) {
    const giveUp = Date.now() + boundMs;
    while (Date.now() < giveUp) {
      await this.poll(run, { mayGoBack });
      if (run.status === 'done' || run.status === 'error') {
        run.endedAt = Date.now();
        // As it stands now it is to stay.
        if (!mayGoBack) run.ended = await this.cluster.hash(run.app, run.workflow, run.action).catch(() => undefined);
        return true;
      }
      if (mayGoBack && run.status === 'idle') {
        run.lost = true;
        return true;
      }
      await sleep(POLL_MS);
    }
    this.violation('I1', `${run.app} ${run.action} has not ended: ${run.status} ${run.phase}`);
    return false;
  }

  async run(app, action, inputs, options = {}) {
    const run = await this.trigger(app, action, inputs, options);
    if (options.twice) await this.triggerAgain(run, inputs);
    await this.follow(run, options);
    return run;
  }

  object(app, options) {
    return this.run(app, 'object', { object: { name: app } }, options);
  }

  // Makes `count` objects, some at a time; gives their runs in any order.
  async objects(prefix, count, { concurrency = 24, ...options } = {}) {
    const runs = [];
    let next = 0;
    const one = async () => {
      while (next < count) {
        next += 1;
        runs.push(await this.object(`${prefix}-${next}`, options));
      }
    };
    await Promise.all(Array.from({ length: Math.min(concurrency, count) }, one));
    return runs;
  }
}
