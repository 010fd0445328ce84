/** Why a file of a folder gives no image. The kinds are counted and shown; which file it was stays in the folder. */
export const PROBLEM_KINDS = {
  'empty-file': 'the file has no bytes',
  'too-large': 'the file is larger than the limit',
  unreadable: 'the file may not be read',
  'broken-link': 'a link leads nowhere or in a circle',
  'not-an-image': 'the file is no DICOM, NIfTI or PNG',
  'unsupported-format': 'the file is an image of another format',
  'no-pixels': 'the file is DICOM without an image (report, plan, directory)',
  truncated: 'the file ends before its image does',
  corrupt: 'the file contradicts itself',
  'unsupported-transfer-syntax': 'the image is compressed in a way that is not read here',
  'unsupported-pixels': 'the pixels are of a kind that is not read here',
  'no-patient': 'the image names no patient and lies in no folder of one',
  blank: 'the image has one value everywhere',
  duplicate: 'the same image was there before',
  unlabelled: 'labels.csv does not name the image',
  'single-slice': 'the series has one image, and volumes are wanted',
  'mixed-classes': 'slices of one volume have different classes',
  'label-without-image': 'labels.csv names an image that is not there',
} as const satisfies Record<string, string>;

export type ProblemKind = keyof typeof PROBLEM_KINDS;

/** A file that gives no image. The message carries no name, value or path of it. */
export class ImageProblem extends Error {
  readonly kind: ProblemKind;

  constructor(kind: ProblemKind, options?: ErrorOptions) {
    super(PROBLEM_KINDS[kind], options);
    this.name = 'ImageProblem';
    this.kind = kind;
  }
}

/** How often each kind of problem was met. */
export class ProblemCount {
  readonly #counts = new Map<ProblemKind, number>();

  add(kind: ProblemKind, count = 1): void {
    if (count > 0) this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + count);
  }

  /** In the order of the catalogue. */
  list(): { kind: ProblemKind; count: number }[] {
    return Object.keys(PROBLEM_KINDS)
      .filter((kind): kind is ProblemKind => kind in PROBLEM_KINDS)
      .map((kind) => ({ kind, count: this.#counts.get(kind) ?? 0 }))
      .filter(({ count }) => count > 0);
  }
}
