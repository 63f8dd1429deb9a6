// The provider of the fault suite: GitHub as tests/integration/peer.mjs plays it, and objects that an action makes. It
// keeps a ledger of every call and every object. Each worker has a base path of its own, /w1 and on, so that the ledger
// says who called.
import { Peer } from '../integration/peer.mjs';

export class Provider extends Peer {
  static async start() {
    const provider = await super.start();
    provider.objects = new Map(); // name -> { id, posts: [{ worker, at }] }
    return provider;
  }

  receive(request, response) {
    const [, worker, path] = /^\/(w\d+)(\/.*)$/.exec(request.url) ?? [null, '', request.url];
    request.url = path;
    request.worker = worker;
    super.receive(request, response);
  }

  record(call, request) {
    call.worker = request.worker;
    call.at = Date.now();
    call.name = this.nameOf(call);
    call.socket = request.socket;
  }

  // What a call is about: the object, or the repository that is looked at or forked to.
  nameOf(call) {
    const parts = call.path.split('?')[0].split('/').slice(1);
    if (parts[0] === 'objects') return parts[1];
    if (call.method === 'POST' && parts[3] === 'forks') return JSON.parse(call.body).name;
    return parts[0] === 'repos' ? parts[2] : undefined;
  }

  fork(call) {
    const { organization, name } = JSON.parse(call.body);
    this.note(call);
    return this.repositories.get(`${organization}/${name}`) ?? super.fork(call);
  }

  note(call) {
    if (!this.objects.has(call.name)) this.objects.set(call.name, { id: String(this.objects.size + 1), posts: [] });
    const object = this.objects.get(call.name);
    object.posts.push({ worker: call.worker, at: call.at });
    return object;
  }

  answer(call, response) {
    if (!call.path.startsWith('/objects/')) {
      super.answer(call, response);
      return;
    }
    const found = this.objects.get(call.name);
    if (call.method === 'GET' && found) this.send(response, 200, { id: found.id });
    else if (call.method === 'GET') this.send(response, 404, { message: 'Not Found' });
    else if (found) {
      this.note(call);
      this.send(response, 422, { message: 'Validation Failed', errors: [{ code: 'already_exists' }] });
    } else if (call.name.startsWith('refused-')) {
      this.send(response, 422, { message: 'Validation Failed', errors: [{ code: 'invalid' }] });
    } else this.send(response, 201, { id: this.note(call).id });
  }
}
