/**
 * Statuses, problems and times in the words of people who do not read logs. No document, no network: only words.
 *
 * @typedef {import('./slipway.js').Status} Status
 * @typedef {import('./slipway.js').Step} Step
 * @typedef {import('./slipway.js').PlannedStep} PlannedStep
 * @typedef {import('./slipway.js').Deployment} Deployment
 * @typedef {{ kind: 'idle' | 'busy' | 'waiting' | 'good' | 'bad', badge: string, sentence: string }} Description
 */

/** Names that are not their id with a capital. @type {Record<string, string>} */
const PROVIDER_NAMES = { github: 'GitHub', gitlab: 'GitLab', http: 'the server' };

/** @type {Record<string, string>} */
const REASONS = {
  rate_limited: 'rate limit',
  turn: 'other runs are first',
  not_ready: 'not ready yet',
  provider_down: 'it has an outage',
  provider_unavailable: 'it has an outage',
  network: 'it could not be reached',
  timeout: 'it took too long to respond',
  worker_lost: 'the worker was lost',
};

/** What holds a step, whoever its provider is. @type {Record<string, { badge: string, sentence: string }>} */
const HOLDS = {
  no_worker: { badge: 'Queued', sentence: 'No worker is running. It starts once there is one.' },
  worker_silent: {
    badge: 'Working', sentence: 'Its worker has not been heard of. If it stays silent, another one continues.',
  },
  store_unavailable: {
    badge: 'Waiting', sentence: 'Its worker could not reach the data of Slipway. It tries again within seconds.',
  },
  cancelling: { badge: 'Cancelling', sentence: 'Its worker ends it within seconds.' },
};

/** For problems that have no remedy of their own. @type {Record<number, string>} */
const STATUS_REMEDIES = {
  401: 'Enter a valid access token above and open the app again.',
  403: 'Your access token does not allow this. Ask whoever gave it to you.',
  404: 'Check the name of the app, and that your access token is valid for it.',
  409: 'Wait until it has ended, then try again.',
  429: 'Wait a moment, then try again.',
};

/** @param {string} action such as `github.repository` */
export function providerName(action) {
  const id = action.split('.')[0] ?? '';
  return PROVIDER_NAMES[id] ?? id.charAt(0).toUpperCase() + id.slice(1);
}

/** @param {Step} step */
export function stepTitle(step) {
  return step.summary || step.id;
}

/**
 * The time of day, with the date where it is not today.
 *
 * @param {string | null | undefined} value
 * @param {Date} [now]
 * @returns {string} empty where there is none
 */
export function clockTime(value, now = new Date()) {
  const time = value ? new Date(value) : null;
  if (time === null || Number.isNaN(time.getTime())) {
    return '';
  }
  const hours = time.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  const today = time.toDateString() === now.toDateString();
  return today ? hours : `${time.toLocaleDateString([], { day: 'numeric', month: 'short' })}, ${hours}`;
}

