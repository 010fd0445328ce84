import { releaseChunk } from './release-chunk.js';

/** What tells of the bytes that it has read: a socket. */
interface ReadingSocket {
  on(event: 'data', listener: (read: Uint8Array) => void): unknown;
}

const releasing = new WeakSet<ReadingSocket>();

/**
 * Gives what a socket has read back as soon as all who listen have seen it. Node's HTTP client copies the bytes of an answer out
 * of that and drops it: as much garbage as the answer is long, which makes V8 collect everything again and again.
 *
 * @param socket Of an HTTP client, which reads nothing else from it; told again it is left as it is.
 */
export function releaseReads(socket: ReadingSocket): void {
  if (releasing.has(socket)) return;
  releasing.add(socket);
  socket.on('data', (read) => process.nextTick(releaseChunk, read));
}
