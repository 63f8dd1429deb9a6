/**
 * A server that follows the HTTP contract as far as a client can see it, on a free loopback port.
 *
 * What an action does is a script: the statuses that it goes through, one a poll, the last one for good. A deployment
 * runs the scripts of all steps by itself, each when its needs are done. A poll that waits goes on until it shows
 * something new; `waits` may be 'refused', as by an older server, or 'ignored', as by one that holds too many. What
 * goes wrong is a fault: it takes the place of the next answer that it fits.
 */

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';

/** One after another, with two steps side by side in the middle. */
export const SITE = {
  id: 'site',
  summary: 'A website in a repository of its own, built at each push.',
  steps: [
    { id: 'repo', action: 'github.repository', summary: 'Create the repository', inputKey: 'repo', needs: [],
      input: { type: 'object', properties: { name: { type: 'string' } } } },
    { id: 'project', action: 'vercel.project', summary: 'Create the project', inputKey: 'project', needs: ['repo'],
      input: { type: 'object', properties: {} } },
    { id: 'webhook', action: 'github.webhook', summary: 'Set up the webhook', inputKey: 'webhook', needs: ['repo'],
      input: { type: 'object', properties: {} } },
    { id: 'deploy', action: 'vercel.deployment', summary: 'Deploy', inputKey: 'deploy', needs: ['project', 'webhook'],
      input: { type: 'object', properties: {} } },
  ],
};

const DONE = [{ phase: 'executing' }, { status: 'done', output: {} }];
const CONTENT_TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };

export async function startStub(options) {
  const stub = new Stub(options);
  await stub.listen();
  return stub;
}

export class Stub {
  /** Every request: method, mode, headers, query or body as `fields`. */
  requests = [];
  /** Scripts by action id; read at each new run. */
  scripts = {};
  #workflows;
  #folder;
  #states = new Map();
  #deployments = new Map();
  #started = 0;
  #payloads = new Map();
  #faults = [];
  /** The one that every request needs; null: none does. @type {string | null} */
  token = null;
  #watchers = [];
  #server = createServer((request, response) => void this.#handle(request, response));

  constructor({ workflows = [SITE], folder = null, waits = true } = {}) {
    this.waits = waits;
    this.#workflows = workflows;
    this.#folder = folder;
  }

  async listen(port = 0) {
    await new Promise((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
  }

  async close() {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /**
   * Puts `fault` in the place of the next answer to `mode` (start, retry, trigger, poll, configure, workflows, ...):
   * `{ status, headers, body }` answers that; `cut` closes the connection, in the middle of an answer if 'body';
   * `hang` never answers; `late` does what was asked before it fails.
   */
  fail(mode, fault, actionId = null) {
    this.#faults.push({ mode, fault, actionId });
  }

  /** Resolves with the first request, past or coming, that fits. */
  seen(fits) {
    const past = this.requests.find(fits);
    return past ? Promise.resolve(past) : new Promise((resolve) => this.#watchers.push({ fits, resolve }));
  }

  of(mode) {
    return this.requests.filter((request) => request.mode === mode);
  }

  /** What another client does that starts the same anew. */
  restart(appId, workflowId) {
    const { inputs } = this.#deployments.get(`${appId}:${workflowId}`);
    return this.#start({ appId, workflowId, inputs, startId: 'of another client', again: true });
  }

  /** What a server does that has lost its state. */
  forget() {
    this.#deployments.clear();
    this.#states.clear();
  }

  async #handle(request, response) {
    const url = new URL(request.url, this.url);
    if (!url.pathname.startsWith('/api/')) {
      await this.#sendFile(url.pathname, response);
      return;
    }
    const record = await readRequest(request, url);
    this.requests.push(record);
    const taken = this.#takeFault(record);
    const answer = taken === null || taken.late ? this.#answer(record) : null;
    if (taken === null) {
      send(response, answer.status, answer.headers, JSON.stringify(answer.content), record);
    } else {
      sendFault(response, taken);
    }
    this.#tellWatchers(record);
  }

  #tellWatchers(record) {
    const told = this.#watchers.filter((watcher) => watcher.fits(record));
    this.#watchers = this.#watchers.filter((watcher) => !told.includes(watcher));
    told.forEach((watcher) => watcher.resolve(record));
  }

  #takeFault({ mode, fields }) {
    const index = this.#faults.findIndex(
      (entry) => entry.mode === mode && (entry.actionId === null || entry.actionId === fields.actionId),
    );
    return index < 0 ? null : this.#faults.splice(index, 1)[0].fault;
  }

