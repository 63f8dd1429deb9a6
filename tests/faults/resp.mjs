// As much of Redis' protocol as the suite needs to look around: one command at a time, each on the one connection.
import { connect } from 'node:net';

// Gives [value, rest] of one whole reply at the start of the text, or null where it is not all there yet. The text is
// latin1: one character a byte, as the lengths count.
function parse(text, start) {
  const lineEnd = text.indexOf('\r\n', start);
  if (lineEnd < 0) return null;
  const line = text.slice(start + 1, lineEnd);
  const after = lineEnd + 2;
  switch (text[start]) {
    case '+':
      return [line, after];
    case ':':
      return [Number(line), after];
    case '-':
      return [new Error(line), after];
    case '$': {
      const length = Number(line);
      if (length < 0) return [null, after];
      if (text.length < after + length + 2) return null;
      return [Buffer.from(text.slice(after, after + length), 'latin1').toString(), after + length + 2];
    }
    case '*': {
      const items = [];
      let next = after;
      for (let i = 0; i < Number(line); i += 1) {
        const item = parse(text, next);
        if (item === null) return null;
        items.push(item[0]);
        next = item[1];
      }
      return [items, next];
    }
    default:
      throw new Error(`Redis answered ${text.slice(start, start + 40)}`);
  }
}

export class Redis {
  // login: a user and the password, where the server has users.
  constructor(socket, login) {
    this.path = socket;
    this.login = login;
    this.last = Promise.resolve();
  }

  close() {
    this.socket?.destroy();
    this.socket = undefined;
  }

  // Strings, numbers, null or arrays of them; an error of Redis or of the connection is thrown.
  command(...words) {
    const mine = this.last.then(() => this.exchange(words));
    this.last = mine.catch(() => {});
    return mine;
  }

  async exchange(words) {
    if (this.socket === undefined || this.socket.destroyed) {
      this.socket = connect(this.path);
      if (this.login) await this.send(['AUTH', ...this.login]);
    }
    return this.send(words);
  }

  send(words) {
    return new Promise((resolve, reject) => {
      const { socket } = this;
      let text = '';
      const done = (settle, value) => {
        socket.removeAllListeners();
        socket.on('error', () => {});
        if (settle === reject) this.close();
        settle(value);
      };
      socket.on('data', (bytes) => {
        text += bytes.toString('latin1');
        const reply = parse(text, 0);
        if (reply === null) return;
        done(...(reply[0] instanceof Error ? [reject, reply[0]] : [resolve, reply[0]]));
      });
      socket.on('error', (error) => done(reject, error));
      socket.on('close', () => done(reject, new Error('Redis closed the connection')));
      socket.write(
        `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`,
      );
    });
  }
}
