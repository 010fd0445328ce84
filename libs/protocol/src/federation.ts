import { z } from 'zod';

/** How updates travel; `none` is plain float32. Formulas and papers: docs/ref-strategies.md. */
export const compressionSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('int8') }),
  z.strictObject({ kind: z.literal('fp16') }),
  z.strictObject({
    kind: z.literal('top-k'),
    fraction: z.number().gt(0).max(1).default(0.05).describe('share of numbers that are sent in a round'),
  }),
]);
export type Compression = z.infer<typeof compressionSchema>;

/** Groups of parameters that `localParameters` knows by a name. */
export const PARAMETER_GROUPS: Readonly<Record<string, RegExp>> = {
  norms: /(^|\.)(norm\d*|group_norm|conv_norm_out)\.(weight|bias)$/,
  'class-embedding': /^class_embedding\./,
};

/** What travels between the sites and the coordinator, and what stays at a site. */
export const federationSchema = z.strictObject({
  exchange: z
    .enum(['full', 'usplit', 'ulatdec', 'udec'])
    .default('full')
    .describe(
      'parts of the U-Net that are shared: all; all, but each round encoder and bottleneck or the decoder; bottleneck and decoder; decoder',
    ),
  localParameters: z
    .array(z.string().min(1).max(256))
    .max(100)
    .readonly()
    .default([])
    .describe(
      'parameters that never leave the site that trained them: `norms`, `class-embedding`, or names, in which * stands for anything',
    ),
  compression: compressionSchema
    .default({ kind: 'none' })
    .describe('how updates are coded; what a code loses is sent in later rounds'),
});
export type Federation = z.infer<typeof federationSchema>;

/** Whether a parameter is one that `localParameters` keeps at the site. */
export function isLocalParameter(name: string, localParameters: Federation['localParameters']): boolean {
  return localParameters.some((pattern) => localPatternMatches(name, pattern));
}

/** Whether one pattern of `localParameters`, or the group that it names, means a parameter. */
export function localPatternMatches(name: string, pattern: string): boolean {
  return (PARAMETER_GROUPS[pattern] ?? wildcard(pattern)).test(name);
}

function wildcard(pattern: string): RegExp {
  const literal = pattern.split('*').map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, String.raw`\$&`));
  return new RegExp(`^${literal.join('.*')}$`);
}
