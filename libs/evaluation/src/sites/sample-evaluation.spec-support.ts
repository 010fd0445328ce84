import { randomStream } from '@tributary/random';
import { accumulateMoments, type FeatureMoments } from '../moments/feature-moments.js';
import { spreadOf } from '../scores/spread.js';
import type { SiteEvaluation, SyntheticFeatures } from './site-evaluation.js';

const DIMENSIONS = 6;
const IMAGES = 40;

/** Labels 0..3: two kinds of tissue (label / 2), each without and with a lesion (label % 2). */
function drawImages(site: number, purpose: string, shift: number): SyntheticFeatures {
  const random = randomStream(21, purpose, site);
  const labels = Int32Array.from({ length: IMAGES }, (_, image) => image % 4);
  const features = Float32Array.from({ length: IMAGES * DIMENSIONS }, (_, at) => {
    const column = at % DIMENSIONS;
    const tissue = Math.floor((labels[Math.floor(at / DIMENSIONS)] ?? 0) / 2);
    const centre = (column === 0 ? 3 * tissue : 0) + (column === 1 ? 3 * site : 0);
    return centre + shift + 0.5 * random.normal();
  });
  return { features, labels };
}

function momentsOf({ features, labels }: SyntheticFeatures, order: 2 | 3): FeatureMoments {
  return accumulateMoments(features, { dimensions: DIMENSIONS, order, groups: labels, extractor: 'sample' });
}

/** A site whose images are Gaussian clouds, well apart by tissue and by site; the trained model's are moved by `shift`. */
export function sampleEvaluation({ site, shift }: { site: number; shift: number }): SiteEvaluation {
  return {
    heldOut: momentsOf(drawImages(site, 'held-out', 0), 3),
    train: momentsOf(drawImages(site, 'train', 0), 2),
    before: drawImages(site, 'before', 10),
    after: drawImages(site, 'after', shift),
    utility: {
      realOnly: spreadOf([0.6, 0.7]),
      withSynthetic: spreadOf([0.7, 0.9]),
      trainLesions: 20,
      syntheticLesions: 20,
      testLesions: 20,
      testHealthy: 20,
    },
  };
}
