import { z } from 'zod';
import { fp16Codec } from './fp16-codec.js';
import { int8Codec } from './int8-codec.js';
import { topKCodec } from './top-k-codec.js';
import type { WindowCodec } from './window-codec.js';

/** How updates travel; 'none' is plain float32. */
export const compressionSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('int8') }),
  z.strictObject({ kind: z.literal('fp16') }),
  z.strictObject({ kind: z.literal('top-k'), fraction: z.number().gt(0).max(1).default(0.05) }),
]);

export type Compression = z.infer<typeof compressionSchema>;

/** The codec of a compression; undefined for plain float32. */
export function codecOf(compression: Compression): WindowCodec | undefined {
  switch (compression.kind) {
    case 'none':
      return undefined;
    case 'int8':
      return int8Codec;
    case 'fp16':
      return fp16Codec;
    case 'top-k':
      return topKCodec(compression.fraction);
  }
}
