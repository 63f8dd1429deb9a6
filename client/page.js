/**
 * The page for operators: opens one app's workflow, keeps its inputs, starts its deployment and shows how far that is.
 * The server drives it: this page may be closed, and shows the same wherever it is opened.
 *
 * The page itself (choice of workflow, app and token) is below; what belongs to one opened app is a Session, which
 * ends as a whole when another is opened.
 *
 * @typedef {import('./slipway.js').Status} Status
 * @typedef {import('./slipway.js').Step} Step
 * @typedef {import('./slipway.js').Workflow} Workflow
 * @typedef {import('./slipway.js').Deployment} Deployment
 * @typedef {import('./slipway.js').Retry} Retry
 * @typedef {import('./slipway.js').FollowOptions} FollowOptions
 * @typedef {import('./form.js').FormNode} FormNode
 */

import { AppList } from './apps.js';
import { Dialog } from './dialog.js';
import { ActionError, ProblemError, SlipwayClient, SlipwayError } from './slipway.js';
import { formNode, make, markSealed, mergePatch, pointerPath, sealedPath, withoutGaps } from './form.js';
import { linked } from './links.js';
import { planElements } from './plan.js';
import { StepList, stepId } from './steps.js';
import { describeDeployment, list, remedyInput, remedyText, remedyUrl, stepTitle } from './words.js';

const TOKEN_KEY = 'slipway-token';

/** How often we look where nothing runs, for somebody else may start it. */
const QUIET_POLL_MS = 5000;

/** How long we wait at most while it is under way. */
const LONGEST_POLL_MS = 3000;

/** How long a look waits at the server for a change: a browser has few connections to it, for all its tabs. */
const HELD_MS = 10_000;

/** One that came earlier, with nothing new, has not waited there. */
const SHORTEST_HELD_MS = 1000;

/** Changes in a row are shown together. */
const BETWEEN_CHANGES_MS = 50;

/**
 * The step's schema, in which what the workflow puts in by itself is a default. Where no input may replace it, the
 * schema does not have it.
 *
 * @param {Step} step
 */
function withBoundDefaults(step) {
  const bound = step.bound ?? {};
  const properties = Object.entries(step.input?.properties ?? {}).map(([name, schema]) =>
    [name, name in bound ? { ...schema, default: bound[name] } : schema]);
  return { ...step.input, properties: Object.fromEntries(properties) };
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
  apps: find('apps', HTMLElement),
  workspace: find('workspace', HTMLElement),
  inputsSection: find('inputs-section', HTMLElement),
  inputs: find('inputs', HTMLFormElement),
  subject: find('subject', HTMLElement),
  run: find('run', HTMLButtonElement),
  runAgain: find('run-again', HTMLButtonElement),
  showPlan: find('show-plan', HTMLButtonElement),
  plan: find('plan', HTMLElement),
  planTitle: find('plan-title', HTMLElement),
  planSteps: find('plan-steps', HTMLElement),
  planCalls: find('plan-calls', HTMLElement),
  planHash: find('plan-hash', HTMLElement),
  retry: find('retry', HTMLButtonElement),
  cancel: find('cancel', HTMLButtonElement),
  deployment: find('deployment', HTMLElement),
  dialog: find('dialog', HTMLDialogElement),
  runPlan: find('run-plan', HTMLButtonElement),
  progress: find('progress', HTMLElement),
  steps: find('steps', HTMLElement),
  announcer: find('announcer', HTMLElement),
};