  #answer({ mode, fields, headers }) {
    if (this.token !== null && headers.authorization !== `Bearer ${this.token}`) {
      const remedy = { text: 'Give a token that an operator has made for you.' };
      return { status: 401, content: { class: 'unauthorized', detail: 'the request has no valid token', remedy } };
    }
    switch (mode) {
      case 'workflows':
        return { status: 200, content: { workflows: this.#workflows } };
      case 'poll':
        return this.#poll(fields, headers['if-none-match']);
      case 'start':
        return this.#start(fields);
      case 'retry':
        return this.#retry(fields);
      case 'skip':
        return this.#skip(fields);
      case 'trigger':
        return this.#trigger(fields);
      case 'validate':
        return this.#validate(fields);
      case 'configure':
        return this.#configure(fields);
      case 'cancel':
        return this.#cancel(fields);
      default:
        return problem(400, 'invalid_request', 'There is no such mode.');
    }
  }

  #steps(workflowId) {
    return this.#workflows.find((workflow) => workflow.id === workflowId)?.steps ?? [];
  }

  #state(appId, workflowId, actionId) {
    const key = `${appId}:${workflowId}:${actionId}`;
    if (!this.#states.has(key)) {
      this.#states.set(key, { runs: 0, rest: [], input: null, status: idleStatus(appId, workflowId, actionId) });
    }
    return this.#states.get(key);
  }

  #trigger({ appId, workflowId, actionId, inputs, force }) {
    const step = this.#steps(workflowId).find(({ id }) => id === actionId);
    if (step === undefined) {
      return problem(404, 'not_found', `There is no action "${actionId}".`);
    }
    const needs = step.needs.filter((need) => this.#state(appId, workflowId, need).status.status !== 'done');
    if (needs.length > 0) {
      return problem(409, 'needs_not_done', `Not done yet: ${needs.join(', ')}.`, { needs });
    }
    const state = this.#state(appId, workflowId, actionId);
    const input = JSON.stringify(inputs?.[step.inputKey] ?? this.#payload(appId).inputs[step.inputKey] ?? {});
    const same = state.input === input;
    if (state.status.status === 'running') {
      return same ? statusAnswer(state.status) : problem(409, 'run_in_progress', 'It runs with another input.');
    }
    if (state.status.status === 'done' && same && !force) {
      return statusAnswer({ ...state.status, reused: true });
    }
    startRun(state, input, this.scripts[actionId] ?? DONE);
    return { status: 202, content: state.status };
  }

  #poll({ appId, workflowId, actionId, wait }, known) {
    const steps = this.#steps(workflowId).filter((step) => actionId === undefined || step.id === actionId);
    if (steps.length === 0) {
      return problem(404, 'not_found', 'There is no such workflow or action.');
    }
    if (wait !== undefined && this.waits === 'refused') {
      return problem(400, 'invalid_request', 'the parameter is unknown');
    }
    const states = steps.map((step) => this.#state(appId, workflowId, step.id));
    let deployment;
    let statuses;
    let version;
    for (let looks = wait !== undefined && this.waits === true ? 20 : 1; looks > 0; looks -= 1) {
      states.forEach(advance);
      deployment = this.#settle(appId, workflowId);
      statuses = states.map((state) => state.status);
      version = statuses.reduce((sum, status) => sum + status.version, deployment?.version ?? 0);
      if (known !== `"v${version}"`) {
        break;
      }
    }
    const content = actionId === undefined ? { workflowId, appId, actions: statuses, deployment } : statuses[0];
    return { status: 200, headers: { ETag: `"v${version}"` }, content };
  }

  #begin(appId, workflowId, step, deployment) {
    const state = this.#state(appId, workflowId, step.id);
    startRun(state, JSON.stringify(deployment.inputs), this.scripts[step.id] ?? DONE);
    state.status = { ...state.status, deploymentId: deployment.content.deploymentId };
    state.waits = step.needs.length > 0;
    if (state.waits) {
      change(state, { phase: 'blocked', reason: 'needs', detail: `it waits for ${step.needs.join(', ')}` });
    }
  }

  #start({ appId, workflowId, inputs = {}, startId, replace, again = false }) {
    const steps = this.#steps(workflowId);
    const refused = this.#validate({ workflowId, inputs });
    if (steps.length === 0 || refused.status !== 200) {
      return steps.length === 0 ? problem(404, 'not_found', `There is no workflow "${workflowId}".`) : refused;
    }
    const key = `${appId}:${workflowId}`;
    const last = this.#deployments.get(key);
    const inputsDigest = JSON.stringify(inputs);
    const isLive = last?.content.status === 'running' && !again;
    if (last?.startId === startId || (isLive && last.content.inputsDigest === inputsDigest)) {
      return statusAnswer(last.content);
    }
    if (isLive && !replace) {
      return problem(409, 'run_conflict', 'It is deployed with different inputs.', { current: last.content });
    }
    const deploymentId = `deployment-${(this.#started += 1)}`;
    const content = { workflowId, appId, deploymentId, status: 'running', reason: null, definition: null,
      inputsDigest, actor: null, startedAt: new Date().toISOString(), retriedAt: null, finishedAt: null,
      version: (last?.content.version ?? 0) + 1 };
    const deployment = { inputs, startId, content };
    this.#deployments.set(key, deployment);
    steps.forEach((step) => this.#begin(appId, workflowId, step, deployment));
    return { status: 202, content };
  }

  #retry({ appId, workflowId }) {
    const deployment = this.#deployments.get(`${appId}:${workflowId}`);
    if (deployment === undefined) {
      return problem(404, 'not_found', 'There is no such deployment.');
    }
    const failed = this.#steps(workflowId)
      .filter((step) => this.#state(appId, workflowId, step.id).status.status === 'error');
    failed.forEach((step) => this.#begin(appId, workflowId, step, deployment));
    const change_ = { status: 'running', retriedAt: new Date().toISOString(), finishedAt: null };
    deployment.content = { ...deployment.content, ...change_, version: deployment.content.version + 1 };
    return { status: 202, content: deployment.content };
  }

  #skip({ appId, workflowId, actionId, output }) {
    const state = this.#state(appId, workflowId, actionId);
    state.rest = [];
    change(state, { status: 'done', output });
    return statusAnswer(state.status);
  }

  /** Lets steps go on whose needs are done, and says what has become of the whole. */
  #settle(appId, workflowId) {
    const deployment = this.#deployments.get(`${appId}:${workflowId}`);
    if (deployment === undefined) {
      return null;
    }
    const steps = this.#steps(workflowId);
    const statusOf = (id) => this.#state(appId, workflowId, id).status;
    const isFailed = (id) => statusOf(id).status === 'error' || statusOf(id).reason === 'need_failed';
    for (const step of steps) {
      const state = this.#state(appId, workflowId, step.id);
      if (!state.waits || state.status.status !== 'running') continue;
      const failed = step.needs.find(isFailed);
      if (step.needs.every((need) => statusOf(need).status === 'done')) {
        state.waits = false;
        change(state, { phase: 'queued', reason: null, detail: null });
      } else if ((failed !== undefined) !== (state.status.reason === 'need_failed')) {
        const detail = failed === undefined ? 'it waits' : `it needs ${failed}, which failed`;
        change(state, { reason: failed === undefined ? 'needs' : 'need_failed', detail });
      }
    }
    const words = steps.map(({ id }) => (isFailed(id) ? 'error' : statusOf(id).status));
    const status = ['running', 'error'].find((word) => words.includes(word)) ?? 'done';
    if (status !== deployment.content.status) {
      const finishedAt = status === 'running' ? null : new Date().toISOString();
      const version = deployment.content.version + 1;
      deployment.content = { ...deployment.content, status, finishedAt, version };
    }
    return deployment.content;
  }

  #validate({ workflowId, inputs = {} }) {
    const keys = new Set(this.#steps(workflowId).map((step) => step.inputKey));
    const errors = Object.keys(inputs).filter((key) => !keys.has(key))
      .map((key) => ({ place: `/inputs/${key}`, message: 'No step takes this input.' }));
    const refused = () => problem(422, 'invalid_input', `${errors.length} places are wrong.`, { errors });
    return errors.length > 0 ? refused() : { status: 200, content: { valid: true } };
  }

  #payload(appId) {
    return this.#payloads.get(appId) ?? { inputs: {}, config: {}, env: {}, secrets: {} };
  }

  #configure({ appId, mode: _mode, ...change }) {
    const payload = mergePatch(this.#payload(appId), change);
    this.#payloads.set(appId, payload);
    return { status: 200, content: { appId, ...payload, secrets: Object.keys(payload.secrets) } };
  }

  #cancel({ appId, workflowId, actionId }) {
    const deployment = this.#deployments.get(`${appId}:${workflowId}`);
    if (actionId === undefined && deployment !== undefined) {
      this.#steps(workflowId).forEach(({ id }) => this.#cancel({ appId, workflowId, actionId: id }));
      this.#settle(appId, workflowId);
      deployment.content = { ...deployment.content, reason: 'cancelled' };
      return { status: 202, content: deployment.content };
    }
    const state = this.#state(appId, workflowId, actionId);
    if (state.status.status !== 'running') {
      return statusAnswer(state.status);
    }
    state.rest = [];
    const error = { class: 'cancelled', retryable: false, message: 'Cancelled on request.' };
    change(state, { status: 'error', error });
    return { status: 202, content: state.status };
  }

  async #sendFile(path, response) {
    try {
      const name = normalize(path === '/' ? '/index.html' : path);
      const content = await readFile(join(this.#folder ?? '/nowhere', name));
      const type = CONTENT_TYPES[extname(name)] ?? 'application/octet-stream';
      send(response, 200, { 'Content-Type': type, 'Content-Security-Policy': "default-src 'self'" }, content);
    } catch {
      send(response, 404, { 'Content-Type': 'text/html' }, '<h1>Not Found</h1>');
    }
  }
}

