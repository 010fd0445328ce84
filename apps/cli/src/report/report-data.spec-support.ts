import type { DemoResult } from '../demo/demo-result.js';
import type { EmbeddedPicture, ReportData } from './report-data.js';

const SHA = 'ab'.repeat(32);
const CLASSES = [
  'base',
  'base-lesion',
  'ganglia',
  'ganglia-lesion',
  'ventricles',
  'ventricles-lesion',
  'vertex',
  'vertex-lesion',
];
const SITES = ['site-a', 'site-b', 'site-c'];
const ROUNDS = 150;

/** A grey PNG of one pixel. */
const DOT: EmbeddedPicture = {
  uri: 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==',
  widthPx: 1,
  heightPx: 1,
};

/** A made-up result with figures of the size that the quick demo has. */
export function exampleResult(changes: Partial<DemoResult> = {}): DemoResult {
  return {
    outDir: '/demo',
    profile: 'quick',
    seed: 7,
    pooled: false,
    runId: 'run-4f3a9c1d',
    sites: SITES.map((id) => ({ id, images: 640, patients: 160, classes: { base: 150, 'base-lesion': 10 } })),
    rounds: Array.from({ length: ROUNDS }, (_, index) => ({
      n: index + 1,
      answered: 3,
      declined: 0,
      seconds: 0.9,
      loss: 0.4,
    })),
    engine: { name: 'onnx', device: 'cpu', threads: 1 },
    scores: { before: { fd: 2.013, kid: 0.412 }, after: { fd: 0.0412, kid: 0.0071 } },
    utility: {
      realOnly: { mean: 0.871, sd: 0.021, perSeed: [0.85, 0.892, 0.871] },
      withSynthetic: { mean: 0.884, sd: 0.017, perSeed: [0.87, 0.901, 0.881] },
      rareClass: 'lesion',
      trainLesions: 58,
      syntheticLesions: 192,
      testLesions: 15,
    },
    slabShare: 0.93,
    siteShare: 0.88,
    realClassShare: 0.99,
    realSiteShare: 1,
    realFd: 0.0021,
    diversity: 0.94,
    heldOutImages: 384,
    syntheticImages: 384,
    bytesUp: 312_000_000,
    release: { version: 'run-4f3a9c1d/150', sha256: SHA, path: '/demo/release', verified: true },
    samples: { png: '/demo/samples.png' },
    report: '/demo/report.html',
    stages: [
      { stage: 'making phantom patients', seconds: 8.1 },
      { stage: 'starting the coordinator', seconds: 2.4 },
      { stage: 'enrolling the sites', seconds: 4.9 },
      { stage: 'training and evaluation', seconds: 141 },
      { stage: 'drawing samples', seconds: 14.2 },
    ],
    seconds: 176,
    ...changes,
  };
}

/** A whole report's content; the pictures are dots. */
export function exampleReport(changes: Partial<DemoResult> = {}): ReportData {
  const rounds = [0, 1, 2, 5, 10, 20, 50, 100, ROUNDS];
  return {
    result: exampleResult(changes),
    finishedAt: new Date('2026-11-22T18:20:00Z'),
    recipeSha256: SHA,
    sites: SITES.map((id, index) => ({
      id,
      images: 640,
      patients: 160,
      lesionImages: [51, 19, 3][index] ?? 0,
      scanner: ['T1w', 'T2w', 'T1c'][index] ?? '',
      fileFormat: index === 2 ? 'NIfTI' : 'DICOM',
      imageBytes: 2_100_000,
      sentBytes: 104_000_000,
    })),
    contributions: SITES.flatMap((siteId, site) =>
      Array.from({ length: ROUNDS }, (_, round) => ({
        round: round + 1,
        siteId,
        bytes: 700_000,
        loss: 0.25 + 0.05 * site + 1.6 * Math.exp(-round / 14),
      })),
    ),
    film: rounds.map((round) => ({ round, picture: DOT })),
    filmLegend: 'Columns: site-a, site-b, site-c. Rows: base, ganglia, ventricles, vertex.',
    comparisons: CLASSES.map((className) => ({
      className,
      real: DOT,
      synthetic: DOT,
    })),
  };
}
