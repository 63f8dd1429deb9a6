/**
 * Forms made from JSON Schema. The server validates; a form only helps to write what it takes.
 *
 * Each maker gives a node: the element, a `read` that gives the value (undefined where nothing is entered, so that
 * what is stored or the default stays), a `complain` that shows a message at a place below it, a `find` that gives what
 * to focus there, and a `saved` that is told what is stored, once that was read has been sent.
 *
 * A secret is entered and never shown: what is stored comes as SEALED, and reads as that until another is entered.
 *
 * @typedef {import('./slipway.js').InputSchema} InputSchema
 * @typedef {{
 *   element: HTMLElement,
 *   read: () => unknown,
 *   complain: (path: string[], message: string) => HTMLElement | null,
 *   find: (path: string[]) => HTMLElement | null,
 *   clear: () => void,
 *   saved: (value: unknown) => void,
 * }} FormNode
 * @typedef {{ label: string, required: boolean, first?: ReadonlySet<string> }} Naming `first`: the members of a group
 * that a person has to fill in; the others are folded behind them
 */

let lastId = 0;

/** Stands in a value where a secret is stored. It is no text, so it cannot be sent or shown by mistake. */
export const SEALED = Symbol('sealed');

/**
 * @param {unknown} value
 * @param {string} pointer a JSON Pointer into it, where a secret stands that was left out
 */
export function markSealed(value, pointer) {
  const path = pointerPath(pointer);
  const name = path.pop() ?? '';
  /** @type {any} */
  let holder = value;
  for (const part of path) {
    holder = typeof holder === 'object' && holder !== null ? holder[part] : undefined;
  }
  if (typeof holder === 'object' && holder !== null) {
    holder[name] = SEALED;
  }
}

/**
 * Where in a value a stored secret would have to be sent, which nobody can.
 *
 * @param {unknown} value
 * @returns {string[] | null} the path to the first one
 */
export function sealedPath(value) {
  if (value === SEALED) {
    return [];
  }
  for (const [name, member] of typeof value === 'object' && value !== null ? Object.entries(value) : []) {
    const path = sealedPath(member);
    if (path !== null) {
      return [name, ...path];
    }
  }
  return null;
}

/**
 * @param {string} pointer such as `/inputs/repo/owner`
 * @returns {string[]}
 */
