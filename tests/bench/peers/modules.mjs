// The peers' packages, which lie in the folder that PEERS names a file of, and how they reach Redis.
import { createRequire } from 'node:module';

const require = createRequire(process.env.PEERS);

export const bullmq = require('bullmq');
export const Bee = require('bee-queue');
export const connection = {
  path: process.env.REDIS_SOCKET,
  username: process.env.REDIS_USER, // ioredis
  user: process.env.REDIS_USER, // redis, which bee-queue uses
  password: process.env.REDIS_PASSWORD,
  maxRetriesPerRequest: null,
};
