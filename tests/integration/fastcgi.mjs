// The web server's end of a FastCGI connection, bare: https://fastcgi-archives.github.io/FastCGI_Specification.html.
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';

const BEGIN_REQUEST = 1;
const END_REQUEST = 3;
const PARAMS = 4;
const STDIN = 5;
const STDOUT = 6;

function record(type, content) {
  return Buffer.concat([Buffer.from([1, type, 0, 1, content.length >> 8, content.length & 255, 0, 0]), content]);
}

// A connection that is there, and has sent nothing yet.
export function open(socketPath) {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath, () => resolve(socket));
    socket.once('error', reject);
  });
}

// Sends a GET on it, asking to keep it, and gives what was answered as text; fails where the other end closes first.
export function get(socket, path, more = {}) {
  return exchange(socket, { REQUEST_METHOD: 'GET', DOCUMENT_URI: path, QUERY_STRING: '', ...more }, '');
}

function exchange(socket, parameterPairs, content) {
  const pairs = Object.entries(parameterPairs);
  const parameters = pairs.map(([name, value]) =>
    Buffer.from(String.fromCharCode(name.length, value.length) + name + value),
  );
  socket.write(
    Buffer.concat([
      record(BEGIN_REQUEST, Buffer.from([0, 1, 1, 0, 0, 0, 0, 0])),
      record(PARAMS, Buffer.concat(parameters)),
      record(PARAMS, Buffer.alloc(0)),
      ...(content === '' ? [] : [record(STDIN, Buffer.from(content))]),
      record(STDIN, Buffer.alloc(0)),
    ]),
  );
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    let text = '';
    const ended = () => reject(new Error(`the connection was closed after "${text}"`));
    socket.once('error', reject);
    socket.once('close', ended);
    socket.on('data', (piece) => {
      bytes = Buffer.concat([bytes, piece]);
      while (bytes.length >= 8 && bytes.length >= 8 + bytes.readUInt16BE(4) + bytes[6]) {
        const length = bytes.readUInt16BE(4);
        if (bytes[1] === STDOUT) text += bytes.subarray(8, 8 + length);
        if (bytes[1] === END_REQUEST) {
          socket.removeAllListeners();
          resolve(text);
        }
        bytes = bytes.subarray(8 + length + bytes[6]);
      }
    });
  });
}

// One request on a connection of its own, with headers as a web server passes them, and with an id as that gives it:
// { status, head, text, body }.
export async function request(socketPath, method, uri, headers = {}, json = undefined) {
  const content = json === undefined ? '' : JSON.stringify(json);
  const [path, query = ''] = uri.split('?');
  const socket = await open(socketPath);
  const id = randomBytes(16).toString('hex');
  const named = Object.entries(headers).map(([name, value]) =>
    [`HTTP_${name.toUpperCase().replaceAll('-', '_')}`, value]);
  const typed = content === '' ? {}
    : { CONTENT_TYPE: 'application/json', CONTENT_LENGTH: String(Buffer.byteLength(content)) };
  const whole = await exchange(socket, { REQUEST_METHOD: method, DOCUMENT_URI: path, QUERY_STRING: query,
    REQUEST_ID: id, ...typed, ...Object.fromEntries(named) }, content);
  socket.destroy();
  const [head, ...rest] = whole.split('\r\n\r\n');
  const text = rest.join('\r\n\r\n');
  const header = (name) => new RegExp(`^${name}: (.*?)\\r?$`, 'mi').exec(head)?.[1];
  return {
    status: Number(/^Status: (\d+)/m.exec(head)[1]),
    head,
    text,
    header,
    headers: { get: (name) => (name.toLowerCase() === 'x-request-id' ? id : header(name)) }, // as that of fetch
    body: /json/.test(head) && text !== '' ? JSON.parse(text) : undefined,
  };
}
