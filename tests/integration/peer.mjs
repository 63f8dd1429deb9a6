// A stand-in for GitHub that can misbehave: it keeps a ledger of every call and every object, and a test may answer
// any call itself. It knows just what github.repository asks for.
import { createServer } from 'node:http';

export class Peer {
  static async start() {
    const peer = new this();
    peer.calls = [];
    peer.repositories = new Map();
    peer.nextId = 100;
    peer.delayMs = 0;
    // Called with (call, response) before the ordinary answer; true: it has dealt with the call.
    peer.intercept = () => false;
    peer.server = createServer((request, response) => peer.receive(request, response));
    await new Promise((resolve) => { peer.server.listen(0, '127.0.0.1', resolve); });
    peer.url = `http://127.0.0.1:${peer.server.address().port}`;
    return peer;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((resolve) => { this.server.close(resolve); });
  }

  count(method, pattern) {
    return this.calls.filter((call) => call.method === method && pattern.test(call.path)).length;
  }

  receive(request, response) {
    let text = '';
    request.on('data', (bytes) => { text += bytes; });
    request.on('end', async () => {
      const call = { method: request.method, path: request.url, headers: request.headers, body: text };
      this.record(call, request);
      this.calls.push(call);
      if (await this.intercept(call, response)) return;
      if (this.delayMs > 0) await new Promise((resolve) => { setTimeout(resolve, this.delayMs); });
      this.answer(call, response);
    });
  }

  // For stand-ins that want to know more of a call.
  record() {}

  send(response, status, body, headers = {}) {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  }

  repository(owner, name, upstream) {
    const id = this.nextId;
    this.nextId += 1;
    return {
      id, name, full_name: `${owner}/${name}`, owner: { login: owner }, fork: true, default_branch: 'main',
      html_url: `https://github.example/${owner}/${name}`, parent: { full_name: upstream },
    };
  }

  fork(call) {
    const { organization, name } = JSON.parse(call.body);
    const upstream = call.path.split('/').slice(2, 4).join('/');
    const made = this.repository(organization, name, upstream);
    this.repositories.set(made.full_name, made);
    return made;
  }

  answer(call, response) {
    const parts = call.path.split('?')[0].split('/').slice(1);
    const found = this.repositories.get(`${parts[1]}/${parts[2]}`);
    if (call.method === 'POST' && parts[3] === 'forks') this.send(response, 202, this.fork(call));
    else if (parts[0] === 'orgs') this.send(response, 200, { login: parts[1] });
    else if (parts[0] !== 'repos' || !found) this.send(response, 404, { message: 'Not Found' });
    else if (parts.length === 3) this.send(response, 200, found);
    else if (parts[3] === 'branches') this.send(response, 200, { name: 'main', commit: { sha: 'c0ffee' } });
    else if (parts[3] === 'commits') this.send(response, 200, [{ sha: 'c0ffee' }]);
    else this.send(response, 404, { message: 'Not Found' });
  }
}
