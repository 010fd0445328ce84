/**
 * Gives the memory of a chunk back at once, when the chunk has it alone; its bytes are gone then. Left to the garbage collector,
 * the chunks of a model that comes over the network (64 KiB each) make it collect everything every 32 MB.
 *
 * @param chunk Nobody else reads it: one that a request or an answer has given out.
 */
export function releaseChunk({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