export function problem(status, className, detail, more = {}) {
  const content = { type: 'about:blank', title: className, status, class: className, detail, ...more };
  return { status, headers: { 'Content-Type': 'application/problem+json' }, content };
}

function statusAnswer(content) {
  return { status: 200, content };
}

function idleStatus(appId, workflowId, actionId) {
  return {
    workflowId, appId, actionId, runId: null, status: 'idle', phase: null, reason: null, resumeAt: null, attempt: 0,
    version: 0, queuedAt: null, startedAt: null, finishedAt: null, output: {}, error: null, nextPollMs: 2000,
  };
}

function startRun(state, input, script) {
  const idle = idleStatus(state.status.appId, state.status.workflowId, state.status.actionId);
  state.runs += 1;
  state.input = input;
  state.waits = false;
  state.rest = [...(typeof script === 'function' ? script(state.runs) : script)];
  const { version } = state.status;
  state.status = { ...idle, version };
  const now = new Date().toISOString();
  change(state, { runId: `run-${state.runs}`, status: 'running', phase: 'queued', queuedAt: now, attempt: 1 });
}

function change(state, members) {
  const now = new Date().toISOString();
  const status = { ...state.status, ...members, version: state.status.version + 1 };
  status.startedAt ??= status.phase === 'queued' ? null : now;
  if (status.status === 'done' || status.status === 'error') {
    const ended = { phase: null, resumeAt: null, finishedAt: now, nextPollMs: null };
    Object.assign(status, ended, { reason: members.reason ?? null });
  }
  state.status = status;
}

