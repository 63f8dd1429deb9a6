/**
 * The list of steps: made once for a workflow, then only changed, so that nobody loses the place or the focus.
 *
 * @typedef {import('./slipway.js').Status} Status
 * @typedef {import('./slipway.js').Step} Step
 * @typedef {import('./words.js').Description} Description
 */

import { labelOf, make } from './form.js';
import { describe, elapsed, remedyText, stepTitle } from './words.js';

/** A long list of outputs is for other programs, not for the page. */
const MOST_OUTPUTS = 40;

export class StepList {
  /** @type {Map<string, StepCard>} */
  #cards = new Map();
  #steps;

  /**
   * @param {HTMLElement} element
   * @param {readonly Step[]} steps
   * @param {(step: Step) => void} onTryAgain
   */
  constructor(element, steps, onTryAgain) {
    this.#steps = steps;
    for (const step of steps) {
      this.#cards.set(step.id, new StepCard(step, () => onTryAgain(step)));
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
   * @param {boolean} busy whether it is being tried again
   */
  setBusy(actionId, busy) {
    this.#cards.get(actionId)?.setBusy(busy);
  }

  /** @returns {{ total: number, done: number, running: number, failed: number }} */
  count() {
    const words = [...this.#cards.values()].map((card) => card.word);
    /** @param {string} word */
    const of = (word) => words.filter((candidate) => candidate === word).length;
    const idle = of('idle');
    const counts = { total: words.length, done: of('done'), failed: of('error') };
    return { ...counts, running: counts.total - counts.done - counts.failed - idle };
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
  #badge = make('span', { className: 'badge' });
  #sentence = make('p', { className: 'sentence' });
  #facts = make('p', { className: 'facts' });
  #outputs = make('dl', { className: 'outputs' });
  #message = make('p', { className: 'message' });
  #remedy = make('p', { className: 'remedy' });
  #trouble = make('div', { className: 'trouble', hidden: true });
  #again = make('button', { type: 'button' }, 'Try again');

  /**
   * @param {Step} step
   * @param {() => void} onTryAgain
   */
  constructor(step, onTryAgain) {
    this.#step = step;
    const title = make('h3', {}, stepTitle(step));
    const head = make('div', { className: 'step-head' }, title, this.#badge);
    this.#again.setAttribute('aria-label', `Try again: ${stepTitle(step)}`);
    this.#again.addEventListener('click', () => this.#again.getAttribute('aria-disabled') !== 'true' && onTryAgain());
    this.#trouble.append(this.#message, this.#remedy, this.#again);
    const body = [head, this.#sentence, this.#facts, this.#trouble, this.#outputs];
    this.element = make('li', { className: 'step' }, ...body);
    this.#show(describe(/** @type {any} */ ({ status: 'idle' }), step, []));
  }

  get word() {
    return this.status?.status ?? 'idle';
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
    if (before !== null && status.version <= before.version && status.runId === before.runId) {
      return '';
    }
    this.status = status;
    const description = describe(status, this.#step, missing);
    const isNews = before !== null && this.#badge.textContent !== description.badge;
    this.#show(description);
    this.#showOutputs(status.status === 'done' ? status.output ?? {} : {});
    this.#showTrouble(status.status === 'error' ? status.error ?? {} : null);
    this.tick();
    const message = status.error?.message ?? '';
    return isNews ? `${stepTitle(this.#step)}: ${description.badge}. ${description.sentence} ${message}`.trim() : '';
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

  /** @param {boolean} busy */
  setBusy(busy) {
    this.#again.setAttribute('aria-disabled', String(busy));
  }

  /** @param {Description} description */
  #show({ kind, badge, sentence }) {
    this.element.dataset.kind = kind;
    this.#badge.textContent = badge;
    this.#sentence.textContent = sentence;
    this.#sentence.hidden = sentence === '';
  }

  /** @param {{ message?: string, retryable?: boolean, remedy?: unknown, status?: unknown } | null} error */
  #showTrouble(error) {
    const remedy = error === null ? '' : remedyText(error);
    this.#trouble.hidden = error === null;
    this.#message.textContent = error?.message || 'It failed, and gave no reason.';
    this.#remedy.replaceChildren(make('strong', {}, 'What to do: '), remedy);
    this.#remedy.hidden = remedy === '';
  }

  /** @param {Readonly<Record<string, unknown>>} output */
  #showOutputs(output) {
    const entries = flatten(output).slice(0, MOST_OUTPUTS);
    const pairs = entries.map(({ label, value }) => {
      return make('div', {}, make('dt', {}, label), make('dd', {}, shown(value)));
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
 * Only https becomes a link: an output comes from elsewhere, and `javascript:` is an address too.
 *
 * @param {string} value
 * @returns {Node | string}
 */
function shown(value) {
  if (!/^https:\/\/[^\s]+$/.test(value) || !URL.canParse(value)) {
    return value;
  }
  return make('a', { href: value, target: '_blank', rel: 'noopener noreferrer' }, value);
}
