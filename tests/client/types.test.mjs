// client/slipway.d.ts and the lists of docs/ against the rows of C that they describe, and against the module. What
// they lack breaks nothing here: only the editor of an author elsewhere says that there is none.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import * as client from '../../client/slipway.js';
import { cgi } from '../harness/cgi.mjs';

const read = (path) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');
const types = (await read('client/slipway.d.ts')).replaceAll(/\/\*.*?\*\//gs, '');
const protocol = await read('docs/protocol.md');
const matches = (text, pattern) => [...text.matchAll(pattern)].map(([, found]) => found);

// The words of a union of string literals.
function union(name) {
  const [, body] = new RegExp(`^export type ${name} =([^;]*);`, 'm').exec(types) ?? assert.fail(`no type ${name}`);
  const named = matches(body, /\| ([A-Z]\w+)/g).flatMap(union);
  return [...matches(body, /'(\w+)'/g), ...named];
}

// The members of an interface or a class, those that it extends with them.
function members(name) {
  const pattern = new RegExp(`^export (?:interface|class) ${name}(?: extends (\\w+))? \\{\n(.*?)^\\}`, 'ms');
  const [, base, body] = pattern.exec(types) ?? assert.fail(`no type ${name}`);
  const own = matches(body, /^ {2}(?:readonly )?(\w+)\??[(:]/gm).filter((member) => member !== 'constructor');
  return [...new Set([...(base && base !== 'Error' ? members(base) : []), ...own])];
}

function assertSame(found, wanted) {
  assert.deepEqual([...new Set(found)].sort(), [...new Set(wanted)].sort());
}

const runSource = (await read('src/core/run.c')) + (await read('src/core/error_json.c'));
const fieldsOf = (struct) => matches(runSource, new RegExp(`_FIELD\\("(\\w+)", struct ${struct},`, 'g'));

const row = /^ERROR_CLASS\(\w+, "(\w+)", (RUN|REQUEST|BOTH|NEITHER), (\d+), (true|false),$/gm;
const classes = [...(await read('include/slipway/error_classes.h')).matchAll(row)];
const named = (...ends) => classes.filter(([, , end]) => ends.includes(end)).map(([, name]) => name);

test('the classes of errors are those of include/slipway/error_classes.h and of nginx', async () => {
  assert.ok(named('RUN').length >= 20 && named('REQUEST').length >= 10);
  assertSame(union('ErrorClass'), named('RUN', 'BOTH'));
  const ofNginx = matches(await read('conf/nginx/slipway-problems.conf'), /"class":"(\w+)"/g);
  assertSame(union('ProblemClass'), [...named('RUN', 'BOTH', 'REQUEST'), ...ofNginx]);
});

test('docs/protocol.md has each class where it belongs, with its status and whether a run is tried again', () => {
  const [, ended] = /^A run may end with these\.([^]*?)^\*Waits\*/m.exec(protocol);
  const [, refused] = /^Only requests are refused with these\.([^]*?)^nginx/m.exec(protocol);
  const wanted = (...ends) => classes.filter(([, , end]) => ends.includes(end));
  assertSame(
    [...ended.matchAll(/^\| `(\w+)` \| (\d+) \| (yes|no)/gm)].map((cells) => cells.slice(1).join()),
    wanted('RUN', 'BOTH').map(([, name, , status, again]) => [name, status, again === 'true' ? 'yes' : 'no'].join()),
  );
  assertSame(
    [...refused.matchAll(/^\| `(\w+)` \| (\d+) \|/gm)].map((cells) => cells.slice(1).join()),
    wanted('REQUEST', 'BOTH').map(([, name, , status]) => [name, status].join()),
  );
});

test('the status has the members that src/core/run.c and error_json.c give it, its error and remedy too', async () => {
  assert.ok(fieldsOf('status').length >= 18);
  const ofTriggers = matches(await read('src/api/trigger_response.c'), /json_write_name\(&writer, "(\w+)"/g);
  assertSame(members('Status'), [...fieldsOf('status'), ...ofTriggers]);
  assertSame(members('ActionFailure'), fieldsOf('error_json'));
  assertSame(members('Remedy'), fieldsOf('remedy_json'));
});

test('a problem has the members that src/api/response.c gives it', async () => {
  const source = await read('src/api/response.c');
  const body = source.slice(source.indexOf('static cJSON *problem_document'));
  assertSame(members('Problem'), ['errors', 'remedy', ...matches(body, /(?:add_text|json_add)\(document, "(\w+)"/g)]);
});

// What the program itself says of its rows when it refuses a request.
const refusal = (method, path, body) => cgi([], method, path, body && JSON.stringify(body)).body;
const words = (pattern, text) => (pattern.exec(text) ?? assert.fail(`no ${pattern} in ${text}`))[1].split(', ');
const modes = words(/^mode must be one of (.*)$/, refusal('POST', '/api/deploy', {}).detail);
const membersOf = (mode) =>
  words(/^Its members are (.*)\.$/, refusal('POST', '/api/deploy', { mode, '?': 0 }).remedy.text);

test('each mode has a method of the client that takes all its members', () => {
  assert.ok(modes.length >= 6);
  for (const mode of modes) {
    const [, parameters] = new RegExp(`^ {2}${mode}\\(([^)]*)\\)`, 'm').exec(types) ?? assert.fail(`no method ${mode}`);
    const named = matches(parameters, /: (\w+)/g).filter((type) => /^[A-Z]/.test(type)).flatMap(members);
    const taken = ['mode', ...matches(parameters, /(\w+)\??:/g), ...named];
    assert.deepEqual(membersOf(mode).filter((member) => !taken.includes(member)), [], mode);
  }
});

test('each mode has a section of docs/protocol.md that names all its members', async () => {
  const [, list] = /whose `mode` is ([^.]*)\./.exec(protocol);
  assertSame(matches(list, /`(\w+)`/g), modes);
  for (const mode of modes) {
    const [section] = new RegExp(`^## ${mode}\n[^]*?(?=^## )`, 'm').exec(protocol) ?? assert.fail(`no section ${mode}`);
    const named = matches(section, /[`"](\w+)["`]/g);
    assert.deepEqual(membersOf(mode).filter((member) => member !== 'mode' && !named.includes(member)), [], mode);
  }
});

test('each path has a heading of docs/protocol.md, or is the endpoint', () => {
  const paths = words(/^The paths are (.*)\.$/, refusal('GET', '/').remedy.text);
  const headings = matches(protocol, /^### (?:GET|POST) (.*)$/gm).flatMap((heading) => heading.split(', '));
  assert.ok(paths.length >= 5);
  assertSame(headings, paths);
});

test('each metric is in docs/operations.md and in the example of docs/protocol.md', async () => {
  const metrics = matches(await read('src/api/route_metrics.c'), /^\t\{ "(slipway_\w+)"/gm);
  assert.ok(metrics.length >= 6);
  assertSame(matches(await read('docs/operations.md'), /^\| `(slipway_\w+)` \|/gm), metrics);
  assertSame(matches(protocol, /^(slipway_\w+) \d+$/gm), metrics);
});

test('it declares what the module exports, and the methods of its classes', () => {
  assertSame(matches(types, /^export (?:class|function) (\w+)/gm), Object.keys(client));
  for (const name of matches(types, /^export class (\w+)/gm)) {
    const body = members(name);
    const methods = Object.getOwnPropertyNames(client[name].prototype).filter((method) => method !== 'constructor');
    assert.deepEqual(methods.filter((method) => !body.includes(method)), [], name);
  }
});