const dialog = new Dialog(elements.dialog);
const appList = new AppList(elements.apps);

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
  /** The version of what is stored: another one once somebody else configures the app. @type {number | undefined} */
  #version = undefined;
  /** The latest one, whoever started it. @type {Deployment | null} */
  #deployment = null;
  #begins = 0;
  /** Ends the pause between two looks. @type {() => void} */
  #wake = () => {};
  /** What was shown last; null: the next look is not to wait. @type {unknown} */
  #seen = null;
  /** Whether the last look has waited for a change at the server, or found one. */
  #hasWaited = false;
  /** The hash of the plan that is shown. */
  #plan = '';
  /** The run that has found the world to be another than planned. @type {string | null} */
  #unplanned = null;
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
    this.#list = new StepList(elements.steps, workflow.steps, {
      onTry: (step, force) => void this.tryStep(step, force),
      onGive: (step) => void this.giveResult(step),
      onField: (step, error) => this.#fieldOf(step, error),
    });
  }

  async open() {
    const signal = this.#controller.signal;
    await Promise.all([this.#look(), this.#loadStored()]);
    throwIfAborted(signal);
    this.#makeForms();
    this.#showWorking();
    elements.subject.textContent = `${this.#appId}: ${this.#workflow.id}`;
    elements.workspace.hidden = false;
    this.#clock = window.setInterval(() => document.hidden || this.#list.tick(), 1000);
    void this.#watch();
  }

  close() {
    this.#controller.abort();
    window.clearInterval(this.#clock);
    elements.workspace.hidden = true;
    elements.plan.hidden = true;
    elements.showPlan.setAttribute('aria-disabled', 'false');
    elements.inputs.replaceChildren();
    elements.deployment.hidden = true;
    delete elements.deployment.dataset.badge;
    dialog.close();
  }

  get isLive() {
    return this.#deployment !== null && !['done', 'error'].includes(this.#deployment.status);
  }

  /**
   * @param {boolean} [force] whether steps that keep their result are run again as well
   * @param {string} [plan] the hash of the plan that is to be carried out, and nothing else
   */
  run(force = false, plan) {
    return this.isLive ? undefined : this.#start({ force, plan });
  }

  /** @param {import('./slipway.js').StartOptions} how it is started; the same again where another one is in the way */
  #start(how) {
    return this.#work(null, async (options) => {
      try {
        this.#begun(await this.#client.start(this.#workflow.id, this.#appId, { ...options, ...how }));
      } catch (error) {
        if (!isReplaceable(error)) {
          throw error;
        }
        this.#wake();
        showError(new SlipwayError(error.message), 'Wait until it has ended, or replace it.');
        this.#offerReplace(how);
      }
    });
  }

  /** @param {import('./slipway.js').StartOptions} how it was to be started */
  #offerReplace(how) {
    const button = make('button', { type: 'button' }, 'Replace it');
    const title = `Replace the deployment of ${this.#appId}?`;
    const text = 'The deployment that is under way was started with other inputs, maybe by somebody else. It is ' +
      'cancelled: what has not begun ends at once, what is under way within seconds. What it has made stays. Then ' +
      'this one starts, with the inputs that this page shows.';
    button.addEventListener('click', () => void dialog.ask({ title, text, go: 'Cancel it and start this one' },
      async () => void this.#start({ ...how, replace: true })));
    elements.notice.append(button);
  }

  /** Does what the plan says that is shown, where inputs and world are still those that it saw. */
  runPlan() {
    return this.#plan === '' ? undefined : this.run(false, this.#plan);
  }

  /** Goes on with what failed, with what was entered since. */
  retry() {
    const deploymentId = this.#deployment?.deploymentId;
    return this.#work(null, async ({ signal, onRetry }, inputs) => {
      const options = { signal, onRetry, deploymentId, inputs };
      this.#begun(await this.#client.retry(this.#workflow.id, this.#appId, options));
    }, false);
  }

  /** @param {Deployment} deployment newer than what a look that is under way will tell */
  #begun(deployment) {
    this.#begins += 1;
    this.#deployment = deployment;
    this.#showDeployment();
  }

  cancel() {
    const deploymentId = this.#deployment?.deploymentId;
    const title = `Cancel the deployment of ${this.#appId}?`;
    const text = 'What has not begun ends at once, what is under way within seconds. What was made stays, and a ' +
      'retry goes on with it.';
    return dialog.ask({ title, text, go: 'Cancel the deployment' }, async () => {
      await this.#client.cancel(this.#workflow.id, this.#appId, null, { ...this.#options(), deploymentId });
      this.#wake();
    });
  }

  /** Shows what would be done with what is entered now, which is not stored by that. */
  async plan() {
    if (elements.showPlan.getAttribute('aria-disabled') === 'true') {
      return;
    }
    elements.showPlan.setAttribute('aria-disabled', 'true');
    elements.plan.hidden = true;
    hideNotice();
    this.#forms.forEach(({ node }) => node.clear());
    try {
      const options = { ...this.#options(), inputs: this.#changes() };
      this.#showPlan(await this.#client.plan(this.#workflow.id, this.#appId, options));
    } catch (error) {
      if (!this.#controller.signal.aborted) {
        showError(error);
        this.#complain(error);
      }
    } finally {
      if (!this.#controller.signal.aborted) {
        elements.showPlan.setAttribute('aria-disabled', 'false');
      }
    }
  }

  /** @param {import('./slipway.js').Plan} plan */
  #showPlan(plan) {
    if (this.#controller.signal.aborted) {
      return;
    }
    const { items, calls, hash } = planElements(plan, this.#workflow.steps);
    elements.planSteps.replaceChildren(...items);
    elements.planCalls.replaceChildren(...calls);
    elements.planHash.textContent = hash;
    this.#plan = plan.hash;
    elements.plan.hidden = false;
    elements.planTitle.focus();
  }

  /**
   * A failed step of a deployment goes on with that; another one is run alone.
   *
   * @param {Step} step
   * @param {boolean} force whether it is run again where it is done
   */
  tryStep(step, force) {
    if (!force && this.#deployment?.status === 'error' && this.#list.isOf(step.id, this.#deployment)) {
      return this.retry();
    }
    return this.#work(step, (options) =>
      this.#client.triggerAndPollAction(this.#workflow.id, this.#appId, step.id, { ...options, force }));
  }

  /** @param {Step} step what a person has done in its place */
  giveResult(step) {
    const node = formNode({ type: 'object', properties: {}, ...step.output }, undefined,
      { label: 'Result', required: true });
    const title = `Give the result: ${stepTitle(step)}`;
    const text = 'For what was done by hand. The step counts as done with it, what needs it goes on, and nothing ' +
      'checks that it is there.';
    return dialog.ask({ title, text, go: 'Take this result', node }, async () => {
      const output = /** @type {Record<string, unknown>} */ (withoutGaps(node.read()) ?? {});
      await this.#client.skip(this.#workflow.id, this.#appId, step.id, output, this.#options());
      this.#wake();
    });
  }

  /**
   * Checks and saves the inputs, then does `work`, which is refused where somebody else has configured the app since:
   * what runs is what this page shows. A step can be tried again while the others still run, for they may wait long;
   * the server runs nothing twice.
   *
   * @param {Step | null} step null for all
   * @param {(options: FollowOptions, inputs: Record<string, unknown>) => Promise<unknown>} work `inputs` are those that
   * were entered since they were stored
   * @param {boolean} [validates] whether the inputs of all steps are to be right: what is shown here, and not what a
   * deployment has that another client has started
   */
  async #work(step, work, validates = step === null) {
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
      const inputs = await this.#saveInputs(validates);
      const onChange = (/** @type {Status} */ status) => this.#show(status);
      const onStatus = () => showConnection(null);
      await work({ ...this.#options(), configVersion: this.#version, onStatus, onChange }, inputs);
      this.#wake();
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
        await this.#pause(signal);
        await untilVisible(signal);
        await this.#look();
      } catch (error) {
        if (signal.aborted || !(error instanceof SlipwayError && error.retryable)) {
          return signal.aborted ? undefined : showError(error);
        }
      }
    }
  }

  /** @param {AbortSignal} signal */
  async #pause(signal) {
    /** @type {Promise<void>} */
    const woken = new Promise((resolve) => {
      this.#wake = resolve;
    });
    const hint = this.#list.nextPollMs() ?? QUIET_POLL_MS;
    const wait = this.#hasWaited ? BETWEEN_CHANGES_MS : this.isLive ? Math.min(hint, LONGEST_POLL_MS) : hint;
    await Promise.race([pause(wait, signal), woken]);
  }

  async #look() {
    const begins = this.#begins;
    const sent = performance.now();
    this.#hasWaited = false;
    const waitMs = this.#seen === null ? 0 : HELD_MS;
    const seen = await this.#client.poll(this.#workflow.id, this.#appId, null, { ...this.#options(), waitMs });
    this.#hasWaited = waitMs > 0 && (seen !== this.#seen || performance.now() - sent >= SHORTEST_HELD_MS);
    this.#seen = begins === this.#begins ? seen : null;
    const { actions, deployment } = seen;
    showConnection(null);
    if (begins === this.#begins) {
      this.#deployment = deployment ?? null;
    }
    actions.forEach((status) => this.#show(isKept(status, this.#deployment) ? { ...status, reused: true } : status));
    this.#showUnplanned(actions);
    this.#showDeployment();
  }

  /**
   * A deployment that was started by a plan begins with a step that looks whether the world is as planned, which has
   * no card. What it has found is told once.
   *
   * @param {readonly Status[]} actions
   */
  #showUnplanned(actions) {
    const known = this.#workflow.steps.map(({ id }) => id);
    const found = actions.find(({ actionId, status }) => !known.includes(actionId) && status === 'error');
    if (found !== undefined && found.runId !== this.#unplanned && !this.#controller.signal.aborted) {
      this.#unplanned = found.runId;
      showError(new ActionError(found), 'Nothing was made.');
    }
  }

  #showDeployment() {
    if (this.#controller.signal.aborted) {
      return;
    }
    const deployment = this.#deployment;
    elements.deployment.hidden = deployment === null;
    if (deployment !== null) {
      const { kind, badge, sentence } = describeDeployment(deployment, this.#list.troubled());
      const before = elements.deployment.dataset.badge;
      elements.deployment.dataset.kind = kind;
      elements.deployment.dataset.badge = badge;
      elements.deployment.replaceChildren(make('strong', {}, `${badge}. `), sentence);
      if (before !== undefined && before !== badge) {
        announce(`${badge}. ${sentence}`);
      }
    }
    this.#showWorking();
  }

  /** @param {Status} status */
  #show(status) {
    if (!this.#controller.signal.aborted) {
      announce(this.#list.update(status));
      this.#showProgress();
    }
  }

  #showProgress() {
    const { total, done, running, failed, stale } = this.#list.count();
    const parts = [`${done} of ${total} done`];
    if (running > 0) {
      parts.push(`${running} running`);
    }
    if (failed > 0) {
      parts.push(`${failed} failed`);
    }
    if (stale > 0) {
      parts.push(`${stale} out of date`);
    }
    elements.progress.textContent = `${list(parts)}.`;
    elements.runAgain.hidden = done < total;
  }

  #showWorking() {
    const busy = this.#working.has(null) || this.isLive;
    const failed = this.#deployment?.status === 'error';
    this.#workflow.steps.forEach(({ id }) => this.#list.setBusy(id, this.#working.has(id), busy));
    // Not `disabled`, which would throw away the focus.
    elements.run.setAttribute('aria-disabled', String(busy));
    elements.runAgain.setAttribute('aria-disabled', String(busy));
    elements.run.textContent = busy ? 'Running…' : 'Start';
    elements.runPlan.setAttribute('aria-disabled', String(busy));
    elements.retry.hidden = !failed || this.#working.has(null);
    elements.cancel.hidden = !this.isLive;
  }

  /** An empty configure changes nothing and gives what is stored. Without the right to it, forms start empty. */
  async #loadStored() {
    try {
      this.#takeStored(await this.#client.configure(this.#appId, {}, this.#options()));
    } catch (error) {
      if (!(error instanceof ProblemError)) {
        throw error;
      }
    }
  }

  /** @param {import('./slipway.js').ConfigureResult} answer */
  #takeStored({ inputs, sealed = [], version }) {
    this.#version = version;
    const stored = { inputs: structuredClone(inputs ?? {}) };
    sealed.forEach((pointer) => markSealed(stored, pointer));
    this.#stored = stored.inputs;
  }

  /** What a person has to fill in comes first and open; what may be left as it is, behind it and folded. */
  #makeForms() {
    /** @type {HTMLElement[]} */
    const needed = [];
    /** @type {HTMLElement[]} */
    const others = [];
    for (const step of this.#workflow.steps) {
      const key = step.inputKey ?? '';
      const stored = this.#stored[key];
      const schema = withBoundDefaults(step);
      if (key !== '' && !this.#forms.has(key) && Object.keys(schema.properties).length > 0) {
        const { first, isNeeded } = this.#asked(key);
        const node = formNode(schema, stored, { label: stepTitle(step), required: !step.optional, first });
        const details = make('details', { open: isNeeded && stored === undefined });
        const words = isNeeded ? '' : ' (optional)';
        details.append(make('summary', {}, stepTitle(step), ' ', stepId(step), words), node.element);
        this.#forms.set(key, { node, details });
        (isNeeded ? needed : others).push(details);
      }
    }
    elements.inputs.replaceChildren(...needed, ...others);
    elements.inputsSection.hidden = this.#forms.size === 0;
  }

  /**
   * What the workflow asks of a person in one input. An older server does not say: then all of it may be needed.
   *
   * @param {string} key
   * @returns {{ first?: ReadonlySet<string>, isNeeded: boolean }}
   */
  #asked(key) {
    const given = this.#workflow.asks?.filter(({ source, inputKey }) => source === 'given' && inputKey === key);
    return {
      first: given && new Set(given.map(({ field }) => field)),
      isNeeded: given === undefined || given.some(({ optional }) => !optional),
    };
  }

  /** What was entered and is not stored yet, as RFC 7396 merges it. */
  #changes() {
    const changes = [...this.#forms].map(([key, { node }]) => [key, mergePatch(this.#stored[key], node.read())]);
    const inputs = Object.fromEntries(changes.filter(([, change]) => change !== undefined));
    const lost = sealedPath(inputs);
    if (lost !== null) {
      const [key = '', ...path] = lost;
      this.#goTo(this.#complainAt(['inputs', key, ...path], 'Enter it again.'));
      throw new Error('You changed a list that contains stored secrets. A list is sent as a whole, and stored ' +
        'secrets cannot be read back: enter them again.');
    }
    return inputs;
  }

  /**
   * @param {boolean} all whether the inputs of all steps are to be right, before any of it is stored or made
   * @returns what was entered since it was stored
   */
  async #saveInputs(all) {
    const inputs = this.#changes();
    if (all) {
      await this.#client.validate(this.#workflow.id, this.#appId, { ...this.#options(), inputs });
    }
    if (Object.keys(inputs).length === 0) {
      return inputs;
    }
    this.#takeStored(await this.#client.configure(this.#appId, { inputs }, this.#options()));
    this.#forms.forEach(({ node }, key) => node.saved(this.#stored[key]));
    return inputs;
  }

  /**
   * @param {unknown} error
   * @param {Step | null} step
   */
  #explain(error, step) {
    showConnection(null);
    if (error instanceof ProblemError && error.class === 'config_changed') {
      showError(error, 'Open the app again to see its current inputs and to continue.');
    } else if (error instanceof ProblemError && error.class === 'run_conflict' && step === null) {
      // What the server says of another request is for programs: here is a button.
      this.#wake();
      showError(new SlipwayError(error.message), 'Wait until it has ended, or cancel it, and start again.');
    } else if (step !== null) {
      this.#refuse(step.id, error);
    } else if (!(error instanceof SlipwayError) || error.failures === undefined) {
      showError(error, error instanceof ProblemError ? 'Nothing was started.' : '');
      this.#complain(error);
    }
  }

  /**
   * @param {string} actionId
   * @param {unknown} error that of an action comes with its status, and is shown already
   */
  #refuse(actionId, error) {
    if (error instanceof ProblemError && error.class === 'config_changed') {
      this.#explain(error, null);
    } else if (error instanceof Error && !(error instanceof ActionError)) {
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
    const targets = error.errors.map(({ place, message }) => this.#complainAt(pointerPath(place), message));
    this.#goTo(targets.find((target) => target !== null) ?? null);
  }

  /**
   * @param {string[]} path such as inputs, repo, owner
   * @param {string} message
   */
  #complainAt([root, key = '', ...path], message) {
    const form = root === 'inputs' ? this.#forms.get(key) : undefined;
    if (form === undefined) {
      return null;
    }
    form.details.open = true;
    return form.node.complain(path, message);
  }

  /** @param {HTMLElement | null} target */
  #goTo(target) {
    target?.scrollIntoView({ block: 'center' });
    target?.focus();
  }

  /**
   * What an error says is to be changed, where this page has a field for it.
   *
   * @param {Step} step
   * @param {{ remedy?: unknown }} error
   */
  #fieldOf(step, error) {
    const name = remedyInput(error);
    const form = this.#forms.get(step.inputKey ?? '');
    if (name === '' || form?.node.find([name]) == null) {
      return null;
    }
    return () => {
      form.details.open = true;
      this.#goTo(form.node.find([name]));
    };
  }
}