/** @param {number} milliseconds */
export function duration(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const minutes = Math.floor(seconds / 60);
  if (minutes === 0) {
    return `${seconds} s`;
  }
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const AGES = /** @type {const} */ ([[86_400_000, 'day'], [3_600_000, 'hour'], [60_000, 'minute'], [1000, 'second']]);

/**
 * @param {string | null | undefined} value
 * @param {Date} [now]
 * @returns {string} such as `3 days ago`; empty where there is no time
 */
export function ago(value, now = new Date()) {
  const age = value ? now.getTime() - new Date(value).getTime() : NaN;
  if (Number.isNaN(age)) {
    return '';
  }
  for (const [milliseconds, unit] of AGES) {
    const count = Math.floor(age / milliseconds);
    if (count > 0) {
      return `${count} ${unit}${count === 1 ? '' : 's'} ago`;
    }
  }
  return 'just now';
}

/**
 * @param {Status} status
 * @param {Date} [now]
 * @returns {string} empty before any run
 */
export function elapsed(status, now = new Date()) {
  const start = status.startedAt ?? status.queuedAt;
  if (!start) {
    return '';
  }
  const end = status.finishedAt ? new Date(status.finishedAt) : now;
  return duration(end.getTime() - new Date(start).getTime());
}

/**
 * @param {Status} status
 * @param {Step} step
 * @param {string[]} missing the titles of the needs that are not done
 * @returns {Description}
 */
export function describe(status, step, missing = []) {
  switch (status.status) {
    case 'idle':
      return { kind: 'idle', badge: 'Not started', sentence: needed(missing) };
    case 'done':
      return describeDone(status);
    case 'error':
      return { kind: 'bad', badge: status.error?.class === 'cancelled' ? 'Cancelled' : 'Failed', sentence: '' };
    default:
      return describeRunning(status, step);
  }
}

/**
 * @param {Status} status
 * @returns {Description}
 */
function describeDone(status) {
  if (status.removed) {
    return waiting('Removed', 'Its result has been removed since. Run it again to create it again.');
  }
  if (status.stale) {
    return waiting('Out of date', 'Made from something that has changed since. Start again to make it anew.');
  }
  if (status.reason === 'skipped') {
    return { kind: 'idle', badge: 'Skipped', sentence: sentence(status.output?.['reason']) };
  }
  return { kind: 'good', badge: 'Done', sentence: finished(status) };
}

/**
 * @param {Status} status
 * @param {string} resume
 * @returns {Description} which steps it waits for is in its detail
 */
function describeBlocked(status, resume) {
  switch (status.reason) {
    case 'person':
      return waiting('Your turn', clauses('Continues by itself once this is done', '', resume, 'checks again at'));
    case 'needs':
      return { kind: 'idle', badge: 'Waiting', sentence: 'Begins by itself when what it needs is done.' };
    case 'need_failed':
      return waiting('On hold', 'Begins by itself when what it needs was retried and is done.');
    default:
      return waiting('Blocked', clauses('Cannot continue', reason(status), resume, 'checks again at'));
  }
}

/**
 * @param {Deployment} deployment
 * @param {{ failed: string[], held: string[] }} steps the ids of those that failed, and of those that wait for them
 * @param {Date} [now]
 * @returns {Description}
 */
export function describeDeployment(deployment, { failed, held }, now = new Date()) {
  const ended = clockTime(deployment.finishedAt, now);
  const at = ended === '' ? '' : ` at ${ended}`;
  if (deployment.status === 'done') {
    return { kind: 'good', badge: 'Deployed', sentence: `Finished${at}.` };
  }
  if (deployment.status !== 'error') {
    const began = clockTime(deployment.retriedAt ?? deployment.startedAt, now);
    const since = began === '' ? '' : ` since ${began}`;
    return deployment.reason === 'cancelling'
      ? { kind: 'busy', badge: 'Being cancelled', sentence: 'What is under way ends within seconds.' }
      : { kind: 'busy', badge: 'Deploying', sentence: `Under way${since}. It goes on also if you close this page.` };
  }
  if (deployment.reason === 'cancelled') {
    return { kind: 'bad', badge: 'Cancelled', sentence: `Ended${at}. What was made stays; a retry goes on with it.` };
  }
  if (failed.length === 0 && held.length > 0) {
    return { kind: 'bad', badge: 'On hold', sentence: `Waiting for what has failed in another app: ${list(held)}.` };
  }
  const waits = held.length > 0 ? ` Waiting for that: ${list(held)}.` : '';
  return { kind: 'bad', badge: 'Failed', sentence: `Ended${at}. Failed: ${list(failed)}.${waits}` };
}

/**
 * @param {Status} status
 * @param {Step} step
 * @returns {Description}
 */
function describeRunning(status, step) {
  const held = HOLDS[status.reason ?? ''];
  if (held) {
    return waiting(held.badge, held.sentence);
  }
  const provider = providerName(step.action);
  const why = reason(status);
  const resume = clockTime(status.resumeAt);
  switch (status.phase) {
    case 'queued':
      if (status.reason === 'no_worker_for_version')
        return waiting('Queued', 'No running worker has this version of the step. It starts when there is one.');
      if (status.reason === 'paused')
        return waiting('Paused', 'An operator has paused it. It starts when it is resumed.');
      return { kind: 'busy', badge: 'Queued', sentence: 'Waiting for a free worker.' };
    case 'waiting':
      return waiting('Waiting', clauses(`Waiting for ${provider}`, why, resume, 'resumes at'));
    case 'retrying':
      return waiting('Trying again', clauses(`The last attempt at ${provider} failed`, why, resume, 'next try at'));
    case 'blocked':
      return describeBlocked(status, resume);
    default:
      return { kind: 'busy', badge: 'Working', sentence: `Talking to ${provider}.` };
  }
}

/** What a planned change is called, and how it is shown. @type {Record<string, [Description['kind'], string]>} */
const CHANGES = {
  create: ['busy', 'Creates'],
  update: ['busy', 'Changes'],
  adopt: ['busy', 'Adopts'],
  remove: ['waiting', 'Removes'],
  nothing: ['idle', 'Nothing to do'],
  undecided: ['waiting', 'Not decided yet'],
  blocked: ['waiting', 'Waits'],
  conflict: ['bad', 'Conflict'],
};

/**
 * @param {PlannedStep} planned
 * @returns {Description}
 */
export function describePlanned({ change, kind: what, name, gone, error }) {
  const [kind, badge] = CHANGES[change] ?? ['idle', change];
  if (error && change === 'blocked') {
    return { kind: 'bad', badge: 'Blocked', sentence: '' };
  }
  const thing = what && name && !error ? `The ${what} ${name}` : '';
  const again = gone ? ', once more: the app had it, and it is gone' : '';
  return { kind, badge, sentence: thing === '' ? '' : `${thing}${again}.` };
}

/** @param {import('./slipway.js').Plan['calls'][number]} calls */
export function plannedCalls({ provider, looked, needed, writes, remaining, warning }) {
  const parts = [`${looked} calls made`, `at least ${needed} needed, ${writes} of them changes`];
  if (remaining >= 0) {
    parts.push(`${remaining} left`);
  }
  return `${providerName(provider)}: ${[...parts, ...(warning ? [warning] : [])].join('; ')}.`;
}

/**
 * @param {string} badge
 * @param {string} sentence
 * @returns {Description}
 */
function waiting(badge, sentence) {
  return { kind: 'waiting', badge, sentence };
}

/**
 * @param {string} start
 * @param {string} why
 * @param {string} time
 * @param {string} timeWords
 */
function clauses(start, why, time, timeWords) {
  return `${start}${why ? `: ${why}` : ''}${time ? `, ${timeWords} ${time}` : ''}.`;
}

/** @param {Status} status */
function reason({ reason: word }) {
  return word ? REASONS[word] ?? word.replaceAll('_', ' ') : '';
}

/** @param {string[]} missing */
function needed(missing) {
  return missing.length > 0 ? `Starts after: ${list(missing)}.` : '';
}

/** @param {Status} status */
function finished(status) {
  const time = clockTime(status.finishedAt);
  if (status.reused) {
    return `Reused${time ? `, finished ${ago(status.finishedAt)}` : ''}: nothing was run.`;
  }
  return time ? `Finished at ${time}.` : '';
}

/** @param {unknown} text words as programs write them, such as `no domain was given` */
function sentence(text) {
  return typeof text === 'string' && text !== '' ? `${text.charAt(0).toUpperCase()}${text.slice(1)}.` : '';
}

/** @param {readonly string[]} words */
export function list(words) {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/**
 * What a person can do: the server's own words, else the best that we can say.
 *
 * @param {{ remedy?: unknown, status?: unknown, retryable?: boolean, class?: unknown }} error
 * @returns {string}
 */
export function remedyText(error) {
  const remedy = /** @type {any} */ (error.remedy);
  const text = typeof remedy === 'string' ? remedy : remedy?.text;
  if (typeof text === 'string' && text !== '') {
    return text;
  }
  const general = typeof error.status === 'number' ? STATUS_REMEDIES[error.status] : undefined;
  return general ?? (error.retryable ? 'This often resolves itself. Try again in a few minutes.' : '');
}

/**
 * @param {{ remedy?: unknown }} error
 * @returns {string} where it can be done; empty where that is not said
 */
export function remedyUrl(error) {
  const url = /** @type {any} */ (error.remedy)?.url;
  return typeof url === 'string' ? url : '';
}

/**
 * @param {{ remedy?: unknown } | null} error
 * @returns {string} the member of the step's input that is to be changed; empty where that is not said
 */
export function remedyInput(error) {
  const name = /** @type {any} */ (error?.remedy)?.inputKey;
  return typeof name === 'string' ? name : '';
}
