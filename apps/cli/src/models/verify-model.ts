import { canonicalJson } from '@tributary/protocol/canonical-json';
import { TributaryError } from '@tributary/protocol/errors';
import { recipeHash } from '@tributary/protocol/recipe-hash';
import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { Action } from '../command-context.js';
import { argumentAt, parseVerbOptions } from '../verb-options.js';
import { readReleasedModel, type Release } from './model-folder.js';
import type { WeightsSummary } from './weights-file.js';

/** What comes before the 32 bytes of an Ed25519 key in its DER form (RFC 8410). */
const ED25519_DER_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** What a signature speaks of. */
interface Signed extends Pick<Release, 'lineage' | 'recipe' | 'signature'> {
  readonly weights: Pick<WeightsSummary, 'sha256'>;
}

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
  const verified = verifyModel(await readReleasedModel(directory), publicKey);
  const key = publicKey === undefined ? `signed by the key ${verified.publicKey}` : 'signed by the key you trust';
  context.output.document({ ok: true, ...verified }, `${verified.version} is genuine: ${key}.`);
};

/**
 * Holds a model to its lineage and the lineage to its signature.
 *
 * @param trustedKey The coordinator's key (base64) when the reader knows it; else the folder's own key is only shown.
 * @throws TributaryError MODEL_VERIFY_FAILED naming what does not fit.
 */
export function verifyModel({ lineage, recipe, signature, weights }: Signed, trustedKey?: string): VerifiedModel {
  if (weights.sha256 !== lineage.emaSha256) throw failed('the weights are not those of the lineage');
  if (recipeHash(recipe) !== lineage.recipeSha256) throw failed('the recipe is not the one that the sites approved');
  if (trustedKey !== undefined && trustedKey !== signature.publicKey) throw failed('signed by another key');
  const isSigned = verify(
    null,
    Buffer.from(canonicalJson(lineage)),
    publicKeyOf(signature.publicKey),
    Buffer.from(signature.signature, 'base64'),
  );
  if (!isSigned) throw failed('the signature is not one of this lineage');
  return {
    version: lineage.version,
    weightsSha256: weights.sha256,
    recipeSha256: lineage.recipeSha256,
    publicKey: signature.publicKey,
  };
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
