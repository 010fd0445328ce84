export interface BlockShape {
  /** Width of the image; `factor` divides it. */
  readonly side: number;
  /** Side of a block in pixels. */
  readonly factor: number;
  readonly channels: number;
}

/** The block that a value of an image belongs to: `factor` x `factor` pixels of one channel, counted row by row, channels last. */
export function blockOf({ side, factor, channels }: BlockShape): (index: number) => number {
  const across = side / factor;
  return (index) => {
    const channel = index % channels;
    const column = Math.floor(index / channels) % side;
    const row = Math.floor(index / channels / side);
    return (Math.floor(row / factor) * across + Math.floor(column / factor)) * channels + channel;
  };
}
