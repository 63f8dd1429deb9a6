/**
 * The page for operators: opens one app's workflow, keeps its inputs, runs it and shows how far it is.
 *
 * The page itself (choice of workflow, app and token) is below; what belongs to one opened app is a Session, which
 * ends as a whole when another is opened.
 *
 * @typedef {import('./slipway.js').Status} Status
 * @typedef {import('./slipway.js').Step} Step
 * @typedef {import('./slipway.js').Workflow} Workflow
 * @typedef {import('./slipway.js').Retry} Retry
 * @typedef {import('./form.js').FormNode} FormNode
 */

import { ActionError, ProblemError, SlipwayClient, SlipwayError } from './slipway.js';
import { formNode, make, mergePatch, withoutGaps } from './form.js';
import { StepList } from './steps.js';
import { list, remedyText, stepTitle } from './words.js';

const TOKEN_KEY = 'slipway-token';

/** How often we look where nothing runs: somebody else may start it. */
const QUIET_POLL_MS = 5000;

/**
 * The step's schema without what the workflow puts in by itself, unless somebody has given that before: nobody is
 * asked for an id that an earlier step finds out.
 *
 * @param {Step} step
 * @param {unknown} stored
 */
function withoutBound(step, stored) {
  const given = typeof stored === 'object' && stored !== null ? Object.keys(stored) : [];
  const hidden = Object.keys(step.bound ?? {}).filter((name) => !given.includes(name));
  const shown = Object.entries(step.input?.properties ?? {}).filter(([name]) => !hidden.includes(name));
  return { ...step.input, properties: Object.fromEntries(shown) };
}

const elements = {
  choice: find('choice', HTMLFormElement),
  workflow: find('workflow', HTMLSelectElement),
  summary: find('workflow-summary', HTMLElement),
  app: find('app', HTMLInputElement),
  access: find('access', HTMLDetailsElement),
  token: find('token', HTMLInputElement),
  notice: find('notice', HTMLElement),
  connection: find('connection', HTMLElement),
  workspace: find('workspace', HTMLElement),
  inputsSection: find('inputs-section', HTMLElement),
  inputs: find('inputs', HTMLFormElement),
  run: find('run', HTMLButtonElement),
  progress: find('progress', HTMLElement),
  steps: find('steps', HTMLElement),
  announcer: find('announcer', HTMLElement),
};

/* One opened app */

class Session {
  #client;
  #workflow;
  #appId;
  #controller = new AbortController();
  #list;
  /** @type {Map<string, { node: FormNode, details: HTMLDetailsElement }>} */
  #forms = new Map();
  /** @type {Record<string, unknown>} */
  #stored = {};
  /** What is being worked on: steps by id, null for the whole. @type {Set<string | null>} */
  #working = new Set();
  #clock = 0;

  /**
   * @param {SlipwayClient} client
   * @param {Workflow} workflow
   * @param {string} appId
   */
  constructor(client, workflow, appId) {
    this.#client = client;
    this.#workflow = workflow;
    this.#appId = appId;
    this.#list = new StepList(elements.steps, workflow.steps, (step) => void this.tryAgain(step));
  }

