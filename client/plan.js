/**
 * What a workflow would do, as the page shows it: one entry a step, in the order of the workflow.
 *
 * @typedef {import('./slipway.js').Plan} Plan
 * @typedef {import('./slipway.js').PlannedStep} PlannedStep
 * @typedef {import('./slipway.js').Step} Step
 */

import { make } from './form.js';
import { linked } from './links.js';
import { stepId } from './steps.js';
import { describePlanned, list, plannedCalls, remedyText, remedyUrl, stepTitle } from './words.js';

/**
 * @param {Plan} plan
 * @param {readonly Step[]} steps
 * @returns {{ items: HTMLElement[], calls: HTMLElement[], hash: string }}
 */
export function planElements(plan, steps) {
  return {
    items: plan.steps.map((planned) => stepElement(planned, steps)),
    calls: plan.calls.map((calls) => make('li', {}, plannedCalls(calls))),
    hash: `Plan ${plan.hash}`,
  };
}

/**
 * @param {PlannedStep} planned
 * @param {readonly Step[]} steps
 */
function stepElement(planned, steps) {
  const step = steps.find(({ id }) => id === planned.id);
  const { kind, badge, sentence } = describePlanned(planned);
  const title = make('h4', {}, step === undefined ? planned.id : stepTitle(step));
  if (step !== undefined) {
    title.append(' ', stepId(step));
  }
  const head = make('div', { className: 'step-head' }, title, make('span', { className: 'badge' }, badge));
  const item = make('li', { className: 'step' }, head);
  item.dataset['kind'] = kind;
  if (sentence !== '') {
    item.append(make('p', { className: 'sentence' }, sentence));
  }
  if (planned.error) {
    item.append(troubleElement(planned.error));
  } else if (planned.text) {
    item.append(make('p', { className: 'facts' }, ...linked(planned.text)));
  }
  const differences = (planned.differences ?? []).map((text) => make('li', {}, ...linked(text)));
  if (planned.moreDifferences) {
    differences.push(make('li', {}, `And ${planned.moreDifferences} more.`));
  }
  if (differences.length > 0) {
    item.append(make('ul', {}, ...differences));
  }
  const after = (planned.after ?? []).map((id) => titleOf(id, steps));
  if (after.length > 0) {
    item.append(make('p', { className: 'facts' }, `More is known after: ${list(after)}.`));
  }
  return item;
}

/**
 * @param {string} id
 * @param {readonly Step[]} steps a step of another app is none of them
 */
function titleOf(id, steps) {
  const step = steps.find((candidate) => candidate.id === id);
  return step === undefined ? id : stepTitle(step);
}

/** @param {import('./slipway.js').ActionFailure} error */
function troubleElement(error) {
  const trouble = make('div', { className: 'trouble' }, make('p', { className: 'message' }, ...linked(error.message)));
  for (const [label, text] of [['What to do: ', remedyText(error)], ['Where: ', remedyUrl(error)]]) {
    if (text) {
      trouble.append(make('p', {}, make('strong', {}, label), ...linked(text)));
    }
  }
  return trouble;
}
