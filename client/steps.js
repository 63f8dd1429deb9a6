/**
 * The list of steps: made once for a workflow, then only changed, so that nobody loses the place or the focus.
 *
 * @typedef {import('./slipway.js').Status} Status
 * @typedef {import('./slipway.js').Step} Step
 * @typedef {import('./words.js').Description} Description
 * @typedef {{
 *   onTry: (step: Step, force: boolean) => void,
 *   onGive: (step: Step) => void,
 *   onField: (step: Step, error: { remedy?: unknown }) => (() => void) | null,
 * }} StepActions `onField` gives what leads to the input that an error is about, where there is one to go to
 */

import { labelOf, make } from './form.js';
import { linked } from './links.js';
import { describe, elapsed, remedyInput, remedyText, remedyUrl, stepTitle } from './words.js';

/** A long list of outputs is for other programs, not for the page. */
const MOST_OUTPUTS = 40;

export class StepList {
  /** @type {Map<string, StepCard>} */
  #cards = new Map();
  #steps;

  /**
   * @param {HTMLElement} element
   * @param {readonly Step[]} steps
   * @param {StepActions} actions
   */
  constructor(element, steps, actions) {
    this.#steps = steps;
    for (const step of steps) {
      this.#cards.set(step.id, new StepCard(step, actions));
    }
    element.replaceChildren(...[...this.#cards.values()].map((card) => card.element));
  }

  /**
   * @param {Status} status
   * @returns {string} what to tell those who cannot see it; empty where nothing is new
   */
  update(status) {
    const news = this.#cards.get(status.actionId)?.update(status, this.#missing(status.actionId)) ?? '';
    if (news !== '' && status.status === 'done') {
      this.#cards.forEach((card, id) => card.showNeeds(this.#missing(id)));
    }
    return news;
  }

  /**
   * Shows why a step could not even be triggered.
   *
   * @param {string} actionId
   * @param {Error} error
   */
  refuse(actionId, error) {
    this.#cards.get(actionId)?.refuse(error);
  }

  /** @param {string | null} [actionId] forgets what `refuse` showed, of one step or of all */
  forgive(actionId = null) {
    this.#cards.forEach((card, id) => (actionId === null || actionId === id) && card.forgive());
  }

  /** Moves the clocks of what runs. */
  tick() {
    this.#cards.forEach((card) => card.tick());
  }

  /**
   * @param {string} actionId
   * @param {boolean} busy whether it is being run again
   * @param {boolean} whole whether the workflow runs, which needs what is done to stay as it is
   */
  setBusy(actionId, busy, whole) {
    this.#cards.get(actionId)?.setBusy(busy, whole);
  }

  /** @returns {{ failed: string[], held: string[] }} the ids of what failed, and of what waits for that */
  troubled() {
    const cards = [...this.#cards];
    const failed = cards.filter(([, card]) => card.word === 'error').map(([id]) => id);
    return { failed, held: cards.filter(([, card]) => card.status?.reason === 'need_failed').map(([id]) => id) };
  }

  /**
   * @param {string} actionId
   * @param {{ deploymentId: string }} deployment
   */
  isOf(actionId, { deploymentId }) {
    return this.#cards.get(actionId)?.status?.deploymentId === deploymentId;
  }

  /** @returns {{ total: number, done: number, running: number, failed: number, stale: number }} */
  count() {
    const words = [...this.#cards.values()].map((card) => card.word);
    /** @param {string} word */
    const of = (word) => words.filter((candidate) => candidate === word).length;
    const idle = of('idle');
    const held = [...this.#cards.values()].filter((card) => card.status?.reason === 'need_failed').length;
    const stale = [...this.#cards.values()].filter((card) => card.status?.stale && card.word === 'done').length;
    const counts = { total: words.length, done: of('done'), failed: of('error'), stale };
    return { ...counts, running: counts.total - counts.done - counts.failed - idle - held };
  }

  /** @returns {number | null} how soon the server wants to be asked again, where anything runs */
  nextPollMs() {
    const hints = [...this.#cards.values()].filter((card) => card.runs).map((card) => card.status?.nextPollMs || 2000);
    return hints.length > 0 ? Math.min(...hints) : null;
  }

  /** @param {string} actionId */
  #missing(actionId) {
    const needs = this.#steps.find((step) => step.id === actionId)?.needs ?? [];
    const missing = this.#steps.filter((step) => needs.includes(step.id) && this.#cards.get(step.id)?.word !== 'done');
    return missing.map(stepTitle);
  }
}

class StepCard {
  /** @type {Status | null} */
  status = null;
  #step;
  #actions;
  #badge = make('span', { className: 'badge' });
  #sentence = make('p', { className: 'sentence' });
  #facts = make('p', { className: 'facts' });
  #detail = make('p', { className: 'detail', hidden: true });
  #outputs = make('dl', { className: 'outputs' });
  #message = make('p', { className: 'message' });
  #remedy = make('p', { className: 'remedy' });
  #trouble = make('div', { className: 'trouble', hidden: true });
  #where = make('p', { className: 'where' });
  #field = make('button', { type: 'button', hidden: true });
  /** @type {(() => void) | null} */
  #toField = null;
  #again;
  #anew;
  #give;

  /**
   * @param {Step} step
   * @param {StepActions} actions
   */
  constructor(step, actions) {
    this.#step = step;
    this.#actions = actions;
    this.#again = this.#button('Try again', false);
    this.#anew = this.#button('Run again', true);
    this.#give = make('button', { type: 'button', hidden: true }, 'Give the result');
    this.#give.setAttribute('aria-label', `Give the result: ${stepTitle(step)}`);
    this.#give.addEventListener('click', () => this.#actions.onGive(this.#step));
    this.#anew.className = 'small';
    this.#anew.hidden = true;
    this.#field.addEventListener('click', () => this.#toField?.());
    const title = make('h4', {}, stepTitle(step));
    title.append(' ', stepId(step));
    const head = make('div', { className: 'step-head' }, title, this.#badge);
    const buttons = make('div', { className: 'buttons' }, this.#field, this.#again, this.#give);
    this.#trouble.append(this.#message, this.#remedy, this.#where, buttons);
    const body = [head, this.#sentence, this.#detail, this.#facts, this.#trouble, this.#outputs, this.#anew];
    this.element = make('li', { className: 'step' }, ...body);
    this.#show(describe(/** @type {any} */ ({ status: 'idle' }), step, []));
  }

  /**
   * @param {string} text
   * @param {boolean} force
   */
  #button(text, force) {
    const button = make('button', { type: 'button' }, text);
    button.setAttribute('aria-label', `${text}: ${stepTitle(this.#step)}`);
    button.addEventListener('click', () => {
      if (button.getAttribute('aria-disabled') !== 'true') {
        this.#actions.onTry(this.#step, force);
      }
    });
    return button;
  }

  /** What was removed is to be made again, so it counts as not begun. */
  get word() {
    return this.status?.removed ? 'idle' : this.status?.status ?? 'idle';
  }

  get runs() {
    return !['idle', 'done', 'error'].includes(this.word);
  }

  /**
   * @param {Status} status
   * @param {string[]} missing
   */
  update(status, missing) {
    const before = this.status;
    if (before !== null && !isNewer(status, before)) {
      return '';
    }
    this.status = status;
    const description = describe(status, this.#step, missing);
    const isNews = before !== null && this.#badge.textContent !== description.badge;
    this.#show(description);
    this.#showOutputs(status.status === 'done' && status.reason !== 'skipped' ? status.output ?? {} : {});
    this.#showTrouble(status.status === 'error' ? status.error ?? {} : null);
    this.#give.hidden = status.status !== 'error';
    const detail = this.#showDetail(status);
    this.#anew.hidden = status.status !== 'done';
    this.tick();
    const parts = [description.sentence, detail, status.error?.message ?? ''].filter((part) => part !== '');
    return isNews ? `${stepTitle(this.#step)}: ${[`${description.badge}.`, ...parts].join(' ')}` : '';
  }

  /** @param {string[]} missing */
  showNeeds(missing) {
    if (this.status?.status === 'idle') {
      this.#show(describe(this.status, this.#step, missing));
    }
  }

  tick() {
    const { status } = this;
    const attempt = status?.attempt ?? 0;
    const time = status === null ? '' : elapsed(status);
    const spent = this.runs ? `${time} so far` : `took ${time}`;
    const facts = [attempt > 0 ? `Attempt ${attempt}` : '', time === '' ? '' : spent];
    this.#facts.textContent = facts.filter((fact) => fact !== '').join(', ');
    this.#facts.hidden = this.#facts.textContent === '';
  }

  /** @param {Error} error */
  refuse(error) {
    this.#showTrouble(error);
  }

  forgive() {
    if (this.word !== 'error') {
      this.#showTrouble(null);
    }
  }

  /**
   * @param {boolean} busy
   * @param {boolean} whole
   */
  setBusy(busy, whole) {
    this.#again.setAttribute('aria-disabled', String(busy));
    this.#anew.setAttribute('aria-disabled', String(busy || whole));
  }

  /** @param {Description} description */
  #show({ kind, badge, sentence }) {
    this.element.dataset.kind = kind;
    this.#badge.textContent = badge;
    this.#sentence.textContent = sentence;
    this.#sentence.hidden = sentence === '';
  }

  /**
   * What it waits for: the server's own sentence, which may be all that a person has to go by.
   *
   * @param {Status} status
   */
  #showDetail(status) {
    const detail = (this.runs && status.detail) || '';
    const label = status.reason === 'person' ? [make('strong', {}, 'What to do: ')] : [];
    this.#detail.replaceChildren(...label, ...linked(detail));
    this.#detail.classList.toggle('todo', status.reason === 'person');
    this.#detail.hidden = detail === '';
    return detail;
  }

  /**
   * @param {{ message?: string, retryable?: boolean, remedy?: unknown, status?: unknown } | null} error
   */
  #showTrouble(error) {
    const remedy = error === null ? '' : remedyText(error);
    const where = error === null ? '' : remedyUrl(error);
    this.#trouble.hidden = error === null;
    this.#message.replaceChildren(...linked(error?.message || 'It failed and gave no reason.'));
    this.#remedy.replaceChildren(make('strong', {}, 'What to do: '), ...linked(remedy));
    this.#remedy.hidden = remedy === '';
    this.#where.replaceChildren(make('strong', {}, 'Where: '), ...linked(where));
    this.#where.hidden = where === '';
    this.#toField = error === null ? null : this.#actions.onField(this.#step, error);
    this.#field.textContent = `Change “${labelOf(remedyInput(error))}”`;
    this.#field.hidden = this.#toField === null;
  }

  /** @param {Readonly<Record<string, unknown>>} output */
  #showOutputs(output) {
    const entries = flatten(output).slice(0, MOST_OUTPUTS);
    const pairs = entries.map(({ label, value }) => {
      return make('div', {}, make('dt', {}, label), make('dd', {}, ...linked(value)));
    });
    this.#outputs.replaceChildren(...pairs);
    this.#outputs.hidden = pairs.length === 0;
  }
}

/**
 * @param {Readonly<Record<string, unknown>>} output
 * @param {string} [prefix]
 * @returns {{ label: string, value: string }[]}
 */
function flatten(output, prefix = '') {
  return Object.entries(output).flatMap(([name, value]) => {
    const label = prefix === '' ? labelOf(name) : `${prefix}, ${labelOf(name).toLowerCase()}`;
    if (typeof value === 'object' && value !== null) {
      return flatten(/** @type {Record<string, unknown>} */ (value), label);
    }
    return value === null || value === '' ? [] : [{ label, value: String(value) }];
  });
}

/**
 * What the command line calls it; steps of the same action have the same title.
 *
 * @param {Step} step
 */
export function stepId(step) {
  return make('code', { className: 'step-id' }, step.id);
}

/**
 * A trigger that reuses a result tells of a run that we know, and so does a step whose things were removed, or that is
 * out of date. Why a run waits may change while the run does not.
 *
 * @param {Status} status
 * @param {Status} before
 */
function isNewer(status, before) {
  if (status.runId !== before.runId || status.version > before.version) {
    return true;
  }
  const reused = status.reused === true && before.reused !== true;
  const other = Boolean(status.removed) !== Boolean(before.removed) ||
    Boolean(status.stale) !== Boolean(before.stale) ||
    status.reason !== before.reason || status.detail !== before.detail;
  return status.version === before.version && (reused || other);
}
