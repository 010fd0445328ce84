import type { Compression } from '@tributary/protocol/federation';
import type { ParameterEntry } from '@tributary/protocol/manifest';
import { embeddingRows, type Recipe } from '@tributary/protocol/recipe';
import type { OwnedRows } from '../aggregation/coverage.js';
import { createStrategy } from '../strategies/create-strategy.js';
import { updateManifest } from '../vectors/vector-names.js';
import { heldManifest } from './exchanged-vector.js';
import { exchangedParameters } from './partial-exchange.js';

/** The parameter whose rows belong to sites. */
const CLASS_EMBEDDING = 'class_embedding.weight';

/** What both ends know of a round before an update is sent. */
export interface UpdateContext {
  readonly recipe: Recipe;
  /** Of the whole model. */
  readonly manifest: readonly ParameterEntry[];
  /** Sites of the run in the order of their ids. */
  readonly sites: readonly string[];
  readonly siteId: string;
  /** From 1. */
  readonly round: number;
}

/** What one site's update of one round holds. Site and coordinator derive it from the recipe alone. */
export interface UpdateLayout {
  /** Vectors that travel, ascending by name. */
  readonly vectors: readonly string[];
  /** Names of the parameters that travel, in manifest order. */
  readonly parameters: readonly string[];
  /** Everything that the update holds, in order, before it is compressed. */
  readonly manifest: readonly ParameterEntry[];
  readonly compression: Compression;
  /** Parameters of which the site has a say in some rows only. */
  readonly ownedRows: readonly OwnedRows[];
}

/** @throws RangeError for a site that is not one of the run. */
export function updateLayout(context: UpdateContext): UpdateLayout {
  const { recipe, manifest, sites, siteId, round } = context;
  const siteIndex = sites.indexOf(siteId);
  if (siteIndex < 0) throw new RangeError('the site is not one of the run');
  const parameters = exchangedParameters(manifest, recipe.federation, { siteIndex, roundIndex: round - 1 });
  const vectors = createStrategy(recipe.strategy).updateVectors;
  return {
    vectors,
    parameters,
    manifest: updateManifest(heldManifest(manifest, parameters), vectors),
    compression: recipe.federation.compression,
    ownedRows: parameters.includes(CLASS_EMBEDDING) ? ownedRows(recipe, { siteIndex, siteCount: sites.length }) : [],
  };
}

/** A site has a say in the rows of its own classes and in the last row, "no condition", which all share. */
function ownedRows(
  recipe: Recipe,
  { siteIndex, siteCount }: { readonly siteIndex: number; readonly siteCount: number },
): OwnedRows[] {
  if (!recipe.conditioning.site || !recipe.strategy.ownedRows) return [];
  const begin = siteIndex * recipe.classes.length;
  const rows = embeddingRows(recipe, siteCount);
  const own = { begin, end: begin + recipe.classes.length };
  return [{ parameter: CLASS_EMBEDDING, rows: [own, { begin: rows - 1, end: rows }] }];
}
