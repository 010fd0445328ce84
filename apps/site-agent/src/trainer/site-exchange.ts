import type { StrategyState } from '@tributary/diffusion';
import {
  adoptGlobal,
  controlChange,
  copyParameters,
  ownedParameters,
  sharedParameters,
  updateLayout,
} from '@tributary/federation';
import { averageWeights } from '@tributary/federation/averages/average-weights';
import { serverAverages } from '@tributary/federation/averages/server-averages';
import type { Recipe, RunFile } from '@tributary/protocol';
import type { ParameterEntry } from '@tributary/protocol/manifest';
import type { SiteVectors } from './site-history.js';
import type { WrittenResult } from './task-result.js';
import { writeUpdate } from './update-file.js';

/** What a round's training begins with. */
export interface RoundStart {
  /** The global weights, with the site's own values of local parameters. */
  readonly weights: Float32Array;
  /** The vectors of the strategy's part in every local step. */
  readonly strategyState: StrategyState;
  /** What the site kept from the round before. */
  readonly kept: SiteVectors;
}

/** What a round's training ended with. */
export interface RoundEnd {
  readonly weights: Float32Array;
  readonly strategyState: StrategyState;
}

/** What comes from the global model, what goes back to it, and what stays at the site, as the recipe has it. */
export class SiteExchange {
  private readonly shared: readonly string[];
  private readonly owned: readonly string[];

  constructor(
    private readonly run: RunFile,
    private readonly manifest: readonly ParameterEntry[],
  ) {
    this.shared = sharedParameters(manifest, run.recipe.federation);
    this.owned = ownedParameters(run.recipe).filter((parameter) => manifest.some(({ name }) => name === parameter));
  }

  /** Global weights, with the site's own values of the parameters that never leave it. */
  adopt(global: Float32Array, own: Float32Array): Float32Array {
    return adoptGlobal(own, global, { manifest: this.manifest, shared: this.shared });
  }

  /** @param control The server's control variate; absent before SCAFFOLD's second round and with other strategies. */
  start(global: Float32Array, control: Float32Array | undefined, kept: SiteVectors): RoundStart {
    const weights = kept.own === undefined ? global : this.adopt(global, kept.own);
    return { weights, strategyState: this.strategyState(weights, control, kept), kept };
  }

  /** Writes the update into a task's folder. @returns Its file, and what the site keeps for the next round. */
  async finish(
    place: { readonly folder: string; readonly round: number },
    start: RoundStart,
    end: RoundEnd,
  ): Promise<{ readonly written: WrittenResult; readonly kept: SiteVectors }> {
    const { run, manifest } = this;
    const layout = updateLayout({ ...run, manifest, round: place.round });
    const update = this.update(start, end);
    const change = this.controlChange(start, end);
    const { written, residual } = await writeUpdate({
      ...place,
      layout,
      run,
      manifest,
      vectors: change === undefined ? [update] : [change, update],
      residual: start.kept.residual,
    });
    const control = change && this.nextControl(layout.parameters, change, start.kept.control);
    const kept = { ...this.ownWeights(place.round, start, end.weights), ...(control && { control }) };
    return { written, kept: residual === undefined ? kept : { ...kept, residual } };
  }

  private strategyState(weights: Float32Array, control: Float32Array | undefined, kept: SiteVectors): StrategyState {
    switch (this.run.recipe.strategy.kind) {
      case 'fedprox':
        return { anchor: weights };
      case 'scaffold': {
        const correction = weights.map((_, i) => (control?.[i] ?? 0) - (kept.control?.[i] ?? 0));
        // Only its owner moves an owned row: there is no drift between sites to correct.
        copyParameters(new Float32Array(weights.length), correction, {
          manifest: this.manifest,
          parameters: this.owned,
        });
        return { correction, gradientSum: new Float32Array(weights.length) };
      }
      case 'fedsgd':
        return { gradientSum: new Float32Array(weights.length) };
      default:
        return {};
    }
  }

  /** Local minus global weights; with FedSGD the negative gradient, clipped as a step of the optimiser clips it. */
  private update(start: RoundStart, { weights, strategyState }: RoundEnd): Float32Array {
    const { gradientSum } = strategyState;
    if (this.run.recipe.strategy.kind !== 'fedsgd' || gradientSum === undefined) {
      return weights.map((weight, i) => weight - (start.weights[i] ?? 0));
    }
    return negativeGradient(gradientSum, this.run.recipe.optimiser);
  }

  private controlChange({ kept }: RoundStart, { strategyState }: RoundEnd): Float32Array | undefined {
    const { gradientSum } = strategyState;
    if (gradientSum === undefined || this.run.recipe.strategy.kind !== 'scaffold') return undefined;
    const { localSteps } = this.run.recipe.rounds;
    return controlChange({ localControl: kept.control, gradientSum, localSteps });
  }

  /** c_i moves only where the change was sent, so that the server's c stays the mean of all c_i. */
  private nextControl(sent: readonly string[], change: Float32Array, previous: Float32Array | undefined): Float32Array {
    const control = previous?.slice() ?? new Float32Array(change.length);
    const moved = change.map((value, i) => (control[i] ?? 0) + value);
    copyParameters(moved, control, { manifest: this.manifest, parameters: sent });
    return control;
  }

  /** Where some parameters never leave the site: its weights and their average, with the decay of the one that is released. */
  private ownWeights(round: number, { weights: before, kept }: RoundStart, weights: Float32Array): SiteVectors {
    if (this.shared.length === this.manifest.length) return {};
    const ownAverage = new Float32Array(weights.length);
    const [{ decay }] = serverAverages(this.run.recipe.serverEma, round - 1);
    averageWeights(decay, { average: kept.ownAverage ?? before, weights, next: ownAverage });
    return { own: weights, ownAverage };
  }
}

/** -g · min(1, clipNorm / ‖g‖). */
function negativeGradient(gradient: Float32Array, { clipNorm }: Recipe['optimiser']): Float32Array {
  let squaredNorm = 0;
  for (const value of gradient) squaredNorm += value * value;
  const scale = Math.min(1, clipNorm / Math.sqrt(squaredNorm));
  const negative = new Float32Array(gradient.length);
  for (let i = 0; i < gradient.length; i++) negative[i] = -scale * (gradient[i] ?? 0);
  return negative;
}
