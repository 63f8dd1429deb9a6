// A provider's OpenAPI 3.0 description, and what a recorded request (src/http/trace.h) breaks of it.
//
// Stricter than the description itself where that is silent: a member or query parameter that it does not know is
// wrong, for nobody but a typing error sends one.
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(path.resolve(process.env.BUILD ?? 'build', 'openapi', 'package.json'));
const Ajv = require('ajv').default;
const addFormats = require('ajv-formats').default;

const METHODS = ['get', 'put', 'post', 'delete', 'patch'];

export const templateOf = (text) => text.replace(/\{[^}]*\}/g, '{}');

// Members outside an allOf that names no others are all there are.
function close(schema) {
  if (Array.isArray(schema)) return schema.map(close);
  if (schema === null || typeof schema !== 'object') return schema;
  const closed = Object.fromEntries(
    Object.entries(schema).map(([name, value]) => {
      if (name === 'example' || name === 'enum' || name === 'default' || name === 'allOf') return [name, value];
      if (name !== 'properties') return [name, close(value)];
      return [name, Object.fromEntries(Object.entries(value).map(([member, of]) => [member, close(of)]))];
    }),
  );
  const open = schema.properties === undefined || schema.additionalProperties !== undefined;
  return open || schema.allOf ? closed : { ...closed, additionalProperties: false };
}

// The segments of a path, decoded one by one: an encoded slash does not part two.
const segmentsOf = (text) => text.split('/').map((segment) => decodeURIComponent(segment));

function fits(template, segments) {
  return (
    template.length === segments.length &&
    template.every((part, i) => (/^\{.*\}$/.test(part) ? segments[i] !== '' : part === segments[i]))
  );
}

const parametersIn = (template) => template.filter((part) => part.startsWith('{')).length;

export class Description {
  constructor(id, document) {
    this.id = id;
    this.document = document;
    const options = { strict: false, allErrors: true, validateSchema: false, logger: false, verbose: true };
    this.bodies = addFormats(new Ajv(options));
    // What stands in a URL is text; a number or boolean may be written so.
    this.texts = addFormats(new Ajv({ ...options, coerceTypes: 'array' }));
    for (const ajv of [this.bodies, this.texts]) ajv.addSchema({ $id: id, components: document.components });
    this.compiled = new Map();
  }

  resolve(object) {
    if (object.$ref === undefined) return object;
    const steps = object.$ref.replace(/^#\//, '').split('/');
    return steps.reduce((at, step) => at[step.replaceAll('~1', '/').replaceAll('~0', '~')], this.document);
  }

  // The most literal path that fits goes before: /secrets/public-key is no {secret_name}.
  pathOf(pathname) {
    const segments = segmentsOf(pathname);
    const fitting = Object.keys(this.document.paths)
      .map((text) => ({ text, template: text.split('/') }))
      .filter(({ template }) => fits(template, segments))
      .sort((one, two) => parametersIn(one.template) - parametersIn(two.template));
    if (fitting.length === 0) return null;
    const { text, template } = fitting[0];
    const named = template.flatMap((part, i) => (part.startsWith('{') ? [[part.slice(1, -1), segments[i]]] : []));
    return { text, values: Object.fromEntries(named) };
  }

  compile(ajv, key, schema) {
    if (!this.compiled.has(key)) {
      // References are to the components of the whole document.
      const text = JSON.stringify(schema).replaceAll('"$ref":"#/', `"$ref":"${this.id}#/`);
      this.compiled.set(key, ajv.compile(JSON.parse(text)));
    }
    return this.compiled.get(key);
  }

  wrong(ajv, key, schema, value, where) {
    const validate = this.compile(ajv, key, schema);
    if (validate({ value })) return [];
    // A secret stands as *** in a record, whatever it looked like.
    const known = validate.errors.filter((error) => error.keyword !== 'pattern' || error.data !== '***');
    return known.map((error) => {
      const extra = error.params.additionalProperty ?? error.params.allowedValues ?? '';
      return `${where}${error.instancePath.replace(/^\/value/, '')} ${error.message} ${extra}`.trimEnd();
    });
  }

  checkParameters(key, declared, place, values) {
    const problems = [];
    const known = declared.filter((parameter) => parameter.in === place);
    for (const { name, required, schema } of known) {
      if (values[name] === undefined) {
        if (required) problems.push(`${place} parameter ${name} is missing`);
        continue;
      }
      const wrapped = { type: 'object', properties: { value: schema } };
      const where = `${place} parameter ${name}`;
      problems.push(...this.wrong(this.texts, `${key} ${place} ${name}`, wrapped, values[name], where));
    }
    const names = known.map((parameter) => parameter.name);
    const unknown = Object.keys(values).filter((name) => !names.includes(name));
    return [...problems, ...unknown.map((name) => `${place} parameter ${name} is not known`)];
  }

  checkBody(key, operation, request) {
    const { requestBody: body, requestHeaders: headers } = request;
    if (operation.requestBody === undefined) return body === null ? [] : ['body: the operation takes none'];
    const described = this.resolve(operation.requestBody);
    if (body === null) return described.required ? ['body is missing'] : [];
    const type = headers['Content-Type'];
    if (described.content[type] === undefined) return [`body: the operation takes no ${type}`];
    const wrapped = { type: 'object', properties: { value: close(described.content[type].schema) } };
    return this.wrong(this.bodies, `${key} body`, wrapped, body, 'body');
  }

  // {operation, problems}: the operation as 'GET /repos/{}', null where there is none.
  check(request) {
    const url = new URL(request.url);
    const prefix = `/${this.id}/`;
    if (!url.pathname.startsWith(prefix)) return { operation: null, problems: [`the path is not below ${prefix}`] };
    const found = this.pathOf(url.pathname.slice(prefix.length - 1));
    if (found === null) return { operation: null, problems: ['no operation has this path'] };
    const method = request.method.toLowerCase();
    const operation = METHODS.includes(method) ? this.document.paths[found.text][method] : undefined;
    if (operation === undefined) return { operation: null, problems: [`${found.text} has no such method`] };
    const query = {};
    for (const name of new Set(url.searchParams.keys())) {
      const all = url.searchParams.getAll(name);
      query[name] = all.length > 1 ? all : all[0];
    }
    const key = `${request.method} ${found.text}`;
    const declared = (operation.parameters ?? []).map((parameter) => this.resolve(parameter));
    const problems = [
      ...this.checkParameters(key, declared, 'path', found.values),
      ...this.checkParameters(key, declared, 'query', query),
      ...this.checkBody(key, operation, request),
    ];
    return { operation: templateOf(key), problems };
  }
}

// What a body's objects have for members: one object, or an array of them.
const membersOf = (body) => [body ?? []].flat().flatMap((object) => Object.keys(object));

// Of all requests of a run: {problems, seen}. Each problem names its request, and a run without requests is one. Seen
// are operations, as 'POST /repos/{}/forks', and the members that their bodies had, as 'POST /repos/{}/forks name'.
export function judge(descriptions, requests) {
  const seen = new Set();
  const problems = new Set(requests.length === 0 ? ['no request was recorded'] : []);
  for (const request of requests) {
    const { operation, problems: own } = descriptions[request.provider].check(request);
    const url = new URL(request.url);
    for (const problem of own) problems.add(`${request.method} ${url.pathname}${url.search}: ${problem}`);
    if (operation === null) continue;
    seen.add(operation);
    for (const member of membersOf(request.requestBody)) seen.add(`${operation} ${member}`);
  }
  return { problems: [...problems], seen };
}
