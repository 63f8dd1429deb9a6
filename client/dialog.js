/**
 * One question at a time, in the page's dialog: whether to go on with what cannot be taken back, or what a result is.
 */

import { ProblemError } from './slipway.js';
import { pointerPath } from './form.js';

/**
 * @typedef {import('./form.js').FormNode} FormNode
 * @typedef {{ title: string, text: string, go: string, node?: FormNode }} Question `go` is the button that goes on
 */

export class Dialog {
  #dialog;
  #form;
  /** @param {string} name */
  #part = (name) => /** @type {HTMLElement} */ (this.#dialog.querySelector(`#dialog-${name}`));

  /** @param {HTMLDialogElement} dialog */
  constructor(dialog) {
    this.#dialog = dialog;
    this.#form = /** @type {HTMLFormElement} */ (dialog.querySelector('form'));
    this.#part('back').addEventListener('click', () => dialog.close());
  }

  close() {
    this.#dialog.close();
  }

  /**
   * Asks, and does `work` where the answer is yes. It stays open while that is refused, with the reason.
   *
   * @param {Question} question
   * @param {() => Promise<unknown>} work
   * @returns {Promise<void>} once it is closed
   */
  ask({ title, text, go, node }, work) {
    this.#part('title').textContent = title;
    this.#part('text').textContent = text;
    this.#part('go').textContent = go;
    this.#part('body').replaceChildren(...(node === undefined ? [] : [node.element]));
    this.#complain(null);
    let working = false;
    this.#form.onsubmit = async (event) => {
      event.preventDefault();
      if (working) {
        return;
      }
      working = true;
      node?.clear();
      try {
        await work();
        this.#dialog.close();
      } catch (error) {
        this.#complain(error, node);
      } finally {
        working = false;
      }
    };
    this.#dialog.showModal();
    return new Promise((resolve) => {
      this.#dialog.addEventListener('close', () => resolve(), { once: true });
    });
  }

  /**
   * @param {unknown} error null for none
   * @param {FormNode} [node] whose fields the places of the error are
   */
  #complain(error, node) {
    const part = this.#part('error');
    part.hidden = error === null;
    part.textContent = error instanceof Error ? error.message : '';
    const places = error instanceof ProblemError ? error.errors : [];
    const targets = places.map(({ place, message }) => node?.complain(pointerPath(place).slice(1), message));
    targets.find((target) => target != null)?.focus();
  }
}
