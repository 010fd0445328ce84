import { isLocalParameter, type Federation } from '@tributary/protocol/federation';
import type { ParameterEntry } from '@tributary/protocol/manifest';

/** What decides which parameters travel. */
export type Exchange = Pick<Federation, 'exchange' | 'localParameters'>;
export type UNetPart = 'encoder' | 'bottleneck' | 'decoder';

/** Part of a `UNet2DModel` that a parameter belongs to, by its name. Embeddings of time and class count as encoder. */
export function unetPart(name: string): UNetPart {
  if (name.startsWith('mid_block.')) return 'bottleneck';
  return /^(up_blocks|conv_norm_out|conv_out)\./.test(name) ? 'decoder' : 'encoder';
}

/**
 * Names of the parameters that come from the global weights, in manifest order: all that some site sends in some round.
 * The others never leave the site that trained them. Parts of the U-Net: de Goede, Cox & Decouchant 2024; local norms:
 * Li et al. 2021 (FedBN).
 */
export function sharedParameters(manifest: readonly ParameterEntry[], exchange: Exchange): string[] {
  const parts: readonly UNetPart[] = [...sentParts(exchange, true), ...sentParts(exchange, false)];
  return travelling(manifest, exchange, parts);
}

/**
 * Names of the parameters that one site sends in one round, in manifest order.
 *
 * @param siteIndex  Position of the site among the sites of the run.
 * @param roundIndex 0 for the first round. With `usplit`, sum of both decides: every site sends every part each second round.
 */
export function exchangedParameters(
  manifest: readonly ParameterEntry[],
  exchange: Exchange,
  { siteIndex, roundIndex }: { readonly siteIndex: number; readonly roundIndex: number },
): string[] {
  return travelling(manifest, exchange, sentParts(exchange, (siteIndex + roundIndex) % 2 === 0));
}

function travelling(
  manifest: readonly ParameterEntry[],
  { localParameters }: Exchange,
  parts: readonly UNetPart[],
): string[] {
  return manifest
    .map(({ name }) => name)
    .filter((name) => parts.includes(unetPart(name)) && !isLocalParameter(name, localParameters));
}

function sentParts({ exchange }: Exchange, even: boolean): readonly UNetPart[] {
  switch (exchange) {
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