  async open() {
    const signal = this.#controller.signal;
    await Promise.all([this.#look(), this.#loadStored()]);
    throwIfAborted(signal);
    this.#makeForms();
    this.#showWorking();
    elements.workspace.hidden = false;
    this.#clock = window.setInterval(() => document.hidden || this.#list.tick(), 1000);
    void this.#watch();
  }

  close() {
    this.#controller.abort();
    window.clearInterval(this.#clock);
    elements.workspace.hidden = true;
    elements.inputs.replaceChildren();
  }

  run() {
    const onFailure = (/** @type {string} */ actionId, /** @type {unknown} */ error) => this.#refuse(actionId, error);
    return this.#work(null, (options) =>
      this.#client.runWorkflow(this.#workflow.id, this.#appId, { ...options, onFailure }));
  }

  /** @param {Step} step */
  tryAgain(step) {
    return this.#work(step, (options) =>
      this.#client.triggerAndPollAction(this.#workflow.id, this.#appId, step.id, options));
  }

  /**
   * Saves the inputs, then does `work`. Goes on in a hidden tab: later steps must still be triggered. A step can be
   * tried again while the others still run, for they may wait long; the server runs nothing twice.
   *
   * @param {Step | null} step null for all
   * @param {(options: import('./slipway.js').FollowOptions) => Promise<unknown>} work
   */
  async #work(step, work) {
    const key = step?.id ?? null;
    if (this.#working.has(key)) {
      return;
    }
    this.#working.add(key);
    this.#showWorking();
    hideNotice();
    this.#list.forgive(step?.id);
    this.#forms.forEach(({ node }) => node.clear());
    try {
      await this.#saveInputs();
      const onChange = (/** @type {Status} */ status) => this.#show(status);
      await work({ ...this.#options(), onStatus: () => showConnection(null), onChange });
    } catch (error) {
      if (!this.#controller.signal.aborted) {
        this.#explain(error, step);
      }
    } finally {
      this.#working.delete(key);
      if (!this.#controller.signal.aborted) {
        this.#showWorking();
      }
    }
  }

  #options() {
    return { signal: this.#controller.signal, onRetry: showConnection };
  }

  async #watch() {
    const { signal } = this.#controller;
    while (!signal.aborted) {
      try {
        await pause(this.#list.nextPollMs() ?? QUIET_POLL_MS, signal);
        await untilVisible(signal);
        await this.#look();
      } catch (error) {
        if (signal.aborted || !(error instanceof SlipwayError && error.retryable)) {
          return signal.aborted ? undefined : showError(error);
        }
      }
    }
  }

  async #look() {
    const answer = await this.#client.poll(this.#workflow.id, this.#appId, null, this.#options());
    showConnection(null);
    answer.actions.forEach((status) => this.#show(status));
  }

  /** @param {Status} status */
  #show(status) {
    if (!this.#controller.signal.aborted) {
      announce(this.#list.update(status));
      this.#showProgress();
    }
  }

  #showProgress() {
    const { total, done, running, failed } = this.#list.count();
    const parts = [`${done} of ${total} done`];
    if (running > 0) {
      parts.push(`${running} running`);
    }
    if (failed > 0) {
      parts.push(`${failed} failed`);
    }
    elements.progress.textContent = `${list(parts)}.`;
  }

  #showWorking() {
    const busy = this.#working.has(null);
    this.#workflow.steps.forEach(({ id }) => this.#list.setBusy(id, this.#working.has(id)));
    // Not `disabled`, which would throw away the focus.
    elements.run.setAttribute('aria-disabled', String(busy));
    elements.run.textContent = busy ? 'Running…' : 'Start / continue';
  }

  /** An empty configure changes nothing and gives what is stored. Without the right to it, forms start empty. */
  async #loadStored() {
    try {
      const { inputs } = await this.#client.configure(this.#appId, {}, this.#options());
      this.#stored = { ...inputs };
    } catch (error) {
      if (!(error instanceof ProblemError)) {
        throw error;
      }
    }
  }

  #makeForms() {
    const steps = this.#workflow.steps.filter((step) => Object.keys(step.input?.properties ?? {}).length > 0);
    for (const step of steps) {
      const key = step.inputKey;
      if (step.input && key && !this.#forms.has(key)) {
        const stored = this.#stored[key];
        const node = formNode(withoutBound(step, stored), stored, { label: stepTitle(step), required: !step.optional });
        const details = make('details', { open: stored === undefined });
        details.append(make('summary', {}, stepTitle(step)), node.element);
        this.#forms.set(key, { node, details });
      }
    }
    elements.inputs.replaceChildren(...[...this.#forms.values()].map(({ details }) => details));
    elements.inputsSection.hidden = this.#forms.size === 0;
  }

  async #saveInputs() {
    const entered = [...this.#forms].map(([key, { node }]) => /** @type {const} */ ([key, node.read()]));
    const changes = entered.map(([key, value]) => [key, mergePatch(this.#stored[key], value)]);
    const inputs = Object.fromEntries(changes.filter(([, change]) => change !== undefined));
    if (Object.keys(inputs).length === 0) {
      return;
    }
    const answer = await this.#client.configure(this.#appId, { inputs }, this.#options());
    const now = entered.map(([key, value]) => [key, withoutGaps(value)]);
    this.#stored = { ...this.#stored, ...Object.fromEntries(now), ...answer.inputs };
  }

  /**
   * @param {unknown} error
   * @param {Step | null} step
   */
  #explain(error, step) {
    showConnection(null);
    if (step !== null) {
      this.#refuse(step.id, error);
    } else if (!(error instanceof SlipwayError) || error.failures === undefined) {
      showError(error);
      this.#complain(error);
    }
  }

  /**
   * @param {string} actionId
   * @param {unknown} error that of an action comes with its status, and is shown already
   */
  #refuse(actionId, error) {
    if (error instanceof Error && !(error instanceof ActionError)) {
      this.#list.refuse(actionId, error);
      this.#complain(error);
      announce(`A step needs attention: ${error.message}`);
    }
  }

  /** @param {unknown} error puts complaints about inputs at their fields, and goes to the first */
  #complain(error) {
    if (!(error instanceof ProblemError)) {
      return;
    }
    const targets = error.errors.map(({ place, message }) => this.#complainAt(place, message));
    const first = targets.find((target) => target !== null);
    first?.scrollIntoView({ block: 'center' });
    first?.focus();
  }

  /**
   * @param {string} place a JSON Pointer such as /inputs/repo/owner
   * @param {string} message
   */
  #complainAt(place, message) {
    const parts = place.split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    const [, root, key = '', ...path] = parts;
    const form = root === 'inputs' ? this.#forms.get(key) : undefined;
    if (form === undefined) {
      return null;
    }
    form.details.open = true;
    return form.node.complain(path, message);
  }
}

/* The page */

/** @type {Workflow[]} */
let workflows = [];
/** @type {Session | null} */
let session = null;
/** Which opening is the latest: an older one that ends late has nothing to say. */
let opening = 0;

async function start() {
  elements.token.value = sessionStorage.getItem(TOKEN_KEY) ?? '';
  elements.choice.addEventListener('submit', (event) => {
    event.preventDefault();
    writeAddress();
    void open();
  });
  elements.inputs.addEventListener('submit', (event) => {
    event.preventDefault();
    void session?.run();
  });
  elements.workflow.addEventListener('change', showSummary);
  elements.run.addEventListener('click', () => void session?.run());
  window.addEventListener('popstate', () => void open(readAddress()));
  await open(readAddress());
}

function makeClient() {
  const baseUrl = new URL('.', document.baseURI).href;
  return new SlipwayClient({ baseUrl, token: elements.token.value.trim() || undefined });
}

/** @param {string | null} [wanted] the workflow to choose; the one that is chosen where not given */
async function open(wanted = elements.workflow.value) {
  opening += 1;
  const mine = opening;
  session?.close();
  session = null;
  hideNotice();
  showConnection(null);
  const client = makeClient();
  try {
    const listed = await client.workflows({ onRetry: showConnection });
    if (mine !== opening) {
      return;
    }
    showConnection(null);
    showWorkflows(listed, wanted);
    const workflow = workflows.find(({ id }) => id === elements.workflow.value);
    if (workflow !== undefined && elements.app.value !== '' && elements.choice.checkValidity()) {
      document.title = `${elements.app.value} – Slipway`;
      session = new Session(client, workflow, elements.app.value);
      await session.open();
    }
  } catch (error) {
    if (mine === opening) {
      showError(error);
    }
  }
}

/**
 * @param {Workflow[]} listed
 * @param {string | null} wanted
 */
function showWorkflows(listed, wanted) {
  workflows = listed;
  elements.workflow.replaceChildren(...workflows.map(({ id }) => make('option', { value: id }, id)));
  const found = workflows.find(({ id }) => id === wanted) ?? workflows[0];
  elements.workflow.value = found?.id ?? '';
  showSummary();
  if (wanted && found?.id !== wanted) {
    showError(new SlipwayError(`There is no workflow "${wanted}" on this server.`));
  }
}

function showSummary() {
  elements.summary.textContent = workflows.find(({ id }) => id === elements.workflow.value)?.summary ?? '';
}

/** @returns {string | null} the workflow in the address */
function readAddress() {
  const query = new URLSearchParams(location.search);
  elements.app.value = query.get('app') ?? '';
  return query.get('workflow');
}

function writeAddress() {
  const token = elements.token.value.trim();
  if (token === '') {
    sessionStorage.removeItem(TOKEN_KEY);
  } else {
    sessionStorage.setItem(TOKEN_KEY, token);
  }
  const query = `?${new URLSearchParams({ workflow: elements.workflow.value, app: elements.app.value })}`;
  if (query !== location.search) {
    history.pushState(null, '', query);
  }
}

/** @param {unknown} error */
function showError(error) {
  const message = error instanceof Error ? error.message : String(error);
  const remedy = error instanceof SlipwayError ? remedyText(/** @type {any} */ (error)) : '';
  elements.notice.replaceChildren(make('p', {}, message));
  if (remedy !== '') {
    elements.notice.append(make('p', {}, make('strong', {}, 'What to do: '), remedy));
  }
  elements.notice.hidden = false;
  elements.notice.scrollIntoView({ block: 'nearest' });
  if (error instanceof ProblemError && (error.status === 401 || error.status === 403)) {
    elements.access.open = true;
  }
}

function hideNotice() {
  elements.notice.hidden = true;
}

/** @param {Retry | null} retry null once all is well */
function showConnection(retry) {
  elements.connection.hidden = retry === null;
  if (retry !== null) {
    const seconds = Math.max(1, Math.round(retry.waitMs / 1000));
    elements.connection.textContent = `${retry.error.message} Trying again in ${seconds} s. What runs, runs on.`;
  }
}

/** @type {string[]} */
let unheard = [];

/** @param {string} news collected, for a live region that changes twice at once is heard once */
function announce(news) {
  if (news === '') {
    return;
  }
  if (unheard.length === 0) {
    setTimeout(() => {
      elements.announcer.textContent = unheard.join(' ');
      unheard = [];
    }, 100);
  }
  unheard.push(news);
}

/* Small things */

/**
 * @template {HTMLElement} Type
 * @param {string} id
 * @param {new () => Type} type
 * @returns {Type}
 */
function find(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof type)) {
    throw new TypeError(`The page has no ${id}.`);
  }
  return element;
}

/** @param {AbortSignal} signal */
function throwIfAborted(signal) {
  if (signal.aborted) {
    throw signal.reason;
  }
}

/**
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, milliseconds);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function untilVisible(signal) {
  return new Promise((resolve, reject) => {
    if (!document.hidden) {
      resolve();
      return;
    }
    const onAbort = () => reject(signal.reason);
    const onVisible = () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    };
    document.addEventListener('visibilitychange', onVisible, { once: true, signal });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

void start();
