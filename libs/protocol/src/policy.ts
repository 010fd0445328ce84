import { z } from 'zod';

/** A site's own rules (`policy.yaml` at the hospital). The coordinator can never loosen them. */
export const policySchema = z.strictObject({
  version: z.literal(1),
  recipes: z
    .strictObject({
      /** `ask`: each recipe waits for `tributary agent approve HASH`. `standing`: recipes within `limits` are approved by this rule. */
      approval: z.enum(['ask', 'standing']).default('ask'),
      limits: z
        .strictObject({
          maxRounds: z.int().min(1).default(1000),
          maxLocalSteps: z.int().min(1).default(1000),
          maxParameters: z.int().min(1).default(100_000_000),
          /** Fewest images that an update may be computed from: a gradient of one image gives that image away. */
          minImagesPerUpdate: z.int().min(1).default(8),
        })
        .prefault({}),
    })
    .prefault({}),
  data: z
    .strictObject({
      /** Fewest patients with training images that the site will train on. */
      minPatients: z.int().min(1).default(5),
    })
    .prefault({}),
});
export type Policy = z.infer<typeof policySchema>;
