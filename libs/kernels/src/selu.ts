/** scale · alpha and scale of the scaled exponential linear unit (Klambauer et al. 2017, eq. 14). */
export const SELU_ALPHA = 1.7580993408473768;
export const SELU_SCALE = 1.0507009873554805;
