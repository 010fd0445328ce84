import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAtlas, PHANTOM_CLASSES, writePhantomSite, type PhantomSite } from '@tributary/imaging';
import { openEngine } from '@tributary/engines';
import type { Engine } from '@tributary/tensor';
import { randomStream } from '@tributary/random';
import { readParameterFile } from '@tributary/safetensors';
import { FederatedSimulation } from '../simulation/federated-simulation.js';
import { trainPooled } from '../simulation/pooled-training.js';
import { scoreModel } from '../simulation/simulation-scores.js';
import { scannerSheet } from './scanner-sheet.js';
import { recipeOf, type Arm, type BenchSize } from './heterogeneous-arms.js';

/** Three hospitals whose scanners differ more than their patients do. */
const HOSPITALS: readonly PhantomSite[] = [
  { name: 'site-a', scanner: 'T1w', format: 'dicom', lesionRate: 0.08 },
  { name: 'site-b', scanner: 'T2w', format: 'dicom', lesionRate: 0.03 },
  { name: 'site-c', scanner: 'T1c', format: 'nifti', lesionRate: 0.005 },
];

export interface HeterogeneousBenchOptions {
  readonly arms: readonly Arm[];
  readonly size: BenchSize;
  readonly patientsPerSite: number;
  /** A folder for one picture an arm, if any. */
  readonly sheets?: string;
  /** Called often: which arm, how far it is. */
  readonly onRound: (arm: string, n: number, loss: number) => void;
  readonly onArm: (result: ArmResult) => Promise<void>;
}

export interface ArmResult {
  readonly arm: string;
  readonly what: string;
  readonly rounds: number;
  /** Images that all sites together trained on. */
  readonly images: number;
  readonly fd: number;
  readonly kid: number;
  /** Shares of synthetic images that are taken for their scanner, and for their slab. */
  readonly siteShare: number | null;
  readonly slabShare: number | null;
  /** The same of real held-out images. */
  readonly realSiteShare: number | null;
  readonly realSlabShare: number | null;
  /** Of real training images to held-out ones: no arm can do better. */
  readonly realFd: number;
  readonly bytesUp: number;
  readonly trainSeconds: number;
}

/** Trains and scores every arm on the same phantom images, one after the other, in one thread. */
export async function benchHeterogeneousSites(options: HeterogeneousBenchOptions): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'tributary-heterogeneous-'));
  const engine = await openEngine({ name: 'auto', threads: 1 });
  try {
    const images = await writeHospitals(join(directory, 'images'), options);
    for (const arm of options.arms) {
      const armDirectory = join(directory, arm.name);
      await mkdir(armDirectory);
      await options.onArm(await runArm(arm, { ...options, engine, images, directory: armDirectory }));
      await rm(armDirectory, { recursive: true });
    }
  } finally {
    await engine.dispose();
    await rm(directory, { recursive: true });
  }
}

async function writeHospitals(
  directory: string,
  { size, patientsPerSite }: HeterogeneousBenchOptions,
): Promise<Record<string, string>> {
  const atlas = await loadAtlas();
  const images: Record<string, string> = {};
  for (const site of HOSPITALS) {
    const folder = join(directory, site.name);
    images[site.name] = folder;
    await writePhantomSite({
      directory: folder,
      site,
      patients: patientsPerSite,
      imageSizePx: size.imageSizePx,
      atlas,
      random: (...path) => randomStream(11, site.name, ...path),
    });
  }
  return images;
}

interface ArmPlace extends HeterogeneousBenchOptions {
  readonly engine: Engine;
  readonly images: Readonly<Record<string, string>>;
  readonly directory: string;
}

async function runArm(arm: Arm, place: ArmPlace): Promise<ArmResult> {
  const { size, images, directory, engine } = place;
  const recipe = recipeOf(arm, size, PHANTOM_CLASSES);
  const { count, localSteps, batchSize } = recipe.rounds;
  const simulation = await FederatedSimulation.open({ recipe, images, directory, engine });
  try {
    const before = simulation.model.weights;
    const startedMs = performance.now();
    const trained = arm.pooled ? await pooled(simulation, arm, place) : await federated(simulation, arm, place);
    const trainSeconds = (performance.now() - startedMs) / 1000;
    const scores = await scoreModel(simulation.sites, { before, after: trained.after });
    await drawSheet(place.sheets, arm, { simulation, after: trained.after });
    return {
      arm: arm.name,
      what: arm.what,
      rounds: arm.pooled ? 0 : count,
      images: count * localSteps * batchSize * simulation.sites.length,
      ...scores.after,
      siteShare: scores.siteShare,
      slabShare: scores.classShare,
      realSiteShare: scores.realSiteShare,
      realSlabShare: scores.realClassShare,
      realFd: scores.realFd,
      bytesUp: trained.bytesUp,
      trainSeconds,
    };
  } finally {
    await simulation.close();
  }
}

async function drawSheet(
  folder: string | undefined,
  { name }: Arm,
  { simulation, after }: { readonly simulation: FederatedSimulation; readonly after: string },
): Promise<void> {
  if (folder === undefined) return;
  const { flat } = await readParameterFile(after);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.png`), await scannerSheet(simulation.sites, flat));
}

async function pooled(simulation: FederatedSimulation, { name }: Arm, { directory, onRound }: ArmPlace) {
  const { flat: weights } = await readParameterFile(simulation.model.weights);
  const { sites } = simulation;
  const after = await trainPooled({ sites, directory, weights }, (n, loss) => onRound(name, n, loss));
  return { after, bytesUp: 0 };
}

async function federated(simulation: FederatedSimulation, { name }: Arm, { onRound }: ArmPlace) {
  const [first] = simulation.sites;
  let bytesUp = 0;
  for (let n = 1; n <= (first?.parts.run.recipe.rounds.count ?? 0); n++) {
    const round = await simulation.round();
    bytesUp += round.bytesUp;
    onRound(name, n, round.loss);
  }
  return { after: simulation.model.ema, bytesUp };
}
