/** How far sampling has come. */
export interface SamplingProgress {
  readonly imagesDone: number;
  readonly imagesTotal: number;
  /** Moves done, summed over all images; where the sampler chooses its moves, those of finished images only. */
  readonly movesDone: number;
  readonly movesTotal: number;
  /** Moves that the batch under way has made; all its images advance together. */
  readonly step: number;
  /** Moves of one image; null where the sampler chooses them. */
  readonly steps: number | null;
}

/** Counts moves and images, and reports when a batch has made a move and when an image is done. */
export interface ProgressCounter {
  readonly move: () => void;
  readonly image: () => void;
}

export interface ProgressOptions {
  readonly imagesTotal: number;
  /** Images that advance together. */
  readonly batchSize: number;
  /** Moves of one image; null where the sampler chooses them. */
  readonly steps: number | null;
  readonly report: ((progress: SamplingProgress) => void) | undefined;
}

/** A counter at the start of the first batch. */
export function progressCounter({ imagesTotal, batchSize, steps, report }: ProgressOptions): ProgressCounter {
  const movesOfImage = steps ?? 1;
  let imagesBefore = 0;
  let imagesDone = 0;
  let movesOfBatch = 0;
  const together = (): number => Math.min(batchSize, imagesTotal - imagesBefore);
  const tell = (): void =>
    report?.({
      imagesDone,
      imagesTotal,
      movesDone: steps === null ? imagesDone : imagesBefore * steps + movesOfBatch,
      movesTotal: imagesTotal * movesOfImage,
      step: Math.ceil(movesOfBatch / Math.max(1, together())),
      steps,
    });
  return {
    move: () => {
      movesOfBatch++;
      if (movesOfBatch % together() === 0) tell();
    },
    image: () => {
      imagesDone++;
      if (imagesDone - imagesBefore === together()) {
        imagesBefore = imagesDone;
        movesOfBatch = 0;
      }
      tell();
    },
  };
}
