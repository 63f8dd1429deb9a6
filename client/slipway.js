/**
 * The Slipway client, for browsers and Node 18 or later. No dependencies.
 *
 *   import { triggerAndPollAction } from './slipway.js';
 *   const status = await triggerAndPollAction('site', 'acme-docs', 'repo', { token });
 *
 * The types in slipway.d.ts are the manual. Three decisions shape this file:
 *
 * - Every request of the contract may be sent twice without harm (a trigger meets the single flight of the
 *   server, configure is a merge, cancel of nothing is nothing). So every request is patient: a cut connection,
 *   429, 502, 503 or 504 is tried again until `patienceMs` of uninterrupted failure have passed.
 * - A failure to hear about an action is never a failure of the action: they are different error classes.
 * - Whoever aborts gets an answer at once, and no timer or listener stays behind in any case.
 *
 * @typedef {import('./slipway.js').Status} Status
 * @typedef {import('./slipway.js').Workflow} Workflow
 * @typedef {import('./slipway.js').WorkflowStatus} WorkflowStatus
 * @typedef {import('./slipway.js').Problem} Problem
 * @typedef {import('./slipway.js').Clock} Clock
 * @typedef {import('./slipway.js').ClientOptions} ClientOptions
 * @typedef {import('./slipway.js').RequestOptions} RequestOptions
 * @typedef {import('./slipway.js').TriggerOptions} TriggerOptions
 * @typedef {import('./slipway.js').Deployment} Deployment
 * @typedef {import('./slipway.js').StartOptions} StartOptions
 * @typedef {import('./slipway.js').RetryOptions} RetryOptions
 * @typedef {import('./slipway.js').CancelOptions} CancelOptions
 * @typedef {import('./slipway.js').FollowOptions} FollowOptions
 * @typedef {import('./slipway.js').WorkflowOptions} WorkflowOptions
 * @typedef {import('./slipway.js').WatchOptions} WatchOptions
 * @typedef {import('./slipway.js').PlanOptions} PlanOptions
 * @typedef {import('./slipway.js').Plan} Plan
 * @typedef {import('./slipway.js').Configuration} Configuration
 * @typedef {import('./slipway.js').ConfigureResult} ConfigureResult
 * @typedef {import('./slipway.js').ValidateOptions} ValidateOptions
 * @typedef {import('./slipway.js').ListOptions} ListOptions
 * @typedef {import('./slipway.js').App} App
 * @typedef {import('./slipway.js').ListedApp} ListedApp
 * @typedef {import('./slipway.js').DeploymentRecord} DeploymentRecord
 * @typedef {import('./slipway.js').EndedRun} EndedRun
 * @typedef {import('./slipway.js').Resource} Resource
 * @typedef {import('./slipway.js').AppEvent} AppEvent
 * @typedef {import('./slipway.js').Worker} Worker
 *
 * @typedef {{ etag: string | null, content: any }} Answer
 * @typedef {{ method: string, url: string, headers: Headers, body?: string, known?: Answer }} Request
 */

const DEFAULT_POLL_MS = 2000;
const DEFAULT_PATIENCE_MS = 120_000;
const DEFAULT_REQUEST_TIMEOUT_MS = 30_000;

/** A server that hints at next to nothing must not make us spin. */
const SHORTEST_HINT_MS = 20;

const LONGEST_BACKOFF_MS = 30_000;

/** setTimeout fires at once above this. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** So many polls in a row may show a deployment that has ended, and steps of another one. */
const MOST_STRAYS = 3;

/** Answers kept to be compared by ETag; the oldest goes first. */
const KNOWN_ANSWERS = 256;

/** These say nothing about the request itself, only that it was a bad moment. */
const PASSING_STATUS = new Set([429, 502, 503, 504]);

