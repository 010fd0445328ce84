import { sha256Schema, siteIdSchema } from '@tributary/protocol/identifiers';
import { recordedRecipeSchema } from '@tributary/protocol/recorded-recipe';
import { emaWidthSchema } from '@tributary/protocol/server-ema';
import { z } from 'zod';
import { formatNumberOf, formatResidual } from '../../output/quantities.js';

/** `reconstruction.json`: of which kept averages a model for trials was put together, and how well they fit. */
export const reconstructionSchema = z.object({
  released: z.literal(false),
  /** `RUN/ROUND`. */
  version: z.string(),
  /** Of the run, in the order of their rows in the embedding. */
  siteIds: z.array(siteIdSchema),
  ...recordedRecipeSchema.shape,
  width: emaWidthSchema,
  /** Distance of the average's profile from the wanted one, as a share of the length of the latter. */
  residual: z.number().min(0),
  /** The average is Σ weight · part. */
  parts: z.array(z.object({ round: z.int(), width: z.number(), sha256: sha256Schema, weight: z.number() })),
  weightsSha256: sha256Schema,
});
export type Reconstruction = z.infer<typeof reconstructionSchema>;

/** `MODEL_CARD.md` of a model that was put together for trials. */
export function reconstructionCard({ version, width, residual, parts, weightsSha256 }: Reconstruction): string {
  return `# ${version}, power-function average of width ${width}

**Not released.** Put together from ${formatNumberOf(parts.length, 'kept average')} of the run for an admin's own trials: no site evaluated these weights, and
nobody signed them. \`tributary model verify\` refuses this folder.

- profile: ${formatResidual(residual)} from that of the wanted width
- weights SHA-256: \`${weightsSha256}\`
- \`reconstruction.json\` names the averages by their hash and weight

Not a medical device; generated images show no patient and must not be used for diagnosis.
`;
}
