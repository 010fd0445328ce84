import { TributaryError } from '@tributary/protocol/errors';
import type { TensorLocation } from '@tributary/protocol/safetensors';
import { openParameters, type ParameterSource, type ReadableBytes } from '@tributary/safetensors';
import { initialParameter, type Parameter } from '../network/parameter.js';
import { CLASS_ROWS } from '../network/unet-parameters.js';

/** Names of attention layers before diffusers 0.15. */
const FORMER_NAMES: readonly (readonly [former: RegExp, name: string])[] = [
  [/\.query\./, '.to_q.'],
  [/\.key\./, '.to_k.'],
  [/\.value\./, '.to_v.'],
  [/\.proj_attn\./, '.to_out.0.'],
];

/** More than these are counted, not named. */
const MOST_NAMED = 3;

/** The weights of another model, matched with the parameters of a network. */
export interface StartingWeights {
  /**
   * Every parameter's first values in the order of the network's parameters, one in memory at a time.
   *
   * @throws TributaryError START_MODEL_UNFIT when one is not finite.
   */
  values(): AsyncGenerator<Float32Array>;
}

interface Match {
  readonly parameter: Parameter;
  /** Undefined: it starts afresh. */
  readonly tensor: TensorLocation | undefined;
}

/**
 * Matches a safetensors file of a diffusers `UNet2DModel` with a network. Class rows start afresh when they are another number:
 * they stand for other classes.
 *
 * @param options.seed    Of what starts afresh.
 * @param options.isWhole Nothing may start afresh.
 * @throws TributaryError START_MODEL_UNFIT naming the tensors that are missing, of another shape or too many; SAFETENSORS_INVALID
 *         for a broken file, or one of other numbers than float32.
 */
export async function matchStartingWeights(
  parameters: readonly Parameter[],
  bytes: ReadableBytes,
  { seed, isWhole = false }: { readonly seed: number; readonly isWhole?: boolean },
): Promise<StartingWeights> {
  const source = await openParameters(bytes, 'any');
  const matches = match(parameters, source, isWhole);
  return {
    values: async function* () {
      for (const { parameter, tensor } of matches) {
        yield tensor === undefined ? initialParameter(parameter, seed) : await finiteValues(source, parameter, tensor);
      }
    },
  };
}

function match(parameters: readonly Parameter[], { header }: ParameterSource, isWhole: boolean): Match[] {
  const found = new Map(header.entries.map((entry) => [presentName(entry.name), entry]));
  const faults: string[] = [];
  const matches = parameters.map((parameter) => {
    const { name, shape } = parameter;
    const tensor = found.get(name);
    found.delete(name);
    if (tensor !== undefined && isSameShape(tensor.shape, shape)) return { parameter, tensor };
    if (name !== CLASS_ROWS || isWhole) {
      faults.push(`${name} ${tensor ? `is ${shapeText(tensor.shape)} instead of ${shapeText(shape)}` : 'is missing'}`);
    }
    return { parameter, tensor: undefined };
  });
  found.delete(CLASS_ROWS);
  faults.push(...[...found.keys()].map((name) => `${name} is not of the recipe's network`));
  if (faults.length > 0) throw unfit(listed(faults));
  return matches;
}

async function finiteValues(
  source: ParameterSource,
  { name }: Parameter,
  tensor: TensorLocation,
): Promise<Float32Array> {
  const values = await source.values(tensor);
  if (!values.every(Number.isFinite)) throw unfit(`${name} holds a number that is not finite`);
  return values;
}

function presentName(name: string): string {
  return FORMER_NAMES.reduce((current, [former, present]) => current.replace(former, present), name);
}

/** A convolution of one pixel and a matrix are the same numbers: older models have the one where newer ones have the other. */
function isSameShape(found: readonly number[], wanted: readonly number[]): boolean {
  const core = (shape: readonly number[]): string => shapeText(shape).replace(/( x 1)+$/, '');
  return core(found) === core(wanted);
}

function shapeText(shape: readonly number[]): string {
  return shape.join(' x ');
}

function listed(faults: readonly string[]): string {
  const named = faults.slice(0, MOST_NAMED).join('; ');
  return faults.length > MOST_NAMED ? `${named}; and ${faults.length - MOST_NAMED} more` : named;
}

function unfit(detail: string): TributaryError {
  return new TributaryError('START_MODEL_UNFIT', { detail });
}
