import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { promisify } from 'node:util';

/** `tributary-PID-N`: PID of the process that made it, which removes it; the next one does where that was killed. */
const NAME = /^tributary-(\d+)-(\d+)$/;
const NAMESPACES = '/run/netns';
/** 198.18.0.0/15 is set apart for tests of networks (RFC 2544). */
const FIRST_OCTETS = [198, 18] as const;
/** Addresses of a /29 network: this machine has the first of its hosts, the site the second or the third. */
const ADDRESSES = 8;
const NETWORKS_A_PROCESS = 4;
/** Process ids beyond this share networks with others. */
const PROCESSES = 2 ** 17 / ADDRESSES / NETWORKS_A_PROCESS;
const CABLE = 'eth0';

const run = promisify(execFile);
const ip = (...args: string[]): Promise<unknown> => run('ip', args);

/** A network namespace of a site's processes: its one cable leads to this machine. Needs root and Linux. */
export class SiteNetwork {
  private turn = 0;

  private constructor(
    private readonly name: string,
    private readonly index: number,
  ) {}

  /**
   * False, with the reason on stderr, where this process may not make namespaces. Otherwise removes what processes that
   * were killed have left.
   */
  static isPossible(): boolean {
    const probe = `tributary-${process.pid}-${NETWORKS_A_PROCESS}`;
    const tried = [
      ['netns', 'add', probe],
      ['-n', probe, 'link', 'add', 'probe0', 'type', 'veth', 'peer', 'name', 'probe1'],
    ].map((args) => spawnSync('ip', args, { encoding: 'utf8' }));
    const failed = tried.find(({ status }) => status !== 0);
    spawnSync('ip', ['netns', 'del', probe]);
    if (failed === undefined) removeLeftOver();
    else {
      const reason = failed.error?.message ?? failed.stderr.trim();
      process.stderr.write(
        `no network namespace can be made here (root can, with iproute2), no cable is pulled: ${reason}\n`,
      );
    }
    return failed === undefined;
  }

  /** @param index Of the site among those of this process, from 0 to 3. */
  static async create(index: number): Promise<SiteNetwork> {
    const name = `tributary-${process.pid}-${index}`;
    const network = new SiteNetwork(name, index);
    const outside = outsideOf(name);
    await ip('netns', 'add', name);
    await ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', CABLE, 'netns', name);
    await ip('addr', 'add', `${network.host}/29`, 'dev', outside);
    await ip('link', 'set', outside, 'up');
    await ip('-n', name, 'link', 'set', 'lo', 'up');
    await ip('-n', name, 'addr', 'add', `${network.address}/29`, 'dev', CABLE);
    await ip('-n', name, 'link', 'set', CABLE, 'up');
    return network;
  }

  /** Address of this machine, as the site sees it. */
  get host(): string {
    return this.addressOf(1);
  }

  /** What a program is started with so that it runs in here. */
  get command(): readonly string[] {
    return ['ip', 'netns', 'exec', this.name];
  }

  /** No packet passes, in either direction; nobody is told. */
  async pull(): Promise<void> {
    await ip('-n', this.name, 'link', 'set', CABLE, 'down');
  }

  async plug(): Promise<void> {
    await ip('-n', this.name, 'link', 'set', CABLE, 'up');
  }

  /** The connections of now stay open at both ends and pass nothing any more; new ones pass. */
  async changeAddress(): Promise<void> {
    const old = this.address;
    this.turn = 1 - this.turn;
    // In this order: a second address of a network goes with its first one.
    await ip('-n', this.name, 'addr', 'del', `${old}/29`, 'dev', CABLE);
    await ip('-n', this.name, 'addr', 'add', `${this.address}/29`, 'dev', CABLE);
  }

  close(): void {
    remove(this.name);
  }

  private get address(): string {
    return this.addressOf(2 + this.turn);
  }

  private addressOf(host: number): string {
    const network = (process.pid % PROCESSES) * NETWORKS_A_PROCESS + this.index;
    const offset = network * ADDRESSES + host;
    const [first, second] = FIRST_OCTETS;
    return [first, second + (offset >> 16), (offset >> 8) & 255, offset & 255].join('.');
  }
}

function outsideOf(name: string): string {
  return name.replace('tributary-', 'trib');
}

function removeLeftOver(): void {
  const names = existsSync(NAMESPACES) ? readdirSync(NAMESPACES) : [];
  for (const name of names) {
    const [, pid] = NAME.exec(name) ?? [];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) remove(name);
  }
}

/** With the processes that are still in it, which would keep it alive. */
function remove(name: string): void {
  const { stdout } = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' });
  for (const pid of stdout.split('\n').filter(Boolean)) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // it has ended by itself meanwhile
    }
  }
  spawnSync('ip', ['link', 'del', outsideOf(name)]);
  spawnSync('ip', ['netns', 'del', name]);
}
