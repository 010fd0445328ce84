import type { RecipeShape } from './recipe.js';
import { fewestUpdates } from './strategy.js';

interface RoundFault {
  readonly path: readonly string[];
  readonly expected: string;
}

/** What does not fit together in the rounds of a recipe; empty when all does. */
export function roundFaults(recipe: RecipeShape): RoundFault[] {
  return [
    ...schedulingFaults(recipe),
    ...halvesFaults(recipe),
    ...gradientExchangeFaults(recipe),
    ...withoutRoundsFaults(recipe),
  ];
}

/** What a round asks for must be possible with the sites that it asks. */
function schedulingFaults({ rounds, strategy }: RecipeShape): RoundFault[] {
  const faults: RoundFault[] = [];
  const { quorum, sampling } = rounds;
  if (sampling.kind === 'random' && sampling.sites < quorum) {
    faults.push({ path: ['rounds', 'sampling', 'sites'], expected: `at least the quorum (${quorum})` });
  }
  const fewest = fewestUpdates(strategy);
  if (quorum < fewest) faults.push({ path: ['rounds', 'quorum'], expected: `at least ${fewest} with this strategy` });
  if (strategy.kind !== 'fedbuff') return faults;
  if (sampling.kind !== 'all') {
    faults.push({ path: ['rounds', 'sampling', 'kind'], expected: 'all: asynchronous runs ask every site' });
  }
  if (strategy.bufferSize > quorum) {
    faults.push({ path: ['strategy', 'bufferSize'], expected: `at most the quorum (${quorum}), or it may never fill` });
  }
  return faults;
}

/** With `usplit` a site sends half of the network, the other half in the next round. */
function halvesFaults({ strategy, federation }: RecipeShape): RoundFault[] {
  const path = ['federation', 'exchange'];
  if (federation.exchange !== 'usplit') return [];
  if (strategy.kind === 'fedbuff')
    return [{ path, expected: 'full, ulatdec or udec with strategy fedbuff: without rounds, sites cannot take turns' }];
  if (strategy.kind === 'multi-krum')
    return [{ path, expected: 'full, ulatdec or udec with strategy multi-krum: halves have no distances' }];
  return [];
}

/** With FedSGD a round is one step of the optimiser, and the coordinator takes it. */
function gradientExchangeFaults({ rounds, strategy, optimiser }: RecipeShape): RoundFault[] {
  if (strategy.kind !== 'fedsgd') return [];
  return [
    ...(rounds.localSteps === 1
      ? []
      : [{ path: ['rounds', 'localSteps'], expected: '1 with strategy fedsgd: more images a round by batchSize' }]),
    ...(optimiser.amsgrad ? [{ path: ['optimiser', 'amsgrad'], expected: 'false with strategy fedsgd' }] : []),
  ];
}

/** Without rounds, what is evaluated and released must be there from the beginning, whole. */
function withoutRoundsFaults({ rounds, startFrom, federation }: RecipeShape): RoundFault[] {
  if (rounds.count > 0) return [];
  return [
    ...(startFrom === undefined ? [{ path: ['rounds', 'count'], expected: 'at least 1 without startFrom' }] : []),
    ...(federation.localParameters.length === 0
      ? []
      : [
          {
            path: ['federation', 'localParameters'],
            expected: 'none with rounds.count 0: no site has trained its own',
          },
        ]),
  ];
}
