import { createServer, connect, type Server, type Socket } from 'node:net';

/** Passes each new connection to the next of some ports of this machine that takes it, as a TCP load balancer does. */
export class LoadBalancer {
  private readonly open = new Set<Socket>();
  private turn = 0;

  private constructor(
    private readonly server: Server,
    private readonly ports: readonly number[],
  ) {
    server.on('connection', (client) => void this.pass(client));
  }

  static async listen(port: number, ports: readonly number[]): Promise<LoadBalancer> {
    const server = createServer({ pauseOnConnect: true });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return new LoadBalancer(server, ports);
  }

  /** Breaks all connections; those that are made again are spread anew. */
  dropAll(): void {
    for (const socket of this.open) socket.destroy();
  }

  async close(): Promise<void> {
    this.dropAll();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async pass(client: Socket): Promise<void> {
    this.track(client);
    const first = this.turn++;
    for (let attempt = 0; attempt < this.ports.length; attempt++) {
      const target = await reached(this.ports[(first + attempt) % this.ports.length] ?? 0);
      if (target === null) continue;
      this.track(target);
      client.once('close', () => target.destroy());
      target.once('close', () => client.destroy());
      client.pipe(target);
      target.pipe(client);
      client.resume();
      return;
    }
    client.destroy();
  }

  private track(socket: Socket): void {
    this.open.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.open.delete(socket));
  }
}

function reached(port: number): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(null));
  });
}
