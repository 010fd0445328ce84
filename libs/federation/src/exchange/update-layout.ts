import type { Compression } from '@tributary/protocol/federation';
import { parameterCount, type ParameterEntry } from '@tributary/protocol/manifest';
import { embeddingRows, type Recipe } from '@tributary/protocol/recipe';
import { LENGTH_PREFIX_BYTES, MAX_HEADER_JSON_BYTES } from '@tributary/protocol/safetensors';
import type { z } from 'zod';
import type { updateInputSchema } from '../aggregation/aggregation-request.js';
import type { OwnedRows } from '../aggregation/coverage.js';
import { codecOf } from '../compression/codec-of.js';
import { encodedVectorBytes } from '../compression/window-codec.js';
import { createStrategy } from '../strategies/create-strategy.js';
import { FLOAT_BYTES } from '../vectors/float-file.js';
import { updateManifest } from '../vectors/vector-names.js';
import type { Range } from '../vectors/range.js';
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
    ownedRows: ownedParameters(recipe)
      .filter((parameter) => parameters.includes(parameter))
      .map((parameter) => ({ parameter, rows: ownRows(recipe, { siteIndex, siteCount: sites.length }) })),
  };
}

/** Bytes that the file of an update has at the most: the longest header that is read, and its numbers. */
export function largestUpdateBytes({ manifest, compression }: Pick<UpdateLayout, 'manifest' | 'compression'>): number {
  const length = parameterCount(manifest);
  const codec = codecOf(compression);
  const dataBytes = codec === undefined ? length * FLOAT_BYTES : encodedVectorBytes(codec, length);
  return LENGTH_PREFIX_BYTES + MAX_HEADER_JSON_BYTES + dataBytes;
}

/** A received update, as the site reported it. */
export interface ReceivedUpdate {
  /** Of its file. */
  readonly path: string;
  readonly images: number;
  readonly localSteps: number;
}

/** What `aggregateRound` is told of a site's update. @throws RangeError for a site that is not one of the run. */
export function updateInput(context: UpdateContext, received: ReceivedUpdate): z.input<typeof updateInputSchema> {
  const { parameters, compression, ownedRows: rows } = updateLayout(context);
  return {
    ...received,
    siteId: context.siteId,
    parameters: parameters.length === context.manifest.length ? undefined : parameters,
    compression,
    ownedRows: rows,
  };
}

/** Names of the parameters whose rows belong to sites; empty where all sites have a say in all rows. */
export function ownedParameters({ conditioning, strategy }: Recipe): string[] {
  return conditioning.site && strategy.ownedRows ? [CLASS_EMBEDDING] : [];
}

/** A site has a say in the rows of its own classes and in the last row, "no condition", which all share. */
function ownRows(
  recipe: Recipe,
  { siteIndex, siteCount }: { readonly siteIndex: number; readonly siteCount: number },
): Range[] {
  const begin = siteIndex * recipe.classes.length;
  const rows = embeddingRows(recipe, siteCount);
  return [
    { begin, end: begin + recipe.classes.length },
    { begin: rows - 1, end: rows },
  ];
}
