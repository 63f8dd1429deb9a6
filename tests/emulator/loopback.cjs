// The emulator listens on all interfaces and has no option for that; loaded before it, this keeps it on loopback.
'use strict';
const { Server } = require('node:net');

const listen = Server.prototype.listen;
Server.prototype.listen = function listenOnLoopback(...words) {
  if (typeof words[0] === 'number' || (typeof words[0] === 'string' && /^\d+$/.test(words[0]))) {
    const rest = words.slice(1).filter((word) => typeof word === 'function');
    return listen.call(this, Number(words[0]), '127.0.0.1', ...rest);
  }
  if (words[0] && typeof words[0] === 'object' && words[0].port !== undefined) {
    return listen.call(this, { ...words[0], host: '127.0.0.1' }, ...words.slice(1));
  }
  return listen.apply(this, words);
};
