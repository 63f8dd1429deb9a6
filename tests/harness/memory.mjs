// What a process has in memory, for searching it. Only root may.
import { open, readFile } from 'node:fs/promises';

// All that it can write to, as one buffer a range.
export async function memoryOf(pid) {
  const maps = (await readFile(`/proc/${pid}/maps`, 'utf8')).split('\n');
  const file = await open(`/proc/${pid}/mem`, 'r');
  const parts = [];
  try {
    for (const line of maps) {
      const [range, rights] = line.split(' ');
      if (!rights?.startsWith('rw')) continue;
      const [from, to] = range.split('-').map((hex) => Number.parseInt(hex, 16));
      const bytes = Buffer.alloc(to - from);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, from).catch(() => ({ bytesRead: 0 }));
      parts.push(bytes.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
  return parts;
}
