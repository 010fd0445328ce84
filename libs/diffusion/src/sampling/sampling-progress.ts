/** How far sampling has come. */
export interface SamplingProgress {
  readonly imagesDone: number;
  readonly imagesTotal: number;
  /** Moves done of the images under way, summed over all images. */
  readonly movesDone: number;
  readonly movesTotal: number;
}

/** Counts moves and images, and reports after each. */
export interface ProgressCounter {
  readonly move: () => void;
  readonly image: () => void;
}

/** @param movesPerImage As planned; an adaptive sampler may make more, which are not shown. */
export function progressCounter(
  imagesTotal: number,
  movesPerImage: number,
  report: ((progress: SamplingProgress) => void) | undefined,
): ProgressCounter {
  const movesTotal = imagesTotal * movesPerImage;
  let imagesDone = 0;
  let moves = 0;
  const tell = (): void => report?.({ imagesDone, imagesTotal, movesDone: Math.min(moves, movesTotal), movesTotal });
  return {
    move: () => {
      moves++;
      tell();
    },
    image: () => {
      imagesDone++;
      tell();
    },
  };
}
