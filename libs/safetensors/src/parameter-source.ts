import {
  decodeSafetensorsHeader,
  LENGTH_PREFIX_BYTES,
  safetensorsError,
  safetensorsHeaderByteLength,
  type SafetensorsHeader,
  type TensorLocation,
} from '@tributary/protocol/safetensors';

/** Stored bytes that are read at any position. */
export interface ReadableBytes {
  readonly sizeBytes: number;
  /** Fills `bytes` as far as there is anything. @returns How many bytes were read. */
  read(position: number, bytes: Uint8Array): Promise<number>;
}

/** The float32 parameters of a safetensors file, each read when it is asked for. */
export interface ParameterSource {
  readonly header: SafetensorsHeader;
  /** The numbers of a tensor, or of neighbouring ones. @throws TributaryError SAFETENSORS_INVALID when the bytes end before. */
  readonly values: (range: Pick<TensorLocation, 'begin' | 'end'>) => Promise<Float32Array>;
}

/**
 * Reads the header of a safetensors file of float32 parameters, holding it to the format: the header's rules, float32 only, and
 * not one byte less or more than the header says.
 *
 * @param order As in `readParameterFile`.
 * @throws TributaryError SAFETENSORS_INVALID with the broken rule as `context.fault`.
 */
export async function openParameters(bytes: ReadableBytes, order: 'name' | 'any'): Promise<ParameterSource> {
  const header = decodeSafetensorsHeader(await readHeader(bytes), { order });
  const { entries, headerBytes, dataBytes } = header;
  const other = entries.findIndex(({ dtype }) => dtype !== 'F32');
  if (other >= 0) throw safetensorsError('unknown-dtype', `tensor ${other} is ${entries[other]?.dtype}, not float32`);
  const missingBytes = headerBytes + dataBytes - bytes.sizeBytes;
  if (missingBytes > 0) throw safetensorsError('truncated', `the file ends ${missingBytes} bytes early`);
  if (missingBytes < 0) throw safetensorsError('bad-offsets', `${-missingBytes} bytes follow the data`);
  return {
    header,
    values: async ({ begin, end }) => {
      const values = new Float32Array((end - begin) / Float32Array.BYTES_PER_ELEMENT);
      await readFully(bytes, new Uint8Array(values.buffer), headerBytes + begin);
      return values;
    },
  };
}

async function readHeader(bytes: ReadableBytes): Promise<Uint8Array> {
  const prefix = new Uint8Array(LENGTH_PREFIX_BYTES);
  await readFully(bytes, prefix, 0);
  const header = new Uint8Array(safetensorsHeaderByteLength(prefix));
  await readFully(bytes, header, 0);
  return header;
}

async function readFully(bytes: ReadableBytes, into: Uint8Array, position: number): Promise<void> {
  const missingBytes = into.length - (await bytes.read(position, into));
  if (missingBytes > 0) throw safetensorsError('truncated', `the file ends ${missingBytes} bytes early`);
}
