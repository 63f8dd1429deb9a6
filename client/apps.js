/**
 * The list of apps: what each was deployed by, what became of it, and a link to it.
 *
 * @typedef {import('./slipway.js').SlipwayClient} SlipwayClient
 * @typedef {import('./slipway.js').ListedApp} ListedApp
 */

import { make } from './form.js';
import { ago, describeDeployment } from './words.js';

const UNTOLD = { failed: [], held: [] };

export class AppList {
  #section;
  #list;
  #more;
  /** Ends what an earlier `show` still waits for. */
  #controller = new AbortController();

  /** @param {HTMLElement} section with a list, and a button for the next page of it */
  constructor(section) {
    this.#section = section;
    this.#list = /** @type {HTMLElement} */ (section.querySelector('ul'));
    this.#more = /** @type {HTMLButtonElement} */ (section.querySelector('button'));
  }

  hide() {
    this.#controller.abort();
    this.#section.hidden = true;
  }

  /** @param {SlipwayClient} client */
  async show(client) {
    this.hide();
    this.#list.replaceChildren();
    this.#controller = new AbortController();
    await this.#add(client, null, this.#controller.signal);
  }

  /**
   * @param {SlipwayClient} client
   * @param {string | null} after
   * @param {AbortSignal} signal
   */
  async #add(client, after, signal) {
    try {
      const { apps, next } = await client.apps({ after: after ?? undefined, signal });
      const items = apps.map(appItem);
      this.#list.append(...items);
      this.#section.hidden = this.#list.childElementCount === 0;
      this.#more.hidden = next === null;
      this.#more.onclick = () => void this.#add(client, next, signal);
      if (after !== null) {
        items[0]?.querySelector('a')?.focus();
      }
    } catch (error) {
      // Who may not see the list may open an app all the same.
      if (!signal.aborted) {
        this.#section.hidden = this.#list.childElementCount === 0;
      }
    }
  }
}

/** @param {ListedApp} app */
function appItem({ appId, changedAt, deployments }) {
  const links = deployments.map((deployment) => {
    const { kind, badge } = describeDeployment(deployment, UNTOLD);
    const mark = make('span', { className: 'badge' }, badge);
    const link = make('a', { href: address(appId, deployment.workflowId) }, `${appId}: ${deployment.workflowId}`);
    const since = ago(deployment.finishedAt ?? deployment.retriedAt ?? deployment.startedAt);
    const line = make('p', { className: 'app' }, link, ' ', mark, ` ${since}`);
    line.dataset.kind = kind;
    return line;
  });
  const alone = make('p', { className: 'app' }, make('a', { href: address(appId) }, appId), ` ${ago(changedAt)}`);
  return make('li', {}, ...(links.length > 0 ? links : [alone]));
}

/**
 * @param {string} app
 * @param {string} [workflow]
 */
function address(app, workflow) {
  return `?${new URLSearchParams(workflow === undefined ? { app } : { workflow, app })}`;
}
