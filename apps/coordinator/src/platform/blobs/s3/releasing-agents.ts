import { Agent as HttpAgent, type ClientRequestArgs } from 'node:http';
import { Agent as HttpsAgent, type RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { releaseChunk } from '@tributary/federation/vectors/release-chunk';

type Created = (error: Error | null, socket: Duplex) => void;

/** HTTP connections that leave nothing of what they read to the garbage collector, see {@link releaseReads}. */
export class ReleasingHttpAgent extends HttpAgent {
  override createConnection(options: ClientRequestArgs, callback?: Created): Duplex | null | undefined {
    return releaseReads(super.createConnection(options, callback));
  }
}

/** As {@link ReleasingHttpAgent}, encrypted. */
export class ReleasingHttpsAgent extends HttpsAgent {
  override createConnection(options: RequestOptions, callback?: Created): Duplex | null | undefined {
    return releaseReads(super.createConnection(options, callback));
  }
}

/**
 * Node's HTTP client copies the bytes of an answer out of what its socket has read, and drops that: as much garbage as the
 * answer is long. It is given back as soon as all who listen have seen it.
 */
function releaseReads(socket: Duplex | null | undefined): Duplex | null | undefined {
  socket?.on('data', (read: Buffer) => process.nextTick(releaseChunk, read));
  return socket;
}
