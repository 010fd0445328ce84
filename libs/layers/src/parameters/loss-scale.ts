/** By how much the loss is multiplied before its gradient is taken, so that small gradients do not vanish in float16. */
export interface LossScale {
  /** A power of two, so that it changes no digit of a gradient, from 1 to `MAX_SCALE`. */
  readonly scale: number;
  /** Steps since the scale last changed; none of them overflowed. */
  readonly goodSteps: number;
}

/** Steps without an overflow after which the scale is doubled. */
export const GROWTH_INTERVAL_STEPS = 2000;
/** Beyond this a float32 loss itself comes near its end. */
const MAX_SCALE = 2 ** 24;

export const FIRST_LOSS_SCALE: LossScale = { scale: 2 ** 16, goodSteps: 0 };

/**
 * The scale after a step: doubled after `GROWTH_INTERVAL_STEPS` good ones, halved at once by an overflow (Micikevicius et al. 2018,
 * "Mixed precision training", section 3.2).
 */
export function nextLossScale({ scale, goodSteps }: LossScale, hasOverflowed: boolean): LossScale {
  if (hasOverflowed) return { scale: Math.max(1, scale / 2), goodSteps: 0 };
  if (goodSteps + 1 < GROWTH_INTERVAL_STEPS) return { scale, goodSteps: goodSteps + 1 };
  return { scale: Math.min(MAX_SCALE, 2 * scale), goodSteps: 0 };
}
