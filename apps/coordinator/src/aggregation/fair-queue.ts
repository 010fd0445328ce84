/** Work that waits for its turn. */
export interface QueuedWork {
  /** Who it is for: turns are shared evenly between owners. */
  readonly owner: string;
  /** How much work it is, in any one unit. */
  readonly cost: number;
}

interface Waiting<Work extends QueuedWork> {
  readonly work: Work;
  /** Virtual time at which it would begin if all owners were served at the same rate. */
  readonly startTag: number;
  readonly order: number;
}

/**
 * Start-time fair queueing: whoever has been given less is next, so that an owner with much work does not keep the others
 * waiting. Goyal, Vin and Cheng 1996, section 2: S = max(v, F of the owner's last), F = S + cost; the smallest S is served.
 */
export class FairQueue<Work extends QueuedWork> {
  private readonly waiting: Waiting<Work>[] = [];
  private readonly finishTags = new Map<string, number>();
  private virtualTime = 0;
  private arrivals = 0;

  get size(): number {
    return this.waiting.length;
  }

  add(work: Work): void {
    const startTag = Math.max(this.virtualTime, this.finishTags.get(work.owner) ?? 0);
    this.finishTags.set(work.owner, startTag + work.cost);
    this.waiting.push({ work, startTag, order: this.arrivals++ });
  }

  /** Takes out the work whose turn it is; undefined when none waits. */
  next(): Work | undefined {
    const [first] = this.waiting.toSorted((a, b) => a.startTag - b.startTag || a.order - b.order);
    if (first === undefined) return undefined;
    this.waiting.splice(this.waiting.indexOf(first), 1);
    this.virtualTime = first.startTag;
    this.forgetThePast();
    return first.work;
  }

  /** Takes out work that is not wanted any more. */
  remove(work: Work): void {
    const index = this.waiting.findIndex((each) => each.work === work);
    if (index >= 0) this.waiting.splice(index, 1);
  }

  /** An owner that was served no more than the present is as good as new. */
  private forgetThePast(): void {
    for (const [owner, tag] of this.finishTags) if (tag <= this.virtualTime) this.finishTags.delete(owner);
  }
}
