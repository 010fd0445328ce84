import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FILLER = 'filler';

/** A file system of its own in memory, so small that a test can fill it. Mounting needs root and Linux. */
export class SmallDisk {
  private constructor(readonly folder: string) {}

  /** Null, with the reason on stderr, where this machine does not let the test mount one. */
  static mount(sizeBytes: number): SmallDisk | null {
    const folder = mkdtempSync(join(tmpdir(), 'tributary-disk-'));
    const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs', folder], {
      encoding: 'utf8',
    });
    if (status === 0) return new SmallDisk(folder);
    rmSync(folder, { recursive: true });
    process.stderr.write(`no small disk can be mounted here, full disks are not tested: ${stderr}\n`);
    return null;
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.folder);
    return bavail * bsize;
  }

  /** Leaves `freeBytes` of it; none, when others write to it meanwhile and it is full before that. */
  fill(freeBytes: number): void {
    try {
      writeFileSync(join(this.folder, FILLER), Buffer.alloc(Math.max(0, this.freeBytes - freeBytes)));
    } catch (error) {
      // Jest's tests have an Error of their own, so that `instanceof` is false here.
      const isFull = typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOSPC';
      if (!isFull) throw error;
    }
  }

  empty(): void {
    rmSync(join(this.folder, FILLER), { force: true });
  }

  /** Names of all files below a folder of it, ascending. */
  filesIn(folder: string): string[] {
    return readdirSync(join(this.folder, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => name)
      .sort();
  }

  unmount(): void {
    spawnSync('umount', ['-l', this.folder]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