export class SlipwayError extends Error {
  /**
   * @param {string} message
   * @param {{ cause?: unknown, retryable?: boolean }} [options]
   */
  constructor(message, { cause, retryable = false } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'SlipwayError';
    this.retryable = retryable;
    /** @type {Record<string, Status> | undefined} */
    this.statuses = undefined;
    /** @type {Record<string, unknown> | undefined} */
    this.failures = undefined;
  }
}

export class ProblemError extends SlipwayError {
  /**
   * @param {number} status
   * @param {Problem} problem
   * @param {number | null} [retryAfterMs]
   */
  constructor(status, problem, retryAfterMs = null) {
    const title = asText(problem.title) || `HTTP ${status}`;
    const detail = asText(problem.detail);
    super(detail || title, { retryable: PASSING_STATUS.has(status) });
    this.name = 'ProblemError';
    this.status = status;
    this.class = asText(problem.class) || null;
    this.type = asText(problem.type) || 'about:blank';
    this.title = title;
    this.detail = detail;
    this.errors = Array.isArray(problem.errors) ? problem.errors : [];
    this.needs = Array.isArray(problem.needs) ? problem.needs : [];
    this.current = isObject(problem.current) ? /** @type {any} */ (problem.current) : null;
    this.remedy = isObject(problem.remedy) ? problem.remedy : null;
    this.retryAfterMs = retryAfterMs;
  }
}

export class ActionError extends SlipwayError {
  /** @param {Status} status */
  constructor(status) {
    const error = status.error ?? { class: 'internal', retryable: false, message: '', remedy: null };
    super(error.message || `The action "${status.actionId}" failed.`, { retryable: error.retryable === true });
    this.name = 'ActionError';
    this.status = status;
    this.error = error;
  }
}

/** @param {string} appId */
const pathOf = (appId) => `/api/apps/${encodeURIComponent(appId)}`;

export class SlipwayClient {
  #baseUrl;
  #token;
  #fetch;
  #pollMs;
  #patienceMs;
  #requestTimeoutMs;
  #clock;
  /** @type {Map<string, Answer>} */
  #known = new Map();