/** `null` in a script is a poll that finds nothing new. */
function advance(state) {
  const next = state.waits ? null : state.rest.shift();
  if (next) {
    change(state, next);
  }
}

function mergePatch(target, patch) {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) {
    return patch;
  }
  const merged = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) {
      delete merged[name];
    } else {
      merged[name] = mergePatch(merged[name], value);
    }
  }
  return merged;
}

async function readRequest(request, url) {
  const { method, headers } = request;
  let text = '';
  for await (const chunk of request) {
    text += chunk;
  }
  if (method === 'GET') {
    const mode = url.pathname === '/api/workflows' ? 'workflows' : 'poll';
    return { method, mode, headers, fields: Object.fromEntries(url.searchParams) };
  }
  const fields = JSON.parse(text);
  return { method, mode: fields.mode, headers, fields };
}

function send(response, status, headers, body, record = null) {
  const unchanged = record?.headers['if-none-match'] !== undefined && record.headers['if-none-match'] === headers?.ETag;
  response.writeHead(unchanged ? 304 : status, { 'Content-Type': 'application/json', ...headers });
  response.end(unchanged ? undefined : body);
}

function sendFault(response, { status = 200, headers = {}, body = '', cut = false, hang = false }) {
  if (cut === 'body') {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '1000' });
    response.write('{"status":"do', () => response.destroy());
  } else if (cut) {
    response.destroy();
  } else if (!hang) {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    response.writeHead(status, headers);
    response.end(text);
  }
}
