import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { eventually, freePort, root } from './processes.js';

/** Where `.ci/run` builds it; a copy on the PATH does as well. */
const BUILT = join(root, '.tributary/bin/toxiproxy-server');
/** It gives an answer up after 25 s itself. */
const ANSWERS_WITHIN_MS = 5_000;

/** What a link does to what passes it, as toxiproxy names it. */
export type Toxic =
  | {
      readonly type: 'bandwidth';
      readonly attributes: { /** Kilobytes a second, of each connection. */ readonly rate: number };
    }
  | {
      readonly type: 'limit_data';
      readonly attributes: { /** After which a connection is closed. */ readonly bytes: number };
    }
  /** Zero: for ever. Everything is swallowed, and nobody is told. */
  | { readonly type: 'timeout'; readonly attributes: { /** Milliseconds. */ readonly timeout: number } }
  | { readonly type: 'reset_peer'; readonly attributes: { /** Milliseconds. */ readonly timeout: number } };

export type Direction = 'upstream' | 'downstream';

/** The proxy that breaks links; null, with the reason on stderr, where it was not built. */
export function toxiproxyProgram(): string | null {
  const program = existsSync(BUILT) ? BUILT : 'toxiproxy-server';
  if (spawnSync(program, ['-version']).status === 0) return program;
  process.stderr.write(
    'toxiproxy is not built here, broken links are not tested: scripts/build-test-servers.sh builds it and needs Go\n',
  );
  return null;
}

/** Now and then it waits for ever for a connection that goes away while its toxics change (Shopify/toxiproxy#412). */
export class ToxiproxyHangs extends Error {}

/** A toxiproxy server of its own, spoken to by its HTTP interface. */
export class Toxiproxy {
  private constructor(
    private readonly child: ChildProcess,
    private readonly url: string,
  ) {}

  static async start(program: string): Promise<Toxiproxy> {
    const port = await freePort();
    const child = spawn(program, ['-host', '127.0.0.1', '-port', String(port), '-proxy-metrics'], { stdio: 'ignore' });
    const proxy = new Toxiproxy(child, `http://127.0.0.1:${port}`);
    await eventually('toxiproxy answers', async () => ((await fetch(`${proxy.url}/version`)).ok ? true : undefined));
    return proxy;
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** @returns Host and port that the proxy listens on. */
  async add(name: string, { listen, upstream }: { listen: string; upstream: string }): Promise<string> {
    const answer = await this.request('POST', '/proxies', { name, listen, upstream, enabled: true });
    return z.object({ listen: z.string() }).parse(JSON.parse(answer)).listen;
  }

  /** Switched off it refuses connections, and closes those that it has. */
  async setEnabled(name: string, enabled: boolean): Promise<void> {
    await this.request('POST', `/proxies/${name}`, { enabled });
  }

  async addToxic(name: string, { type, attributes }: Toxic, stream: Direction): Promise<void> {
    await this.request('POST', `/proxies/${name}/toxics`, { type, attributes, stream });
  }

  async removeToxic(name: string, { type }: Toxic, stream: Direction): Promise<void> {
    await this.request('DELETE', `/proxies/${name}/toxics/${type}_${stream}`);
  }

  /** Bytes that the closed connections of a proxy have received from clients. */
  async receivedBytes(name: string): Promise<number> {
    const lines = (await this.request('GET', '/metrics')).split('\n');
    const counted = lines.filter(
      (line) =>
        line.startsWith('toxiproxy_proxy_received_bytes_total{') &&
        line.includes('direction="upstream"') &&
        line.includes(`proxy="${name}"`),
    );
    return counted.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  async stop(): Promise<void> {
    const exited = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await exited;
  }

  private async request(method: string, path: string, body?: object): Promise<string> {
    const signal = AbortSignal.timeout(ANSWERS_WITHIN_MS);
    const response = await fetch(`${this.url}${path}`, { method, body: body && JSON.stringify(body), signal }).catch(
      (cause: unknown) => {
        throw signal.aborted ? new ToxiproxyHangs(`${method} ${path}`, { cause }) : cause;
      },
    );
    const answer = await response.text();
    if (response.status === 503) throw new ToxiproxyHangs(`${method} ${path}`);
    if (!response.ok) throw new Error(`toxiproxy: ${method} ${path}: ${response.status} ${answer}`);
    return answer;
  }
}