  /** @param {ClientOptions} [options] */
  constructor(options = {}) {
    this.#baseUrl = checkedBaseUrl(options.baseUrl ?? '', options.fetch !== undefined);
    this.#token = options.token;
    this.#fetch = options.fetch ?? defaultFetch;
    this.#pollMs = options.pollMs;
    this.#patienceMs = options.patienceMs ?? DEFAULT_PATIENCE_MS;
    this.#requestTimeoutMs = options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * @param {RequestOptions} [options]
   * @returns {Promise<Workflow[]>}
   */
  async workflows(options = {}) {
    const { content } = await this.#send(this.#get('/api/workflows'), options);
    if (!Array.isArray(content.workflows)) {
      throw new SlipwayError('The response has no list of workflows. Is this the address of a Slipway server?');
    }
    return content.workflows;
  }

  /**
   * @param {string} workflowId
   * @param {string} appId
   * @param {string} actionId
   * @param {TriggerOptions} [options]
   * @returns {Promise<Status>}
   */
  async trigger(workflowId, appId, actionId, options = {}) {
    const { inputs, force, hold, configVersion, triggerId = force ? madeUpId() : undefined } = options;
    const request = { mode: 'trigger', workflowId, appId, actionId, inputs, force, hold, triggerId, configVersion };
    return (await this.#send(this.#post(request), options)).content;
  }

  /**
   * @param {string} workflowId
   * @param {string} appId
   * @param {ValidateOptions} [options]
   * @returns {Promise<void>}
   */
  async validate(workflowId, appId, options = {}) {
    const { inputs, config, env, secrets } = options;
    const request = { mode: 'validate', workflowId, appId, inputs, config, env, secrets };
    await this.#send(this.#post(request), options);
  }

  /**
   * @param {string} workflowId
   * @param {string} appId
   * @param {string | null} [actionId]
   * @param {RequestOptions} [options]
   * @returns {Promise<any>} a Status, or a WorkflowStatus without an actionId
   */
  async poll(workflowId, appId, actionId = null, options = {}) {
    const query = new URLSearchParams(actionId === null ? { appId, workflowId } : { appId, workflowId, actionId });
    const path = `/api/deploy?${query}`;
    const answer = await this.#send(this.#get(path, this.#known.get(path)), options);
    this.#remember(path, answer);
    return answer.content;
  }

  /**
   * @param {string} appId
   * @param {Configuration} configuration
   * @param {RequestOptions} [options]
   * @returns {Promise<ConfigureResult>}
   */
  async configure(appId, configuration, options = {}) {
    const { inputs, config, env, secrets } = configuration;
    return (await this.#send(this.#post({ mode: 'configure', appId, inputs, config, env, secrets }), options)).content;
  }

  /**
   * @param {string} workflowId
   * @param {string} appId
   * @param {string | null} [actionId]
   * @param {CancelOptions} [options]
   * @returns {Promise<any>} a Status, or a Deployment without an actionId
   */
  async cancel(workflowId, appId, actionId = null, options = {}) {
    const { deploymentId } = options;
    const request = { mode: 'cancel', workflowId, appId, actionId: actionId ?? undefined, deploymentId };
    return (await this.#send(this.#post(request), options)).content;
  }

  /**
   * @param {string} workflowId
   * @param {string} appId
   * @param {StartOptions} [options]
   * @returns {Promise<Deployment>}
   */
  async start(workflowId, appId, options = {}) {
    const { inputs, after, startId = madeUpId(), replace, force, plan, configVersion } = options;
    const request = { mode: 'start', workflowId, appId, inputs, after, startId, replace, force, plan, configVersion };
    return (await this.#send(this.#post(request), options)).content;
  }

  /**
   * @param {string} workflowId
   * @param {string} appId
   * @param {RetryOptions} [options]
   * @returns {Promise<Deployment>}
   */
  async retry(workflowId, appId, options = {}) {
    const { deploymentId, inputs, startId = madeUpId() } = options;
    const request = { mode: 'retry', workflowId, appId, deploymentId, inputs, startId };
    return (await this.#send(this.#post(request), options)).content;
  }

  /**
   * @param {string} workflowId
   * @param {string} appId
   * @param {string} actionId
   * @param {Record<string, unknown>} output
   * @param {RequestOptions} [options]
   * @returns {Promise<Status>}
   */
  async skip(workflowId, appId, actionId, output, options = {}) {
    const request = { mode: 'skip', workflowId, appId, actionId, output };
    return (await this.#send(this.#post(request), options)).content;
  }

  /**
   * @param {string} workflowId
   * @param {string} appId
   * @param {string} actionId
   * @param {FollowOptions} [options]
   * @returns {Promise<Status>}
   */
  async triggerAndPollAction(workflowId, appId, actionId, options = {}) {
    return this.#follow(await this.trigger(workflowId, appId, actionId, options), options);
  }

  /**
   * @param {string} workflowId
   * @param {string} appId
   * @param {PlanOptions} [options]
   * @returns {Promise<Plan>}
   */
  async plan(workflowId, appId, options = {}) {
    const { inputs, config, env } = options;
    const request = { mode: 'plan', workflowId, appId, inputs, config, env };
    const { content } = await this.#send(this.#post(request), options);
    const { output } = await this.#follow(content, options);
    return /** @type {any} */ (output);
  }

  /**
   * @param {Status} first
   * @param {FollowOptions} options
   * @returns {Promise<Status>} the status, once done
   */
  async #follow(first, options) {
    const report = statusReporter(options);
    for (let status = first; ; ) {
      report(status);
      if (isFinal(status)) {
        return status;
      }
      await this.#clock.sleep(this.#pollDelay(status, options), options.signal);
      status = await this.poll(first.workflowId, first.appId, first.actionId, options);
    }
  }

  /**
   * @param {string} workflowId
   * @param {string} appId
   * @param {WorkflowOptions} [options]
   * @returns {Promise<Record<string, Status>>}
   */
  async runWorkflow(workflowId, appId, options = {}) {
    const deployment = await this.start(workflowId, appId, options);
    return this.#watch(new DeploymentWatch(deployment, options), options);
  }

  /**
   * @param {string} workflowId
   * @param {string} appId
   * @param {WatchOptions} [options]
   * @returns {Promise<Record<string, Status>>}
   */
  async watchWorkflow(workflowId, appId, options = {}) {
    const { deployment } = await this.poll(workflowId, appId, null, options);
    if (deployment === null) {
      throw new SlipwayError(`"${appId}" has no deployment of "${workflowId}" that could be watched.`);
    }
    return this.#watch(new DeploymentWatch(deployment, { ...options, whichever: true }), options);
  }

  /**
   * @param {DeploymentWatch} watch
   * @param {WatchOptions} options
   * @returns {Promise<Record<string, Status>>} the statuses, once all are done
   */
  async #watch(watch, options) {
    for (;;) {
      const answer = await this.poll(watch.workflowId, watch.appId, null, options);
      if (watch.take(answer)) {
        return watch.result();
      }
      await this.#clock.sleep(this.#pollDelay(soonest(answer), options), options.signal);
    }
  }

  /**
   * @param {ListOptions} [options]
   * @returns {Promise<{ apps: ListedApp[], next: string | null }>}
   */
  async apps(options = {}) {
    return this.#list('/api/apps', options);
  }

  /**
   * @param {string} appId
   * @param {RequestOptions} [options]
   * @returns {Promise<App>}
   */
  async app(appId, options = {}) {
    return (await this.#send(this.#get(pathOf(appId)), options)).content;
  }

  /**
   * @param {string} appId
   * @param {ListOptions} [options]
   * @returns {Promise<{ deployments: DeploymentRecord[], next: string | null }>}
   */
  async deployments(appId, options = {}) {
    return this.#list(`${pathOf(appId)}/deployments`, options);
  }

  /**
   * @param {string} appId
   * @param {ListOptions} [options]
   * @returns {Promise<{ runs: EndedRun[], next: string | null }>}
   */
  async history(appId, options = {}) {
    return this.#list(`${pathOf(appId)}/history`, options);
  }

  /**
   * @param {string} appId
   * @param {ListOptions} [options]
   * @returns {Promise<{ resources: Resource[], next: string | null }>}
   */
  async resources(appId, options = {}) {
    return this.#list(`${pathOf(appId)}/resources`, options);
  }

  /**
   * @param {string} appId
   * @param {ListOptions} [options]
   * @returns {Promise<{ events: AppEvent[], next: string | null }>}
   */
  async events(appId, options = {}) {
    return this.#list(`${pathOf(appId)}/events`, options);
  }

  /**
   * @param {RequestOptions} [options]
   * @returns {Promise<Worker[]>}
   */
  async workers(options = {}) {
    return (await this.#send(this.#get('/api/workers'), options)).content.workers;
  }

  /**
   * @param {string} path
   * @param {ListOptions} options
   * @returns {Promise<any>} one page
   */
  async #list(path, options) {
    const query = new URLSearchParams();
    const { limit, after, workflowId, status } = options;
    for (const [name, value] of Object.entries({ limit, after, workflowId, status })) {
      if (value !== undefined && value !== null) {
        query.set(name, String(value));
      }
    }
    return (await this.#send(this.#get(`${path}?${query}`.replace(/\?$/, '')), options)).content;
  }

  /**
   * @param {string} path
   * @param {Answer} [known]
   * @returns {Request}
   */
  #get(path, known) {
    const headers = this.#headers();
    if (known?.etag) {
      headers.set('If-None-Match', known.etag);
    }
    return { method: 'GET', url: this.#baseUrl + path, headers, known };
  }

  /**
   * @param {Record<string, unknown>} content members that are undefined are not sent
   * @returns {Request}
   */
  #post(content) {
    const headers = this.#headers();
    headers.set('Content-Type', 'application/json');
    return { method: 'POST', url: `${this.#baseUrl}/api/deploy`, headers, body: JSON.stringify(content) };
  }

  #headers() {
    const headers = new Headers({ Accept: 'application/json, application/problem+json' });
    if (this.#token) {
      headers.set('Authorization', `Bearer ${this.#token}`);
    }
    return headers;
  }

  /**
   * Sends until there is an answer, or the patience is over.
   *
   * @param {Request} request
   * @param {RequestOptions} options
   * @returns {Promise<Answer>}
   */
  async #send(request, { signal, patienceMs = this.#patienceMs, pollMs, onRetry }) {
    const firstSent = this.#clock.now();
    const shortest = pollMs ?? this.#pollMs ?? DEFAULT_POLL_MS;
    for (let failures = 0; ; failures += 1) {
      throwIfAborted(signal);
      try {
        return await this.#sendOnce(request, signal);
      } catch (error) {
        throwIfAborted(signal);
        if (!(error instanceof SlipwayError) || !error.retryable) {
          throw error;
        }
        const failingMs = this.#clock.now() - firstSent;
        if (failingMs >= patienceMs) {
          throw failures === 0 ? error : patienceOver(error, failingMs);
        }
        const waitMs = askedWait(error) ?? Math.min(backoff(failures, shortest), patienceMs - failingMs);
        onRetry?.({ error, waitMs, failingMs });
        await this.#clock.sleep(waitMs, signal);
      }
    }
  }

  /**
   * @param {Request} request
   * @param {AbortSignal} [signal]
   * @returns {Promise<Answer>}
   */
  #sendOnce({ method, url, headers, body, known }, signal) {
    return withDeadline(this.#requestTimeoutMs, signal, async (innerSignal) => {
      let response;
      let text;
      try {
        // The ETag is compared here, so the browser's cache must not answer; and a redirect must not carry the
        // token elsewhere or turn a trigger into a GET.
        const init = { method, headers, body, signal: innerSignal };
        response = await this.#fetch(url, { ...init, cache: 'no-store', redirect: 'manual' });
        text = await response.text();
      } catch (cause) {
        throw new SlipwayError('The server could not be reached.', { cause, retryable: true });
      }
      return readAnswer(response, text, known);
    });
  }

  /**
   * @param {string} path
   * @param {Answer} answer
   */
  #remember(path, answer) {
    this.#known.delete(path);
    if (answer.etag === null) {
      return;
    }
    this.#known.set(path, answer);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= KNOWN_ANSWERS) {
        break;
      }
      this.#known.delete(oldest);
    }
  }

  /**
   * @param {{ nextPollMs?: number | null }} status
   * @param {RequestOptions} options
   * @returns {number}
   */
  #pollDelay(status, options) {
    const chosen = options.pollMs ?? this.#pollMs;
    if (chosen !== undefined) {
      return chosen;
    }
    const hint = status.nextPollMs;
    return typeof hint === 'number' && hint > 0 ? Math.max(hint, SHORTEST_HINT_MS) : DEFAULT_POLL_MS;
  }
}

