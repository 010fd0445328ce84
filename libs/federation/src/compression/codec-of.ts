import type { Compression } from '@tributary/protocol/federation';
import { fp16Codec } from './fp16-codec.js';
import { int8Codec } from './int8-codec.js';
import { topKCodec } from './top-k-codec.js';
import type { WindowCodec } from './window-codec.js';

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
