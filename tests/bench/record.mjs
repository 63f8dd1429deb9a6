// What slipway-api sends Redis for a request, and what it responds with: recorded from slipway-api itself, so that the
// bare responder and the runs that are queued for workers always have the scripts and arguments of this build.
import { spawn } from 'node:child_process';
import { TESTER } from '../harness/redis.mjs';
import { until } from '../integration/stack.mjs';

// The name of an app has always the same length: it is replaced in what was recorded.
export const APP = 'bench-000000000000';
export const appName = (number) => `bench-${String(number).padStart(12, '0')}`;

export const trigger = (appId, workflowId = 'hello', actionId = 'greet', input = { text: 'hello' }) => ({
  method: 'POST',
  path: '/api/deploy',
  body: JSON.stringify({ mode: 'trigger', appId, workflowId, actionId, inputs: { [actionId]: input } }),
});

// A request whose app is another one each time: load.c fills in the number.
export const TRIGGER = trigger('bench-%d');
export const POLL_STEP = { method: 'GET', path: `/api/deploy?appId=${APP}&workflowId=eleven&actionId=s1` };
export const POLL_WORKFLOW = { method: 'GET', path: `/api/deploy?appId=${APP}&workflowId=eleven` };

export async function send(servers, { method, path, body, header = '' }) {
  const headers = { 'content-type': 'application/json' };
  const [, name, value] = /^(\S+): (.*)$/.exec(header) ?? [];
  if (name !== undefined) headers[name] = value;
  const response = await fetch(`${servers.url}${path}`, { method, body, headers });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} was answered with ${response.status}: ${text}`);
  return { status: response.status, headers: response.headers, text, json: JSON.parse(text) };
}

// In Redis' own protocol; one character a byte.
export function asCommand(words) {
  return Buffer.from(`*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`, 'latin1');
}

function asResponse({ status, text }) {
  const head = ['application/json', Buffer.byteLength(text)];
  return `Status: ${status}\r\nContent-Type: ${head[0]}\r\nContent-Length: ${head[1]}\r\n\r\n${text}`;
}

const END = 'the end of the recording';
const ESCAPES = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b' };

function wordsOf(line) {
  return [...line.matchAll(/"((?:\\.|[^"\\])*)"/g)].map(([, word]) =>
    word.replace(/\\(?:x([0-9a-f]{2})|(.))/g, (_, hex, letter) =>
      hex === undefined ? (ESCAPES[letter] ?? letter) : String.fromCharCode(parseInt(hex, 16))));
}

// While something is called: the commands that clients send, those that are called within scripts, and both in their
// order, each with where it is from.
export async function monitor(servers, call) {
  const { redis } = servers;
  await servers.connection.command('PING'); // it has logged in before
  const env = { ...process.env, REDISCLI_AUTH: redis.users.password(TESTER) };
  const child = spawn('redis-cli', ['-s', redis.socket, '--user', TESTER, 'MONITOR'], { env });
  let text = '';
  child.stdout.on('data', (bytes) => { text += bytes.toString('latin1'); });
  try {
    await until(() => text.startsWith('OK'), 'Redis shows its commands');
    await call();
    await servers.connection.command('ECHO', END);
    await until(() => text.includes(`"${END}"`), 'Redis has shown all commands');
  } finally {
    child.kill();
  }
  const all = text.split('\n').map((line) => ({ from: / \[\d+ (unix|lua)\b/.exec(line)?.[1], words: wordsOf(line) }))
    .filter(({ from, words }) => from !== undefined && words[1] !== END);
  const wordsFrom = (place) => all.filter(({ from }) => from === place).map(({ words }) => words);
  return { all, sent: wordsFrom('unix'), inScripts: wordsFrom('lua') };
}

// The one script call of a trigger. What else slipway-api asks Redis for is left out.
export async function recordTrigger(servers) {
  await send(servers, trigger(appName('999999999999')));
  let response;
  const { sent } = await monitor(servers, async () => { response = await send(servers, trigger(APP)); });
  const call = sent.findLast(([name]) => name === 'FCALL');
  if (call === undefined) throw new Error('slipway-api sent no script for a trigger');
  return { commands: asCommand(call), count: 1, run: response.json.runId, response: asResponse(response) };
}

// One HGETALL of each step that is shown.
export async function recordPoll(servers, ask, steps) {
  const commands = steps.map((step) => asCommand(['HGETALL', `slipway:{0}:app:default:${APP}:eleven:${step}`]));
  const response = await send(servers, ask);
  return { commands: Buffer.concat(commands), count: steps.length, response: asResponse(response) };
}

function placesOf(word, bytes) {
  const found = [];
  for (let at = bytes.indexOf(word); at >= 0; at = bytes.indexOf(word, at + 1)) found.push(at);
  return found;
}

// The same call for many apps: app number `first` and those that follow it, each with a run of its own.
export function* repeat(recorded, first, count) {
  const apps = placesOf(APP, recorded.commands);
  const runs = placesOf(recorded.run, recorded.commands);
  for (let i = 0; i < count; i += 1) {
    const command = Buffer.from(recorded.commands);
    for (const at of apps) command.write(appName(first + i), at, 'latin1');
    for (const at of runs) command.write((first + i).toString(16).padStart(32, '0'), at, 'latin1');
    yield command;
  }
}