/**
 * Whether it is a refusal because of another deployment that can be cancelled for this one.
 *
 * @param {unknown} error
 * @returns {error is ProblemError}
 */
function isReplaceable(error) {
  const current = error instanceof ProblemError && error.class === 'run_conflict' ? error.current : undefined;
  return current?.status === 'running' && current.reason !== 'cancelling';
}

/**
 * Whether its result is older than the deployment, which found it to be what is asked for.
 *
 * @param {Status} status
 * @param {Deployment | null} deployment
 */
function isKept({ status, deploymentId, finishedAt }, deployment) {
  const since = deployment?.retriedAt ?? deployment?.startedAt ?? '';
  const isOlder = Date.parse(finishedAt ?? '') < Date.parse(since);
  return isOlder && status === 'done' && deploymentId === deployment?.deploymentId;
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
  // What is shown is always what was chosen: the steps of another workflow or app would be taken for those of this one.
  elements.workflow.addEventListener('change', () => {
    showSummary();
    leave();
  });
  elements.app.addEventListener('change', leave);
  // Nothing can be chosen before there is one: Enter in this field does not send the form, which would complain.
  elements.token.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') {
      event.preventDefault();
      elements.token.blur();
    }
  });
  elements.token.addEventListener('change', () => {
    keepToken();
    void open(elements.workflow.value || new URLSearchParams(location.search).get('workflow'));
  });
  elements.run.addEventListener('click', () => void session?.run());
  elements.runAgain.addEventListener('click', () => void session?.run(true));
  elements.runPlan.addEventListener('click', () => void session?.runPlan());
  elements.showPlan.addEventListener('click', () => void session?.plan());
  elements.retry.addEventListener('click', () => void session?.retry());
  elements.cancel.addEventListener('click', () => void session?.cancel());
  window.addEventListener('popstate', () => void open(readAddress()));
  await open(readAddress());
}

