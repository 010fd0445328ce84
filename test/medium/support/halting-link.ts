import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { z } from 'zod';

/** A TCP link to a coordinator that lets so many bytes of the caller through and then holds the rest back. */
export class HaltingLink {
  private readonly sockets = new Set<Socket>();
  private passedBytes = 0;
  private reached: () => void = () => undefined;
  /** Fulfilled once the link holds bytes back. */
  readonly halted = new Promise<void>((resolve) => (this.reached = resolve));

  private constructor(
    private readonly server: Server,
    private readonly limitBytes: number,
  ) {}

  static async open(targetPort: number, limitBytes: number): Promise<HaltingLink> {
    const server = createServer();
    const link = new HaltingLink(server, limitBytes);
    server.on('connection', (caller) => link.join(caller, connect(targetPort, '127.0.0.1')));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return link;
  }

  get url(): string {
    const { port } = z.object({ port: z.int() }).parse(this.server.address());
    return `http://127.0.0.1:${port}`;
  }

  /** Breaks every connection and takes no more. */
  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private join(caller: Socket, target: Socket): void {
    for (const socket of [caller, target]) {
      this.sockets.add(socket);
      // What breaks is what the test breaks.
      socket.on('error', () => undefined);
      socket.on('close', () => [caller, target].forEach((each) => each.destroy()));
    }
    target.pipe(caller);
    caller.pipe(this.gate()).pipe(target);
  }

  /** Never calls back once the limit is passed, so that nothing more is read. */
  private gate(): Transform {
    return new Transform({
      transform: (chunk: Buffer, _encoding, pass) => {
        const left = this.limitBytes - this.passedBytes;
        this.passedBytes += chunk.length;
        if (chunk.length <= left) return pass(null, chunk);
        this.reached();
        return undefined;
      },
    });
  }
}
