// node:http with BullMQ behind it, as one would build a trigger with them: http.mjs PORT. It checks what it must, adds
// a job, and responds with its id.
import http from 'node:http';
import { connection, bullmq } from './modules.mjs';

const queue = new bullmq.Queue('deploy', { connection });

async function trigger(text) {
  const body = JSON.parse(text);
  if (body.mode !== 'trigger' || typeof body.appId !== 'string' || typeof body.inputs !== 'object') {
    return [400, { error: 'invalid' }];
  }
  const job = await queue.add('deploy', body, { removeOnComplete: 1000 });
  return [202, { runId: job.id, appId: body.appId, status: 'running', phase: 'queued' }];
}

const server = http.createServer((request, response) => {
  let text = '';
  request.setEncoding('utf8');
  request.on('data', (piece) => { text += piece; });
  request.on('end', async () => {
    const [status, answer] = await trigger(text).catch((error) => [500, { error: String(error) }]);
    const json = JSON.stringify(answer);
    response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(json) });
    response.end(json);
  });
});
await queue.waitUntilReady();
server.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 }, () => console.log('ready'));