function makeClient() {
  const baseUrl = new URL('.', document.baseURI).href;
  return new SlipwayClient({ baseUrl, token: elements.token.value.trim() || undefined });
}

/** Ends the session, and any opening that is under way. */
function leave() {
  opening += 1;
  session?.close();
  session = null;
  document.title = 'Slipway';
  hideNotice();
  showConnection(null);
}

/** @param {string | null} [wanted] the workflow to choose, null for none; the one that is chosen where not given */
async function open(wanted = elements.workflow.value) {
  leave();
  const mine = opening;
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
      appList.hide();
      session = new Session(client, workflow, elements.app.value);
      await session.open();
    } else {
      await appList.show(client);
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
  const none = make('option', { value: '' }, 'Choose…');
  elements.workflow.replaceChildren(none, ...workflows.map(({ id }) => make('option', { value: id }, id)));
  const found = workflows.find(({ id }) => id === wanted);
  elements.workflow.value = found?.id ?? '';
  showSummary();
  if (wanted && found?.id !== wanted) {
    showError(new SlipwayError(`This server has no workflow "${wanted}".`));
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

function keepToken() {
  const token = elements.token.value.trim();
  if (token === '') {
    sessionStorage.removeItem(TOKEN_KEY);
  } else {
    sessionStorage.setItem(TOKEN_KEY, token);
  }
}

function writeAddress() {
  keepToken();
  const query = `?${new URLSearchParams({ workflow: elements.workflow.value, app: elements.app.value })}`;
  if (query !== location.search) {
    history.pushState(null, '', query);
  }
}

/**
 * @param {unknown} error
 * @param {string} [more] a sentence that goes with it
 */
function showError(error, more = '') {
  const message = error instanceof Error ? error.message : String(error);
  const told = error instanceof ActionError ? error.error : error;
  const known = error instanceof SlipwayError ? /** @type {any} */ (told) : {};
  const sentence = more === '' ? message : `${message.replace(/\.?$/, '.')} ${more}`;
  elements.notice.replaceChildren(make('p', {}, ...linked(sentence)));
  if (error instanceof ProblemError && error.errors.length > 0) {
    const places = error.errors.map((fault) => make('li', {}, `${placeWords(fault.place)}: ${fault.message}`));
    elements.notice.append(make('ul', {}, ...places));
  }
  for (const [label, text] of [['What to do: ', remedyText(known)], ['Where: ', remedyUrl(known)]]) {
    if (text !== '') {
      elements.notice.append(make('p', {}, make('strong', {}, label), ...linked(text)));
    }
  }
  elements.notice.hidden = false;
  elements.notice.scrollIntoView({ block: 'nearest' });
  if (error instanceof ProblemError && (error.status === 401 || error.status === 403)) {
    elements.access.open = true;
    if (error.status === 401) {
      elements.token.focus();
    }
  }
}

/** @param {string} place such as `/inputs/repo/owner` */
function placeWords(place) {
  return place.replace(/^\/inputs\//, '').replaceAll('/', ', ');
}

function hideNotice() {
  elements.notice.hidden = true;
}

/** @param {Retry | null} retry null once all is well */
function showConnection(retry) {
  elements.connection.hidden = retry === null;
  if (retry !== null) {
    const seconds = Math.max(1, Math.round(retry.waitMs / 1000));
    elements.connection.textContent = `${retry.error.message} Trying again in ${seconds} s. Running steps continue.`;
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
