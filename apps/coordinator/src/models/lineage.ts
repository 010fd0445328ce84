import {
  SOFTWARE_VERSION,
  type EvaluationResult,
  type Lineage,
  type Recipe,
  type RecordedRecipe,
} from '@tributary/protocol';
import type { Version } from './model-version.repository.js';

/** One site's update that went into a round. */
export interface CountedUpdate {
  readonly siteId: string;
  readonly sha256: string;
  readonly images: number;
}

export interface LineageMaterial {
  readonly run: {
    readonly id: string;
    readonly studyId: string;
    readonly recipe: Recipe;
    readonly sites: readonly string[];
    readonly evaluation: EvaluationResult | null;
  };
  /** The run's recipe as it was accepted. */
  readonly recorded: RecordedRecipe;
  /** The released version. */
  readonly version: Version;
  /** All versions of the run. */
  readonly versions: readonly Version[];
  /** Updates of each published round, by its number. */
  readonly updates: ReadonlyMap<number, readonly CountedUpdate[]>;
  readonly createdAt: Date;
}

/** Where a model comes from: recipe, sites with their images, and every round's inputs and outputs by hash. */
export function lineageOf({ run, recorded, version, versions, updates, createdAt }: LineageMaterial): Lineage {
  const rounds = versions.filter(({ round }) => round > 0 && round <= version.round);
  return {
    version: `${run.id}/${version.round}`,
    runId: run.id,
    studyId: run.studyId,
    recipeSha256: recorded.recipeSha256,
    recipe: recorded.recipe,
    sites: run.sites.map((siteId) => ({ siteId, images: mostImages(siteId, updates) })),
    classes: run.recipe.classes,
    rounds: rounds.map(({ round, weights, ema }) => ({
      n: round,
      weightsSha256: weights.sha256,
      emaSha256: ema.sha256,
      updates: (updates.get(round) ?? []).map(({ siteId, sha256, images }) => ({ siteId, sha256, images })),
    })),
    weightsSha256: version.weights.sha256,
    emaSha256: version.ema.sha256,
    evaluation: run.evaluation,
    createdAt: createdAt.toISOString(),
    writtenBy: SOFTWARE_VERSION,
  };
}

function mostImages(siteId: string, updates: LineageMaterial['updates']): number {
  const counts = [...updates.values()].flat().filter((update) => update.siteId === siteId);
  return counts.reduce((most, { images }) => Math.max(most, images), 0);
}