export function pointerPath(pointer) {
  return pointer.split('/').slice(1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/**
 * @param {InputSchema} schema
 * @param {unknown} value what is stored
 * @param {Naming} naming
 * @returns {FormNode}
 */
export function formNode(schema, value, naming) {
  if (schema.enum) {
    return choiceNode(schema, value, naming);
  }
  switch (schema.type) {
    case 'object':
      return schema.properties ? groupNode(schema, value, naming) : jsonNode(schema, value, naming);
    case 'array':
      return schema.items ? listNode(schema, value, naming) : jsonNode(schema, value, naming);
    case 'boolean':
      return switchNode(schema, value, naming);
    case 'integer':
    case 'number':
      return numberNode(schema, value, naming);
    case 'string':
      return schema.writeOnly ? secretNode(schema, value, naming) : textNode(schema, value, naming);
    default:
      return jsonNode(schema, value, naming);
  }
}

/**
 * What must be sent so that merging it (RFC 7396) turns `stored` into `entered`. Members that no form shows stay.
 *
 * @param {unknown} stored
 * @param {unknown} entered
 * @returns {unknown} undefined where nothing differs
 */
export function mergePatch(stored, entered) {
  if (entered === undefined) {
    return stored === undefined ? undefined : null;
  }
  if (!isObject(entered) || !isObject(stored)) {
    return sameJson(stored, entered) ? undefined : withoutGaps(entered);
  }
  /** @type {[string, unknown][]} */
  const changes = Object.keys(entered).map((name) => [name, mergePatch(stored[name], entered[name])]);
  const patch = Object.fromEntries(changes.filter(([, change]) => change !== undefined));
  return Object.keys(patch).length > 0 ? patch : undefined;
}

/**
 * The value without the members that are undefined, and undefined where nothing is left.
 *
 * @param {unknown} value
 * @returns {unknown}
 */
export function withoutGaps(value) {
  if (!isObject(value)) {
    return value;
  }
  const members = Object.entries(value).map(([name, member]) => [name, withoutGaps(member)]);
  const filled = members.filter(([, member]) => member !== undefined);
  return filled.length > 0 ? Object.fromEntries(filled) : undefined;
}

/** @param {string} name such as `repoName` or `repo_name` */
export function labelOf(name) {
  const words = name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replace(/[_.-]+/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1).toLowerCase();
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Partial<HTMLElementTagNameMap[Tag]>} [properties]
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/**
 * @param {InputSchema} schema
 * @param {unknown} value
 * @param {Naming} naming
 * @returns {FormNode}
 */
function groupNode(schema, value, naming) {
  const required = new Set(schema.required ?? []);
  const stored = isObject(value) ? value : {};
  /** @type {Map<string, FormNode>} */
  const members = new Map();
  for (const [name, member] of Object.entries(schema.properties ?? {})) {
    const label = member.title ?? labelOf(name);
    members.set(name, formNode(member, stored[name], { label, required: required.has(name) }));
  }
  const nodes = [...members.values()];
  const complaint = make('p', { className: 'complaint', hidden: true });
  const element = make('fieldset', { className: 'group', tabIndex: -1 });
  const { shown, fold } = foldOthers(members, naming.first);
  element.append(make('legend', {}, title(naming)), ...help(schema), ...shown, complaint);
  /** @param {string} name */
  const unfold = (name) => {
    if (fold !== null && !naming.first?.has(name)) {
      fold.open = true;
    }
    return members.get(name);
  };
  return {
    element,
    find: ([name, ...rest]) => (name === undefined ? element : unfold(name)?.find(rest) ?? null),
    saved: (now) => members.forEach((node, name) => node.saved(isObject(now) ? now[name] : undefined)),
    read: () => Object.fromEntries([...members].map(([name, node]) => [name, node.read()])),
    complain: ([name, ...rest], message) => {
      const node = name === undefined ? undefined : unfold(name);
      return node ? node.complain(rest, message) : showComplaint(complaint, element, unplaced(name, message));
    },
    clear: () => {
      complaint.hidden = true;
      nodes.forEach((node) => node.clear());
    },
  };
}

/**
 * @param {Map<string, FormNode>} members
 * @param {ReadonlySet<string>} [first]
 * @returns {{ shown: HTMLElement[], fold: HTMLDetailsElement | null }} all as they come where there is nothing to fold
 */
function foldOthers(members, first) {
  const isFirst = (/** @type {[string, FormNode]} */ [name]) => first?.has(name) ?? true;
  const elements = (/** @type {[string, FormNode][]} */ some) => some.map(([, node]) => node.element);
  const needed = [...members].filter(isFirst);
  const others = [...members].filter((member) => !isFirst(member));
  if (needed.length === 0 || others.length === 0) {
    return { shown: elements([...members]), fold: null };
  }
  const fold = make('details', { className: 'others' }, make('summary', {}, 'Optional'), ...elements(others));
  return { shown: [...elements(needed), fold], fold };
}

/**
 * Groups or fields that can be added and taken away.
 *
 * @param {InputSchema} schema
 * @param {unknown} value
 * @param {Naming} naming
 * @returns {FormNode}
 */
function listNode(schema, value, naming) {
  const items = /** @type {InputSchema} */ (schema.items);
  const stored = Array.isArray(value) ? value : [];
  /** @type {{ node: FormNode, element: HTMLElement }[]} */
  const rows = [];
  let added = 0;
  const holder = make('div', { className: 'rows' });
  const complaint = make('p', { className: 'complaint', hidden: true });
  const adder = make('button', { type: 'button', className: 'small' }, 'Add');
  adder.setAttribute('aria-label', `Add to ${naming.label}`);

  /** @param {unknown} itemValue */
  const add = (itemValue) => {
    added += 1;
    const label = `${naming.label} ${added}`;
    const node = formNode(items, itemValue, { label, required: true });
    const remover = make('button', { type: 'button', className: 'small' }, 'Remove');
    remover.setAttribute('aria-label', `Remove ${label}`);
    const row = { node, element: make('div', { className: 'row' }, node.element, remover) };
    remover.addEventListener('click', () => {
      rows.splice(rows.indexOf(row), 1);
      row.element.remove();
      adder.focus();
    });
    rows.push(row);
    holder.append(row.element);
    return row;
  };
  adder.addEventListener('click', () => {
    const { element } = add(undefined);
    /** @type {HTMLElement | null} */ (element.querySelector('input, select, textarea, button'))?.focus();
  });
  stored.forEach(add);

  const element = make('fieldset', { className: 'group', tabIndex: -1 });
  element.append(make('legend', {}, title(naming)), ...help(schema), holder, adder, complaint);
  return {
    element,
    find: ([index, ...rest]) => {
      const row = rows[Number(index ?? 0)];
      return row ? row.node.find(rest) : adder;
    },
    saved: (now) => {
      // Rows in which nothing was entered were not sent.
      const sent = rows.filter(({ node }) => withoutGaps(node.read()) !== undefined);
      sent.forEach(({ node }, index) => node.saved(Array.isArray(now) ? now[index] : undefined));
    },
    read: () => {
      const values = rows.map(({ node }) => withoutGaps(node.read())).filter((item) => item !== undefined);
      return values.length === 0 && stored.length === 0 ? undefined : values;
    },
    complain: ([index, ...rest], message) => {
      const row = index === undefined ? undefined : rows[Number(index)];
      return row ? row.node.complain(rest, message) : showComplaint(complaint, element, message);
    },
    clear: () => {
      complaint.hidden = true;
      rows.forEach(({ node }) => node.clear());
    },
  };
}

/**
 * @param {InputSchema} schema
 * @param {unknown} value
 * @param {Naming} naming
 */
function textNode(schema, value, naming) {
  const input = make('input', { type: 'text', spellcheck: false, autocomplete: 'off' });
  input.value = typeof value === 'string' ? value : '';
  input.placeholder = typeof schema.default === 'string' ? schema.default : '';
  return fieldNode(schema, naming, input, () => (input.value === '' ? undefined : input.value));
}

/**
 * A box that never shows what is stored, and keeps nothing that was stored.
 *
 * @param {InputSchema} schema
 * @param {unknown} value
 * @param {Naming} naming
 */
function secretNode(schema, value, naming) {
  let kept = value;
  const input = make('input', { type: 'password', spellcheck: false, autocomplete: 'off' });
  const show = make('button', { type: 'button', className: 'small' }, 'Show');
  const forget = make('button', { type: 'button', className: 'small' }, 'Remove');
  show.setAttribute('aria-label', `Show what is entered in ${naming.label}`);
  show.setAttribute('aria-pressed', 'false');
  forget.setAttribute('aria-label', `Remove the stored ${naming.label}`);
  /** @param {boolean} shown */
  const setShown = (shown) => {
    input.type = shown ? 'text' : 'password';
    show.setAttribute('aria-pressed', String(shown));
  };
  const refresh = () => {
    input.placeholder = keptText(kept);
    forget.hidden = kept === undefined || naming.required;
  };
  show.addEventListener('click', () => setShown(input.type === 'password'));
  forget.addEventListener('click', () => {
    kept = undefined;
    refresh();
    input.focus();
  });
  refresh();
  const described = { ...schema, description: [schema.description, SECRET_HELP].filter(Boolean).join('. ') };
  const node = fieldNode(described, naming, input, () => (input.value === '' ? kept : input.value));
  input.after(make('div', { className: 'buttons' }, show, forget));
  node.saved = (now) => {
    kept = now;
    input.value = '';
    setShown(false);
    refresh();
  };
  return node;
}

const SECRET_HELP = 'Secret: sealed on arrival and never shown again. ${secret.NAME} uses one that the app has stored';

/** Kept by the server as it is written. */
const REFERENCE = /\$\{secret\.\w+\}/;

/** @param {unknown} kept */
function keptText(kept) {
  if (kept === undefined) {
    return '';
  }
  const what = typeof kept === 'string' && REFERENCE.test(kept) ? `Stored: ${kept}.` : 'Stored.';
  return `${what} Leave this empty to keep it`;
}

/**
 * @param {InputSchema} schema
 * @param {unknown} value
 * @param {Naming} naming
 */
function numberNode(schema, value, naming) {
  const input = make('input', { type: 'number', step: schema.type === 'integer' ? '1' : 'any' });
  input.value = typeof value === 'number' ? String(value) : '';
  input.placeholder = typeof schema.default === 'number' ? String(schema.default) : '';
  input.min = typeof schema.minimum === 'number' ? String(schema.minimum) : '';
  input.max = typeof schema.maximum === 'number' ? String(schema.maximum) : '';
  return fieldNode(schema, naming, input, () => (input.value === '' ? undefined : input.valueAsNumber));
}

/**
 * @param {InputSchema} schema
 * @param {unknown} value
 * @param {Naming} naming
 */
function choiceNode(schema, value, naming) {
  const values = schema.enum ?? [];
  const none = schema.default === undefined ? (naming.required ? 'Choose…' : 'None') : `Default (${schema.default})`;
  const select = make('select', {}, make('option', { value: '' }, none));
  values.forEach((item, index) => select.append(make('option', { value: String(index) }, String(item))));
  const chosen = values.findIndex((item) => sameJson(item, value));
  select.value = chosen < 0 ? '' : String(chosen);
  return fieldNode(schema, naming, select, () => (select.value === '' ? undefined : values[Number(select.value)]));
}

/**
 * @param {InputSchema} schema
 * @param {unknown} value
 * @param {Naming} naming
 */
function switchNode(schema, value, naming) {
  const input = make('input', { type: 'checkbox' });
  const unset = schema.default === true;
  input.checked = typeof value === 'boolean' ? value : unset;
  // Left as it was, it stays unsaid: the default of the server may change some day.
  const unsaid = () => value === undefined && input.checked === unset && !naming.required;
  const node = fieldNode(schema, naming, input, () => (unsaid() ? undefined : input.checked));
  node.element.classList.add('check');
  return node;
}

/**
 * For what has no form: the JSON itself.
 *
 * @param {InputSchema} schema
 * @param {unknown} value
 * @param {Naming} naming
 */
function jsonNode(schema, value, naming) {
  const area = make('textarea', { rows: 4, spellcheck: false });
  area.value = value === undefined ? '' : JSON.stringify(value, null, 2);
  const label = `${naming.label} (JSON)`;
  const node = fieldNode(schema, { ...naming, label }, area, () => {
    if (area.value.trim() === '') {
      return undefined;
    }
    try {
      return JSON.parse(area.value);
    } catch {
      node.complain([], 'This is not JSON.');
      area.focus();
      throw new Error(`"${naming.label}" is not JSON.`);
    }
  });
  return node;
}

/**
 * @param {InputSchema} schema
 * @param {Naming} naming
 * @param {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} control
 * @param {() => unknown} read
 * @returns {FormNode}
 */
function fieldNode(schema, naming, control, read) {
  lastId += 1;
  const id = `field-${lastId}`;
  control.id = id;
  const label = make('label', { htmlFor: id }, title(naming));
  const helpers = help(schema);
  const complaint = make('p', { className: 'complaint', id: `${id}-complaint`, hidden: true });
  helpers.forEach((helper, index) => {
    helper.id = `${id}-help-${index}`;
  });
  control.setAttribute('aria-describedby', [...helpers.map((helper) => helper.id), complaint.id].join(' '));
  const clear = () => {
    complaint.hidden = true;
    control.removeAttribute('aria-invalid');
  };
  control.addEventListener('input', clear);
  return {
    element: make('div', { className: 'field' }, label, control, ...helpers, complaint),
    read,
    find: () => control,
    saved: () => {},
    complain: (_, message) => {
      control.setAttribute('aria-invalid', 'true');
      return showComplaint(complaint, control, message);
    },
    clear,
  };
}

/** @param {Naming} naming */
function title({ label, required }) {
  return required ? label : `${label} (optional)`;
}

/**
 * @param {InputSchema} schema
 * @returns {HTMLElement[]}
 */
function help(schema) {
  return schema.description ? [make('p', { className: 'help' }, schema.description)] : [];
}

/**
 * @param {HTMLElement} complaint
 * @param {HTMLElement} target what to show to the reader
 * @param {string} message
 */
function showComplaint(complaint, target, message) {
  complaint.textContent = message;
  complaint.hidden = false;
  return target;
}

/**
 * @param {string | undefined} name
 * @param {string} message
 */
function unplaced(name, message) {
  return name === undefined ? message : `${labelOf(name)}: ${message}`;
}

/**
 * @param {unknown} left
 * @param {unknown} right
 * @returns {boolean}
 */
function sameJson(left, right) {
  if (isObject(left) && isObject(right)) {
    const names = Object.keys(left);
    return names.length === Object.keys(right).length && names.every((name) => sameJson(left[name], right[name]));
  }
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, index) => sameJson(item, right[index]));
  }
  return left === right;
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
