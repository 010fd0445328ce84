import { randomStream } from '@tributary/random';

/**
 * The order in which a site's training images are seen over a whole run: one seeded permutation after the other. Any place
 * in it can be asked for directly, so that training goes on after a restart with the batch that came next.
 */
export class BatchOrder {
  private held: { readonly epoch: number; readonly order: Int32Array } | undefined;

  /** @param indices Images of the train split; at least one. */
  constructor(
    private readonly indices: Int32Array,
    private readonly seed: number,
    private readonly siteId: string,
  ) {
    if (indices.length === 0) throw new RangeError('a batch order needs at least one image');
  }

  /** The images of one batch: places `globalStep * batchSize` and on of the whole sequence. */
  batch(globalStep: number, batchSize: number): Int32Array {
    return Int32Array.from({ length: batchSize }, (_, position) => this.at(globalStep * batchSize + position));
  }

  private at(place: number): number {
    const images = this.indices.length;
    return this.epoch(Math.floor(place / images))[place % images] ?? 0;
  }

  /** Fisher and Yates' shuffle of the train split. */
  private epoch(epoch: number): Int32Array {
    if (this.held?.epoch === epoch) return this.held.order;
    const random = randomStream(this.seed, this.siteId, 'order', epoch);
    const order = Int32Array.from(this.indices);
    for (let last = order.length - 1; last > 0; last -= 1) {
      const other = random.integer(last + 1);
      const moved = order[last] ?? 0;
      order[last] = order[other] ?? 0;
      order[other] = moved;
    }
    this.held = { epoch, order };
    return order;
  }
}