/**
 * @param {string} workflowId
 * @param {string} appId
 * @param {string} actionId
 * @param {ClientOptions & FollowOptions} [options]
 * @returns {Promise<Status>}
 */
export async function triggerAndPollAction(workflowId, appId, actionId, options = {}) {
  return new SlipwayClient(options).triggerAndPollAction(workflowId, appId, actionId, options);
}

/**
 * @param {string} workflowId
 * @param {string} appId
 * @param {ClientOptions & WorkflowOptions} [options]
 * @returns {Promise<Record<string, Status>>}
 */
export async function runWorkflow(workflowId, appId, options = {}) {
  return new SlipwayClient(options).runWorkflow(workflowId, appId, options);
}

/**
 * @param {string} workflowId
 * @param {string} appId
 * @param {ClientOptions & WatchOptions} [options]
 * @returns {Promise<Record<string, Status>>}
 */
export async function watchWorkflow(workflowId, appId, options = {}) {
  return new SlipwayClient(options).watchWorkflow(workflowId, appId, options);
}

/* Answers */

/**
 * @param {Response} response
 * @param {string} text
 * @param {Answer} [known]
 * @returns {Answer}
 */
function readAnswer(response, text, known) {
  if (response.status === 304 && known !== undefined) {
    return known;
  }
  if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) {
    throw new SlipwayError(`The server redirects${redirectTarget(response)}. Set baseUrl to its real address.`);
  }
  const content = parseObject(text);
  if (!response.ok) {
    throw new ProblemError(response.status, content ?? unreadableProblem(response), retryAfterMs(response.headers));
  }
  if (content === null) {
    // A body cut short, or a proxy's page: either may be gone in a moment.
    throw new SlipwayError('The response of the server is not a JSON object.', { retryable: true });
  }
  return { etag: response.headers.get('ETag'), content };
}

