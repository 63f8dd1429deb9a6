// A stack of which one workflow is hostile, with a stand-in for GitHub and a worker of the test's own, which has an
// executor beside that of the hostile action.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, Stack } from './stack.mjs';
import { Peer } from './peer.mjs';
import { startWorker, stopWorkers, writeToken } from './worker.mjs';

export const programs = path.join(build, 'hostile');
export const flags = ['--no-emulator', '--client', fileURLToPath(new URL('../../client', import.meta.url))];
export const TOKEN = 'ghs_0123456789.a-token';

export class Hostile {
  async start() {
    this.peer = await Peer.start();
    this.stack = await Stack.start({ programs, flags: [...flags, '--no-worker'] });
    await writeToken(this.stack, TOKEN);
    this.worker = await this.startWorker({ executors: 2 });
  }

  startWorker(options) {
    return startWorker(this.stack, this.peer, { programs, ...options });
  }

  async stop() {
    await stopWorkers();
    await this.stack?.stop();
    await this.peer?.stop();
  }
}
