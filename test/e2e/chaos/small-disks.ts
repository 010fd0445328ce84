import { symlinkSync } from 'node:fs';
import { SmallDisk } from '../../support/small-disk.js';
import type { Lasting } from './lasting.js';
import { SITES, type Disk, type FullDisk } from './schedule.js';

/** Far more than the runs need while nothing fills it. */
const DISK_BYTES = 48 * 1024 ** 2;
/** What the coordinator leaves free for others: there are none. */
const RESERVE_BYTES = 1024 ** 2;

/** Disks of their own for the coordinator's blobs and for each site, where this machine lets them be mounted. */
export class SmallDisks {
  private readonly full = new Set<Disk>();

  private constructor(private readonly disks: ReadonlyMap<Disk, SmallDisk>) {}

  static mount(): SmallDisks {
    const disks = new Map<Disk, SmallDisk>();
    for (const name of ['coordinator', ...SITES] as const) {
      const disk = SmallDisk.mount(DISK_BYTES);
      if (disk === null) break;
      disks.set(name, disk);
    }
    return new SmallDisks(disks);
  }

  /** Settings of a coordinator that keeps its blobs there. */
  get environment(): NodeJS.ProcessEnv {
    const disk = this.disks.get('coordinator');
    if (disk === undefined) return {};
    return { TRIBUTARY_BLOB_DIR: disk.folder, TRIBUTARY_DISK_RESERVE_BYTES: String(RESERVE_BYTES) };
  }

  /** Puts a site's folder, which is not there yet, on its disk. */
  place(site: Disk, folder: string): void {
    const disk = this.disks.get(site);
    if (disk !== undefined) symlinkSync(disk.folder, folder);
  }

  /** @returns False when there is no such disk, or it is full already. */
  inflict({ disk: name, forMs }: FullDisk, lasting: Lasting): boolean {
    const disk = this.disks.get(name);
    if (disk === undefined || this.full.has(name)) return false;
    this.full.add(name);
    disk.fill(0);
    lasting.begin(forMs, () => {
      disk.empty();
      this.full.delete(name);
    });
    return true;
  }

  unmount(): void {
    for (const disk of this.disks.values()) disk.unmount();
  }
}