/**
 * @param {string} text
 * @returns {any}
 */
function parseObject(text) {
  try {
    const content = JSON.parse(text);
    return isObject(content) ? content : null;
  } catch {
    return null;
  }
}

/**
 * Something between us and the server answered: its page is of no use to a reader.
 *
 * @param {Response} response
 * @returns {Problem}
 */
function unreadableProblem(response) {
  const title = response.statusText || `HTTP ${response.status}`;
  return { title, detail: `The server responded with ${response.status} (${title}) and gave no reason.` };
}

/** @param {Response} response */
function redirectTarget(response) {
  const location = response.headers.get('Location');
  return location === null ? '' : ` to ${location}`;
}

/**
 * @param {Headers} headers
 * @returns {number | null}
 */
function retryAfterMs(headers) {
  const value = headers.get('Retry-After')?.trim() ?? '';
  if (/^\d+$/.test(value)) {
    return Number(value) * 1000;
  }
  // Date.parse takes almost anything for a date, so it must look like one of HTTP's.
  if (!/^[A-Z][a-z]{2,8},? /.test(value)) {
    return null;
  }
  // Measured on the server's own clock where it tells it, for ours may be wrong.
  const now = Date.parse(headers.get('Date') ?? '') || Date.now();
  const wait = Date.parse(value) - now;
  return Number.isNaN(wait) ? null : Math.max(wait, 0);
}

