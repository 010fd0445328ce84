import type { GraphBuilder } from '@tributary/onnx-graph';
import { binary, unary } from './symbolic/elementwise.js';
import { kernel, type RecordedKernel } from './kernel.js';
import { fillFloat, type Symbolic } from './symbolic/symbolic.js';

/** 2π in two parts, of which the first times a whole number below 2^14 is exact in float32 (Cody and Waite 1980). */
const TWO_PI_HIGH = 6.28125;
const TWO_PI_LOW = 2 * Math.PI - TWO_PI_HIGH;
/** 1 / n! with the signs of the sine's power series, highest power first: exact to 6e-8 within a quarter turn. */
const SINE_SERIES = [-1 / 39916800, 1 / 362880, -1 / 5040, 1 / 120, -1 / 6, 1];

type Operand = Symbolic | number;

/** Arithmetic on symbols and numbers. */
function arithmetic(g: GraphBuilder) {
  const symbol = (x: Operand) => (typeof x === 'number' ? fillFloat(g, x) : x);
  const apply = (op: string) => (a: Operand, b: Operand) => binary(g, op, [symbol(a), symbol(b)]);
  return { add: apply('Add'), sub: apply('Sub'), mul: apply('Mul'), min: apply('Min'), max: apply('Max') };
}

/** x less the nearest whole number of turns, in [-π, π]. */
function withinTurn(g: GraphBuilder, x: Symbolic): Symbolic {
  const { add, sub, mul } = arithmetic(g);
  const turns = unary(g, 'Floor', add(mul(x, 1 / (2 * Math.PI)), 0.5));
  return sub(sub(x, mul(turns, TWO_PI_HIGH)), mul(turns, TWO_PI_LOW));
}

/** sin(x) for x in [-π/2, π/2]. */
function sineSeries(g: GraphBuilder, x: Symbolic): Symbolic {
  const { add, mul } = arithmetic(g);
  const squared = mul(x, x);
  return mul(
    SINE_SERIES.slice(1).reduce(
      (sum, coefficient) => add(mul(sum, squared), coefficient),
      fillFloat(g, SINE_SERIES[0] ?? 0),
    ),
    x,
  );
}

/** sin(y) = sin(π - y) = sin(-π - y): the one of the three that lies within a quarter turn. */
function sine(g: GraphBuilder, x: Symbolic): Symbolic {
  const { sub, min, max } = arithmetic(g);
  const y = withinTurn(g, x);
  return sineSeries(g, max(min(y, sub(Math.PI, y)), sub(-Math.PI, y)));
}

/** cos(y) = sin(π/2 - |y|). */
function cosine(g: GraphBuilder, x: Symbolic): Symbolic {
  return sineSeries(g, arithmetic(g).sub(Math.PI / 2, unary(g, 'Abs', withinTurn(g, x))));
}

/**
 * GPUs promise sines to 2^-11 only, within one turn (Vulkan 1.3, "Precision of GLSL.std.450 instructions"); position
 * embeddings need more, of many turns. There they are computed from their series.
 */
const onGpu = (name: 'Sin' | 'Cos' | 'Tan', record: (g: GraphBuilder, x: Symbolic) => Symbolic): RecordedKernel =>
  kernel(name, ['x'], (g, { x }) => (g.target.device === 'gpu' ? record(g, x) : unary(g, name, x)));

export const trigonometryKernels: readonly RecordedKernel[] = [
  onGpu('Sin', sine),
  onGpu('Cos', cosine),
  onGpu('Tan', (g, x) => binary(g, 'Div', [sine(g, x), cosine(g, x)])),
];
