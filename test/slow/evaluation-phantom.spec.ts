import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  accuracy,
  accumulateMoments,
  classify,
  confusionOf,
  decodeSiteEvaluation,
  encodeSiteEvaluation,
  fitDiscriminant,
  poolConfusions,
  poolMoments,
  regroupConfusion,
  regroupMoments,
  scoreSites,
  type FeatureMoments,
  type SiteEvaluation,
} from '@tributary/evaluation';
import { createExtractor, type Extractor } from '@tributary/evaluation/extractor';
import { loadAtlas, PHANTOM_CLASSES, readImageFolder, splitByPatient, writePhantomSite } from '@tributary/imaging';
import { openEngine } from '@tributary/engines';
import { randomStream } from '@tributary/random';
import type { Engine } from '@tributary/tensor';

jest.setTimeout(600_000);

const sizePx = 32;
const pixels = sizePx ** 2;
const patients = 80;
const scanners = ['T1w', 'T2w', 'T1c'] as const;

interface LabelledPixels {
  readonly images: Float32Array;
  readonly labels: Int32Array;
}

interface PhantomSplit {
  readonly train: LabelledPixels;
  readonly heldOut: LabelledPixels;
}

const slabOf = (label: number) => Math.floor(label / 2);
const pairOf = (site: number) => (label: number) => slabOf(label) * scanners.length + site;

async function phantomSite(directory: string, site: number): Promise<PhantomSplit> {
  const scanner = scanners[site] ?? 'T1w';
  const name = `site-${site}`;
  await writePhantomSite({
    directory,
    site: { name, scanner, format: 'dicom', lesionRate: 0.12 },
    patients,
    imageSizePx: sizePx,
    atlas: await loadAtlas(),
    random: (...path) => randomStream(17, name, ...path),
  });
  const dataset = await readImageFolder({
    directory,
    imageSizePx: sizePx,
    channels: 1,
    intensity: { method: 'percentile', low: 0, high: 99.5 },
    classes: PHANTOM_CLASSES,
    onBadFile: 'refuse',
  });
  const split = splitByPatient(dataset, { heldOutFraction: 0.25, random: randomStream(17, 'split', site) });
  const pick = (indices: Int32Array): LabelledPixels => {
    const images = new Float32Array(indices.length * pixels);
    indices.forEach((index, row) =>
      images.set(dataset.images.subarray(index * pixels, (index + 1) * pixels), row * pixels),
    );
    return { images, labels: indices.map((index) => dataset.classIndex[index] ?? 0) };
  };
  return { train: pick(split.train), heldOut: pick(split.heldOut) };
}

describe('scores on phantom images', () => {
  let folder: string;
  let engine: Engine;
  let extractor: Extractor;
  let sites: PhantomSplit[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tributary-evaluation-'));
    engine = await openEngine({ name: 'onnx', threads: 1 });
    extractor = await createExtractor(engine, { imageSize: sizePx, channels: 1, seed: 5 });
    sites = await Promise.all(scanners.map((_, site) => phantomSite(join(folder, `site-${site}`), site)));
  });

  afterAll(async () => {
    await extractor.dispose();
    await engine.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  const featuresOf = ({ images, labels }: LabelledPixels) => extractor.features(images, labels.length);

  async function momentsOf(set: LabelledPixels): Promise<FeatureMoments> {
    const { dimensions, id } = extractor;
    return accumulateMoments(await featuresOf(set), { dimensions, order: 3, groups: set.labels, extractor: id });
  }

  /** A site whose "trained model" gives `synthetic`, and whose untrained one gives noise. */
  async function evaluationOf(site: PhantomSplit, synthetic: LabelledPixels): Promise<SiteEvaluation> {
    const noise = { images: synthetic.images.slice(), labels: synthetic.labels };
    randomStream(1, 'noise').fillNormal(noise.images);
    const evaluation: SiteEvaluation = {
      heldOut: await momentsOf(site.heldOut),
      train: await momentsOf(site.train),
      before: { features: await featuresOf(noise), labels: noise.labels },
      after: { features: await featuresOf(synthetic), labels: synthetic.labels },
      utility: null,
    };
    return decodeSiteEvaluation(encodeSiteEvaluation(evaluation));
  }

  function score(evaluations: readonly SiteEvaluation[]) {
    const random = randomStream(2, 'draws');
    return scoreSites(evaluations, { mergedClass: slabOf, normal: () => random.normal() });
  }

  it('tell slab and scanner of held-out patients with at least 95 %', async () => {
    const train = await Promise.all(
      sites.map(async (site, at) => regroupMoments(await momentsOf(site.train), pairOf(at))),
    );
    const discriminant = fitDiscriminant(poolMoments(train), { kind: 'quadratic', shrinkage: 0.02 });
    const confusion = poolConfusions(
      await Promise.all(
        sites.map(async ({ heldOut }, at) =>
          confusionOf(heldOut.labels.map(pairOf(at)), classify(discriminant, await featuresOf(heldOut))),
        ),
      ),
    );
    expect(accuracy(regroupConfusion(confusion, (pair) => Math.floor(pair / scanners.length)))).toBeGreaterThanOrEqual(
      0.95,
    );
    expect(accuracy(regroupConfusion(confusion, (pair) => pair % scanners.length))).toBeGreaterThanOrEqual(0.95);
  });

  it('give a perfect generator the distance of real images and full shares', async () => {
    const scores = score(await Promise.all(sites.map((site) => evaluationOf(site, site.train))));
    expect(scores.after.fd).toBeCloseTo(scores.realFd, 6);
    expect(scores.after.fd).toBeLessThan(0.01 * scores.before.fd);
    expect(Math.abs(scores.after.kid)).toBeLessThan(0.01 * scores.before.kid);
    expect(scores.classShare).toBeGreaterThan(0.95);
    expect(scores.siteShare).toBeGreaterThan(0.95);
    expect(scores.realClassShare).toBeGreaterThan(0.95);
    expect(scores.realSiteShare).toBeGreaterThan(0.95);
    expect(scores.diversity).toBeCloseTo(1, 1);
  });

  it('show a generator that makes every image with the first scanner', async () => {
    const [first] = sites;
    if (!first) throw new Error('no sites');
    const scores = score(await Promise.all(sites.map((site) => evaluationOf(site, first.train))));
    expect(scores.classShare).toBeGreaterThan(0.95);
    expect(scores.siteShare).toBeLessThan(0.4);
    expect(scores.after.fd).toBeGreaterThan(3 * scores.realFd);
  });
});
