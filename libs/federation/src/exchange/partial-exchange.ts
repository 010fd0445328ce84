import type { ParameterEntry } from '@tributary/protocol/manifest';
import { z } from 'zod';

/** Which parameters of a U-Net travel, and which stay at the site that trained them. */
export const exchangeSchema = z.strictObject({
  /**
   * Parts of the U-Net that are shared (de Goede, Cox & Decouchant 2024, "Training diffusion models with federated
   * learning"): `full`; `ulatdec` bottleneck and decoder; `udec` decoder; `usplit` everything, but a site sends either
   * encoder and bottleneck or the decoder, in turn.
   */
  scheme: z.enum(['full', 'usplit', 'ulatdec', 'udec']).default('full'),
  /** Groups that never leave a site: `norms` is FedBN (Li et al. 2021) with group norms, `class-embedding` a site's style. */
  local: z.array(z.enum(['norms', 'class-embedding'])).default([]),
});

export type Exchange = z.infer<typeof exchangeSchema>;
export type LocalGroup = Exchange['local'][number];
export type UNetPart = 'encoder' | 'bottleneck' | 'decoder';

const LOCAL_GROUPS: Readonly<Record<LocalGroup, RegExp>> = {
  norms: /(^|\.)(norm\d*|group_norm|conv_norm_out)\.(weight|bias)$/,
  'class-embedding': /^class_embedding\./,
};

/** Part of a `UNet2DModel` that a parameter belongs to, by its name. Embeddings of time and class count as encoder. */
export function unetPart(name: string): UNetPart {
  if (name.startsWith('mid_block.')) return 'bottleneck';
  return /^(up_blocks|conv_norm_out|conv_out)\./.test(name) ? 'decoder' : 'encoder';
}

/**
 * Names of the parameters that one site sends in one round, in manifest order.
 *
 * @param siteIndex  Position of the site among the sites of the run.
 * @param roundIndex 0 for the first round. With `usplit`, sum of both decides: every site sends every part each second round.
 */
export function exchangedParameters(
  manifest: readonly ParameterEntry[],
  { scheme, local }: Exchange,
  { siteIndex, roundIndex }: { readonly siteIndex: number; readonly roundIndex: number },
): string[] {
  const parts = sharedParts(scheme, (siteIndex + roundIndex) % 2 === 0);
  return manifest
    .map(({ name }) => name)
    .filter((name) => parts.includes(unetPart(name)) && !local.some((group) => LOCAL_GROUPS[group].test(name)));
}

function sharedParts(scheme: Exchange['scheme'], even: boolean): readonly UNetPart[] {
  switch (scheme) {
    case 'full':
      return ['encoder', 'bottleneck', 'decoder'];
    case 'ulatdec':
      return ['bottleneck', 'decoder'];
    case 'udec':
      return ['decoder'];
    case 'usplit':
      return even ? ['encoder', 'bottleneck'] : ['decoder'];
  }
}
