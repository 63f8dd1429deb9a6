/**
 * The Slipway client, for browsers and Node 18 or later. No dependencies.
 *
 *   import { triggerAndPollAction } from './slipway.js';
 *   const status = await triggerAndPollAction('site', 'acme-docs', 'repo', { token });
 *
 * The types in slipway.d.ts are the manual. Four decisions shape this file:
 *
 * - Every request of the contract may be sent twice without harm (a trigger meets the single flight of the
 *   server, configure is a merge, cancel of nothing is nothing). So every request is patient: a cut connection,
 *   429, 502, 503 or 504 is tried again until `patienceMs` of uninterrupted failure have passed.
 * - A failure to hear about an action is never a failure of the action: they are different error classes.
 * - Whoever follows something is told by the server when it changes: a poll waits there. Where that is not possible,
 *   because the server is older, has too many that wait, or something before it cuts them off, it is asked again and
 *   again.
 * - Whoever aborts gets an answer at once, and no timer or listener stays behind in any case.
 *
 * @typedef {import('./slipway.js').Status} Status
 * @typedef {import('./slipway.js').Workflow} Workflow
 * @typedef {import('./slipway.js').WorkflowStatus} WorkflowStatus
 * @typedef {import('./slipway.js').Problem} Problem
 * @typedef {import('./slipway.js').Clock} Clock
 * @typedef {import('./slipway.js').ClientOptions} ClientOptions
 * @typedef {import('./slipway.js').RequestOptions} RequestOptions
 * @typedef {import('./slipway.js').PollOptions} PollOptions
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

/** A poll waits no longer at the server. */
const LONGEST_WAIT_MS = 25_000;

/** What a response may take beside the time that it waits. */
const RESPONSE_MS = 5000;

/** One that waited comes after that, or with something new; else nobody waited. */
const SHORTEST_WAIT_MS = 1000;

/**
 * So many polls of a page wait at a time, whichever clients it has; the others ask again and again. A browser opens six
 * connections to a server, for all tabs: they are for whoever wants something now.
 */
const MOST_HELD = 'document' in globalThis ? 2 : Infinity;
let held = 0;

/** Between two that had something new: many changes in a row are told together. */
const BETWEEN_CHANGES_MS = 10;

const LONGEST_BACKOFF_MS = 30_000;

/** setTimeout fires at once above this. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** So many polls in a row may show a deployment that has ended, and steps of another one. */
const MOST_STRAYS = 3;

