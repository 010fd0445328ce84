/** How one site's scanner makes an image from tissue. Intensities are relative to 1. */
export interface PhantomScanner {
  readonly name: 'T1w' | 'T2w' | 'T1c';
  readonly intensity: {
    readonly grey: number;
    readonly white: number;
    readonly fluid: number;
    readonly lesion: number;
  };
  /** Standard deviation of the noise in each of the two channels behind a magnitude image, at a pixel of 3 mm. */
  readonly noiseSigma: number;
  /** Standard deviation of the Gaussian point spread. */
  readonly pointSpreadMm: number;
  /** Standard deviation of the five coefficients of the log bias field. */
  readonly biasSigma: number;
}

/** Three scanners that differ the way hospitals do: contrast, noise, sharpness, shading. */
export const PHANTOM_SCANNERS = {
  T1w: {
    name: 'T1w',
    intensity: { grey: 0.62, white: 0.95, fluid: 0.18, lesion: 0.45 },
    noiseSigma: 0.02,
    pointSpreadMm: 0.9,
    biasSigma: 0.08,
  },
  T2w: {
    name: 'T2w',
    intensity: { grey: 0.55, white: 0.42, fluid: 1, lesion: 0.95 },
    noiseSigma: 0.06,
    pointSpreadMm: 2.4,
    biasSigma: 0.25,
  },
  T1c: {
    name: 'T1c',
    intensity: { grey: 0.75, white: 0.6, fluid: 0.12, lesion: 1 },
    noiseSigma: 0.035,
    pointSpreadMm: 1.5,
    biasSigma: 0.15,
  },
} as const satisfies Record<string, PhantomScanner>;
