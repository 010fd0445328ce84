import { TributaryError, type Policy, type Recipe, type TrainerMessage } from '@tributary/protocol';

type DataFacts = Extract<TrainerMessage, { type: 'ready' }>['data'];

/**
 * The rules on what a site trains on.
 *
 * @returns why the site declines, or undefined when it takes part. The site's own counts are not told.
 */
export function declineForData(policy: Policy, recipe: Recipe, data: DataFacts): TributaryError | undefined {
  if (data.patients < policy.data.minPatients) {
    return new TributaryError('POLICY_DECLINED', { detail: `data.minPatients is ${policy.data.minPatients}` });
  }
  if (data.trainImages < recipe.rounds.minImages) {
    return new TributaryError('DATA_TOO_FEW_IMAGES', { detail: `rounds.minImages is ${recipe.rounds.minImages}` });
  }
  return undefined;
}