/** So many plans are begun where those of other clients take their place. */
const MOST_PLANS = 5;

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
  /** What the function has given, or is about to. @type {Promise<string> | undefined} */
  #asked = undefined;
  #fetch;
  #pollMs;
  #patienceMs;
  #requestTimeoutMs;
  #clock;
  /** What a poll may wait at the server; less than a second: nothing. */
  #longestWaitMs;
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
    this.#longestWaitMs = Math.min(LONGEST_WAIT_MS, this.#requestTimeoutMs - RESPONSE_MS);
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
   * @param {PollOptions} [options]
   * @returns {Promise<any>} a Status, or a WorkflowStatus without an actionId
   */
  async poll(workflowId, appId, actionId = null, options = {}) {
    const query = new URLSearchParams(actionId === null ? { appId, workflowId } : { appId, workflowId, actionId });
    const path = `/api/deploy?${query}`;
    const known = this.#known.get(path);
    const seconds = known === undefined ? 0 : Math.floor(Math.min(options.waitMs ?? 0, this.#longestWaitMs) / 1000);
    const waited = seconds > 0 ? await this.#wait(path, seconds, known, options) : null;
    const answer = waited ?? (await this.#send(this.#get(path, known), options));
    this.#remember(path, answer);
    return answer.content;
  }

  /**
   * Sends a poll that waits for a change, once.
   *
   * @param {string} path
   * @param {number} seconds
   * @param {Answer | undefined} known
   * @param {RequestOptions} options
   * @returns {Promise<Answer | null>} null where it failed, or others wait: it is to be asked without waiting
   */
  async #wait(path, seconds, known, { signal }) {
    throwIfAborted(signal);
    if (held >= MOST_HELD) {
      return null;
    }
    const sent = this.#clock.now();
    held += 1;
    try {
      return await this.#sendOnce(this.#get(`${path}&wait=${seconds}`, known), signal);
    } catch (error) {
      throwIfAborted(signal);
      if (!(error instanceof SlipwayError)) {
        throw error;
      }
      if (error instanceof ProblemError && error.status === 400) {
        this.#longestWaitMs = 0; // an older server
      } else if (this.#clock.now() - sent >= SHORTEST_WAIT_MS) {
        this.#longestWaitMs = (seconds * 1000) / 2; // something before it may be less patient
      }
      return null;
    } finally {
      held -= 1;
    }
  }

  /**
   * Polls that follow one another. Each waits for a change at the server; where the one before has not, it comes when
   * that asked to be asked again.
   *
   * @param {string} workflowId
   * @param {string} appId
   * @param {string | null} actionId
   * @param {RequestOptions} options
   * @param {unknown} [last] the response before the first of them
   */
  #follower(workflowId, appId, actionId, options, last = null) {
    const mayWait = (options.pollMs ?? this.#pollMs) === undefined;
    let sent = -Infinity;
    let atOnce = mayWait && (last === null || this.#isKnown(last));
    /**
     * @param {{ nextPollMs?: number | null }} status
     * @param {boolean} [waits]
     * @returns {Promise<any>}
     */
    return async (status, waits = true) => {
      const soonest = Math.max(BETWEEN_CHANGES_MS - (this.#clock.now() - sent), 0);
      const delay = atOnce && waits ? soonest : this.#pollDelay(status, options);
      if (delay > 0) {
        await this.#clock.sleep(delay, options.signal);
      }
      sent = this.#clock.now();
      // Where another poll of this client has something newer, there is no need to wait for it.
      const waitMs = mayWait && waits && this.#isKnown(last) ? LONGEST_WAIT_MS : 0;
      const answer = await this.poll(workflowId, appId, actionId, { ...options, waitMs });
      const hasWaited = answer !== last || this.#clock.now() - sent >= SHORTEST_WAIT_MS;
      atOnce = mayWait && this.#longestWaitMs >= 1000 && hasWaited && this.#isKnown(answer);
      last = answer;
      return answer;
    };
  }

  /**
   * Whether it came with an ETag, by which a poll can wait for the next; and no other poll has had a newer one since.
   *
   * @param {unknown} content
   */
  #isKnown(content) {
    return [...this.#known.values()].some((answer) => answer.content === content);
  }

  /**
   * @param {string} appId
   * @param {Configuration} configuration
   * @param {RequestOptions} [options]
   * @returns {Promise<ConfigureResult>}
   */
  async configure(appId, configuration, options = {}) {
    const { inputs, config, env, secrets, connections } = configuration;
    const request = { mode: 'configure', appId, inputs, config, env, secrets, connections };
    return (await this.#send(this.#post(request), options)).content;
  }

  /**
   * @param {string} workflowId
   * @param {string} appId
   * @param {string | null} [actionId]
   * @param {CancelOptions} [options]
   * @returns {Promise<any>} a Status, or a Deployment without an actionId
   */
  async cancel(workflowId, appId, actionId = null, options = {}) {
    const { runId, deploymentId } = options;
    const request = { mode: 'cancel', workflowId, appId, actionId: actionId ?? undefined, runId, deploymentId };
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
    const { inputs, config, env, secrets } = options;
    const request = { mode: 'plan', workflowId, appId, inputs, config, env, secrets };
    for (let begun = 1; ; begun += 1) {
      try {
        const { content } = await this.#send(this.#post(request), options);
        const { output } = await this.#follow(content, options);
        return /** @type {any} */ (output);
      } catch (error) {
        if (!(error instanceof ProblemError) || error.class !== 'run_conflict' || begun === MOST_PLANS) {
          throw error;
        }
        await this.#untilEnded(workflowId, appId, 'plan', options);
      }
    }
  }

  /**
   * Resolves once no run of the action is live, whoever began it.
   *
   * @param {string} workflowId
   * @param {string} appId
   * @param {string} actionId
   * @param {RequestOptions} options
   */
  async #untilEnded(workflowId, appId, actionId, options) {
    for (;;) {
      const status = await this.poll(workflowId, appId, actionId, options);
      if (['idle', 'done', 'error'].includes(status.status)) {
        return;
      }
      await this.#clock.sleep(this.#pollDelay(status, options), options.signal);
    }
  }

  /**
   * @param {Status} first
   * @param {FollowOptions} options
   * @returns {Promise<Status>} the status, once done
   */
  async #follow(first, options) {
    const report = statusReporter(options);
    const next = this.#follower(first.workflowId, first.appId, first.actionId, options);
    for (let status = first; ; ) {
      if (status.runId !== first.runId && status.runId !== null) {
        throw replaced(first, status);
      }
      report(status);
      if (isFinal(status)) {
        return status;
      }
      status = await next(status);
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
    let answer = await this.poll(watch.workflowId, watch.appId, null, options);
    const next = this.#follower(watch.workflowId, watch.appId, null, options, answer);
    while (!watch.take(answer)) {
      answer = await next(soonest(answer), watch.isLive);
    }
    return watch.result();
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
    return new Headers({ Accept: 'application/json, application/problem+json' });
  }

  /**
   * The token to send. A function is asked when it has given none yet, and again when that one was refused: once for
   * all requests that wait for it.
   *
   * @param {string} [refused] the one that the server has refused
   * @returns {Promise<string>}
   */
  async #currentToken(refused) {
    const token = this.#token;
    if (typeof token !== 'function') {
      return token ?? '';
    }
    const asked = this.#asked;
    const isOver = asked === undefined || (refused !== undefined && (await asked) === refused);
    if (isOver && this.#asked === asked) {
      this.#asked = Promise.resolve().then(token);
    }
    const next = /** @type {Promise<string>} */ (this.#asked);
    try {
      return await next;
    } catch (cause) {
      if (this.#asked === next) {
        this.#asked = undefined;
      }
      throw new SlipwayError('There is no token for the server.', { cause, retryable: true });
    }
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
        if (failingMs >= patienceMs || isOverBudgetFor(error, patienceMs)) {
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
  #sendOnce(request, signal) {
    return withDeadline(this.#requestTimeoutMs, signal, async (innerSignal) => {
      const sent = await this.#currentToken();
      try {
        return await this.#exchange(request, sent, innerSignal);
      } catch (error) {
        const isRefused = error instanceof ProblemError && error.status === 401;
        const next = isRefused && typeof this.#token === 'function' ? await this.#currentToken(sent) : sent;
        if (next === sent) {
          throw error;
        }
        return this.#exchange(request, next, innerSignal);
      }
    });
  }

  /**
   * @param {Request} request
   * @param {string} token '' for none
   * @param {AbortSignal} signal
   * @returns {Promise<Answer>}
   */
  async #exchange({ method, url, headers, body, known }, token, signal) {
    let response;
    let text;
    try {
      const sent = new Headers(headers);
      if (token !== '') {
        sent.set('Authorization', `Bearer ${token}`);
      }
      // The ETag is compared here, so the browser's cache must not answer; and a redirect must not carry the token
      // elsewhere or turn a trigger into a GET.
      const init = { method, headers: sent, body, signal };
      response = await this.#fetch(url, { ...init, cache: 'no-store', redirect: 'manual' });
      text = await response.text();
    } catch (cause) {
      throw new SlipwayError('The server could not be reached.', { cause, retryable: true });
    }
    return readAnswer(response, text, known);
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
 * Whether a budget is used up for longer than that: nobody waits for the next day without being told.
 *
 * @param {SlipwayError} error
 * @param {number} patienceMs
 */
function isOverBudgetFor(error, patienceMs) {
  return error instanceof ProblemError && error.class === 'over_budget' && (error.retryAfterMs ?? 0) > patienceMs;
}

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

/**
 * A step has one run at a time: what became of ours cannot be seen any more, and the other one may have another input.
 *
 * @param {Status} ours
 * @param {Status} other the status of the run that stands in its place
 */
function replaced({ actionId, appId, runId }, other) {
  const what = `Another client has run "${actionId}" of "${appId}" again: the run ${other.runId} is in the place of`;
  const remedy = { text: 'Wait until it has ended, check what it did, and try again.' };
  const title = 'Another run is in the place of this one';
  const detail = `${what} ${runId}, whose result is not known.`;
  return new ProblemError(409, { title, status: 409, class: 'run_conflict', detail, current: other, remedy });
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

  /** Whether it goes on, as far as is known. */
  get isLive() {
    return this.#deployment.status !== 'done' && this.#deployment.status !== 'error';
  }

  /**
   * @param {WorkflowStatus} answer
   * @returns {boolean} whether it has ended
   */
  take({ actions, deployment }) {
    this.#takeDeployment(deployment);
    actions.forEach((status) => this.#takeStatus(status));
    const { deploymentId } = this.#deployment;
    if (this.isLive) {
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
    const error = first ?? this.#held();
    error.statuses = statuses;
    error.failures = Object.fromEntries(this.#failures);
    throw error;
  }

  /** @returns {SlipwayError} of a deployment none of whose steps has failed: what failed is another app's */
  #held() {
    const held = [...this.#statuses.values()].find((status) => status.reason === 'need_failed');
    const why = held === undefined ? '.' : `: its step "${held.actionId}" is held. In its words: ${held.detail}`;
    return new SlipwayError(`The deployment of "${this.appId}" by "${this.workflowId}" has failed${why}`);
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
