import { TributaryError } from '@tributary/protocol/errors';
import type { Lineage, Release } from '@tributary/protocol/http';
import { coveredBytes } from '@tributary/protocol/recorded-document';
import { readLineage } from '@tributary/protocol/recorded-lineage';
import { recipeHash } from '@tributary/protocol/recorded-recipe';
import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { Action } from '../../command-context.js';
import { argumentAt, parseVerbOptions } from '../../verb-options.js';
import { readSignedModel, type SignedModel } from './model-folder.js';

/** What comes before the 32 bytes of an Ed25519 key in its DER form (RFC 8410). */
const ED25519_DER_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

export interface VerifiedModel {
  readonly version: string;
  readonly weightsSha256: string;
  readonly recipeSha256: string;
  readonly publicKey: string;
}

/** Checks a pulled model without a server. */
export const verifyModelVerb: Action = async (context, { arguments: values, options }) => {
  const { publicKey } = parseVerbOptions(z.object({ publicKey: z.string().optional() }), options);
  const directory = resolve(context.host.cwd, argumentAt(values, 0, 'dir'));
  const verified = verifyModel(await readSignedModel(directory), publicKey);
  const key = publicKey === undefined ? `signed by the key ${verified.publicKey}` : 'signed by the key you trust';
  context.output.document({ ok: true, ...verified }, `${verified.version} is genuine: ${key}.`);
};

/**
 * Holds a model's weights to its lineage, as `verifyRelease`.
 *
 * @param trustedKey The coordinator's key (base64) when the reader knows it; else the folder's own key is only shown.
 * @throws TributaryError MODEL_VERIFY_FAILED naming what does not fit, DOCUMENT_UNREADABLE for a lineage of another version.
 */
export function verifyModel({ release, weights }: SignedModel, trustedKey?: string): VerifiedModel {
  const { version, emaSha256, recipeSha256 } = verifyRelease(release, trustedKey);
  if (weights.sha256 !== emaSha256) throw failed('the weights are not those of the lineage');
  return { version, weightsSha256: weights.sha256, recipeSha256, publicKey: release.publicKey };
}

/**
 * Holds a lineage, as it was recorded, to its signature; then reads it and holds the recipe to its hash. The recipe itself is
 * not read: a release verifies whether or not this version accepts its recipe.
 *
 * @throws TributaryError MODEL_VERIFY_FAILED, DOCUMENT_UNREADABLE.
 */
export function verifyRelease(release: Release, trustedKey?: string): Lineage {
  const { publicKey, signature } = release;
  if (trustedKey !== undefined && trustedKey !== publicKey) throw failed('signed by another key');
  const covered = coveredBytes(release.lineage);
  if (!verify(null, covered, publicKeyOf(publicKey), Buffer.from(signature, 'base64'))) {
    throw failed('the signature is not one of this lineage');
  }
  const lineage = readLineage(release.lineage);
  if (recipeHash(lineage.recipe) !== lineage.recipeSha256) {
    throw failed('the recipe is not the one that the sites approved');
  }
  return lineage;
}

function publicKeyOf(base64: string): KeyObject {
  const raw = Buffer.from(base64, 'base64');
  try {
    return createPublicKey({ key: Buffer.concat([ED25519_DER_PREFIX, raw]), format: 'der', type: 'spki' });
  } catch {
    throw failed('the public key is not an Ed25519 key');
  }
}

function failed(detail: string): TributaryError {
  return new TributaryError('MODEL_VERIFY_FAILED', { detail });
}
