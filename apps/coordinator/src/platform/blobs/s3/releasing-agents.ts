import { Agent as HttpAgent, type ClientRequestArgs } from 'node:http';
import { Agent as HttpsAgent, type RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { releaseReads } from '@tributary/federation/vectors/release-reads';

type Created = (error: Error | null, socket: Duplex) => void;

/** HTTP connections that leave nothing of what they read to the garbage collector, see {@link releaseReads}. */
export class ReleasingHttpAgent extends HttpAgent {
  override createConnection(options: ClientRequestArgs, callback?: Created): Duplex | null | undefined {
    return releasing(super.createConnection(options, callback));
  }
}

/** As {@link ReleasingHttpAgent}, encrypted. */
export class ReleasingHttpsAgent extends HttpsAgent {
  override createConnection(options: RequestOptions, callback?: Created): Duplex | null | undefined {
    return releasing(super.createConnection(options, callback));
  }
}

function releasing(socket: Duplex | null | undefined): Duplex | null | undefined {
  if (socket) releaseReads(socket);
  return socket;
}