/* Patience */

/**
 * @param {SlipwayError} error
 * @returns {number | null} null where the server asked for nothing, or for no wait at all
 */
function askedWait(error) {
  return (error instanceof ProblemError && error.retryAfterMs) || null;
}

/**
 * Doubles, and is spread over its upper half so that many clients do not come back together.
 *
 * @param {number} failures
 * @param {number} shortest
 */
function backoff(failures, shortest) {
  const full = Math.min(shortest * 2 ** failures, Math.max(LONGEST_BACKOFF_MS, shortest));
  return full * (0.5 + Math.random() / 2);
}

/**
 * @param {SlipwayError} cause
 * @param {number} failingMs
 */
function patienceOver(cause, failingMs) {
  const seconds = Math.round(failingMs / 1000);
  return new SlipwayError(`No usable response for ${seconds} s: ${cause.message}`, { cause, retryable: true });
}

/**
 * Runs `work` with a signal that fires at the deadline or with the caller's. Does not rely on `work` to obey it.
 *
 * @template T
 * @param {number} milliseconds
 * @param {AbortSignal | undefined} signal
 * @param {(signal: AbortSignal) => Promise<T>} work
 * @returns {Promise<T>}
 */
async function withDeadline(milliseconds, signal, work) {
  const controller = new AbortController();
  /** @type {(reason: unknown) => void} */
  let cut = () => {};
  const cutOff = new Promise((_, reject) => {
    cut = (reason) => {
      reject(reason);
      controller.abort(reason);
    };
  });
  const onAbort = () => cut(signal?.reason);
  const onDeadline = () => cut(new SlipwayError('The server did not respond in time.', { retryable: true }));
  const timer = setTimeout(onDeadline, Math.min(milliseconds, LONGEST_TIMER_MS));
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work(controller.signal), /** @type {Promise<never>} */ (cutOff)]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

/** @type {Clock} */
const systemClock = {
  now: () => performance.now(),
  sleep: (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const onTime = () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const timer = setTimeout(onTime, Math.min(milliseconds, LONGEST_TIMER_MS));
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};

/** @param {AbortSignal} [signal] */
function throwIfAborted(signal) {
  if (signal?.aborted) {
    throw signal.reason;
  }
}

/* Statuses */

/**
 * Words that we do not know are taken for a kind of running: the contract promises no more than these four.
 *
 * @param {Status} status
 * @returns {boolean}
 */
function isFinal(status) {
  if (status.status === 'error') {
    throw new ActionError(status);
  }
  if (status.status === 'idle') {
    // Only lost or deleted state looks like this after a trigger, and it would never end.
    throw new SlipwayError(`The server no longer knows the run of "${status.actionId}". Trigger it again.`);
  }
  return status.status === 'done';
}

/**
 * @param {FollowOptions} options
 * @returns {(status: Status) => void}
 */
function statusReporter({ onStatus, onChange }) {
  /** @type {Status | null} */
  let last = null;
  return (status) => {
    const changed = last === null || last.version !== status.version || last.runId !== status.runId ||
      last.reason !== status.reason;
    last = status;
    onStatus?.(status);
    if (changed) {
      onChange?.(status);
    }
  };
}

/* Deployments */

/**
 * What is known of a deployment, from poll to poll. Another client may start the workflow again meanwhile: the same
 * inputs are watched on, for it is what was asked for; what was made of others must not pass for ours.
 */
class DeploymentWatch {
  /** @type {Deployment} */
  #deployment;
  #options;
  /** @type {Map<string, Status>} */
  #statuses = new Map();
  /** @type {Map<string, SlipwayError>} */
  #failures = new Map();
  /** The runs of this deployment that were seen, by step. @type {Map<string, string | null>} */
  #runs = new Map();
  #strays = 0;

  /**
   * @param {Deployment} deployment
   * @param {WatchOptions & { whichever?: boolean }} options `whichever` is the latest one, whatever its inputs are
   */
  constructor(deployment, options) {
    this.workflowId = deployment.workflowId;
    this.appId = deployment.appId;
    this.#deployment = deployment;
    this.#options = options;
    options.onDeployment?.(deployment);
  }

  /**
   * @param {WorkflowStatus} answer
   * @returns {boolean} whether it has ended
   */
  take({ actions, deployment }) {
    this.#takeDeployment(deployment);
    actions.forEach((status) => this.#takeStatus(status));
    const { status, deploymentId } = this.#deployment;
    if (status !== 'done' && status !== 'error') {
      return false;
    }
    // A poll does not read all of it at one moment, so only what stays so counts.
    const stray = this.#options.whichever ? undefined : actions.find((one) => one.deploymentId !== deploymentId);
    this.#strays = stray === undefined ? 0 : this.#strays + 1;
    if (stray !== undefined && this.#strays >= MOST_STRAYS) {
      throw ranAgain(stray);
    }
    return stray === undefined;
  }

  /** @returns {Record<string, Status>} the statuses by step, in the order of the steps */
  result() {
    const statuses = Object.fromEntries(this.#statuses);
    if (this.#deployment.status === 'done') {
      return statuses;
    }
    const first = [...this.#failures.values()][0];
    const error = first ?? new SlipwayError(`The deployment of "${this.appId}" by "${this.workflowId}" has failed.`);
    error.statuses = statuses;
    error.failures = Object.fromEntries(this.#failures);
    throw error;
  }

  /** @param {Deployment | null} seen */
  #takeDeployment(seen) {
    const { appId, workflowId } = this;
    if (seen === null) {
      throw new SlipwayError(`The server no longer knows the deployment of "${appId}". Start it again.`);
    }
    const ours = this.#deployment;
    if (!this.#options.whichever && seen.inputsDigest !== ours.inputsDigest) {
      const what = `Another client has started "${workflowId}" for "${appId}" with other inputs.`;
      throw new SlipwayError(`${what} Wait until it has finished, check what it deployed, and run the workflow again.`);
    }
    this.#deployment = seen;
    if (seen.deploymentId !== ours.deploymentId || seen.version !== ours.version) {
      this.#runs.clear(); // it was retried, or started anew
      this.#options.onDeployment?.(seen);
    }
  }

  /** @param {Status} status */
  #takeStatus(status) {
    const { onStatus, onChange, onFailure, whichever } = this.#options;
    const id = status.actionId;
    const before = this.#statuses.get(id);
    const run = this.#runs.get(id);
    this.#statuses.set(id, status);
    if (!whichever && run !== undefined && run !== status.runId && status.reason !== 'given') {
      throw ranAgain(status);
    }
    const isOurs = status.deploymentId === this.#deployment.deploymentId;
    if (isOurs) {
      this.#runs.set(id, status.runId);
    }
    onStatus?.(status);
    if (before !== undefined && before.version === status.version && before.runId === status.runId) {
      return;
    }
    onChange?.(status);
    this.#failures.delete(id);
    if (isOurs && status.status === 'error') {
      const error = new ActionError(status);
      this.#failures.set(id, error);
      onFailure?.(id, error);
    }
  }
}

/**
 * What another client runs has an input of its own: its result must not pass for ours.
 *
 * @param {Status} status
 */
function ranAgain({ actionId, appId }) {
  const what = `Another client has run "${actionId}" of "${appId}" again.`;
  return new SlipwayError(`${what} Wait until it has finished, check what it deployed, and run the workflow again.`);
}

/**
 * @param {WorkflowStatus} answer
 * @returns {{ nextPollMs: number | null }} the hint of the step that changes first
 */
function soonest({ actions }) {
  const hints = actions.map(({ nextPollMs }) => nextPollMs ?? 0).filter((hint) => hint > 0);
  return { nextPollMs: hints.length > 0 ? Math.min(...hints) : null };
}

/* Small things */

/**
 * A wrong address would otherwise look like a network failure, and be tried again for minutes.
 *
 * @param {string} baseUrl
 * @param {boolean} ownFetch the caller's fetch may make sense of a relative address
 */
function checkedBaseUrl(baseUrl, ownFetch) {
  const relative = baseUrl === '' || baseUrl.startsWith('/');
  if (!relative && !/^https?:$/.test(new URL(baseUrl).protocol)) {
    throw new TypeError(`baseUrl must be http or https: ${baseUrl}`);
  }
  if (relative && !ownFetch && globalThis.location === undefined) {
    throw new TypeError('baseUrl is needed outside a browser, such as https://deploy.example.com');
  }
  return baseUrl.replace(/\/+$/, '');
}

/** By it the server knows a trigger again. Unique is enough: `crypto` is not there on pages without TLS. */
function madeUpId() {
  return `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
}

/**
 * Looked up at each call: a bound copy would miss a replacement, an unbound one is illegal in browsers.
 *
 * @type {typeof fetch}
 */
const defaultFetch = (input, init) => globalThis.fetch(input, init);

/**
 * @param {unknown} value
 * @returns {value is Record<string, any>}
 */
function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @param {unknown} value */
function asText(value) {
  return typeof value === 'string' ? value : '';
}
