import { createHash } from 'node:crypto';
import type { UploadSource } from '../agent/coordinator-client/update-upload.js';

const FLOAT_BYTES = 4;
const HASHED_AT_ONCE_BYTES = 4 * 1024 * 1024;

/**
 * An update that adds one number to every parameter, made while it is read: a light site holds none in memory or on its disk,
 * and what the coordinator makes of it is known beforehand.
 */
export class ConstantUpdate implements UploadSource {
  private readonly pattern: Uint8Array;

  /**
   * @param header Of the safetensors file, its length prefix included; the data follows.
   * @param sizeBytes Of the whole file.
   */
  constructor(
    private readonly header: Uint8Array,
    private readonly sizeBytes: number,
    value: number,
  ) {
    const patternBytes = Math.min(HASHED_AT_ONCE_BYTES, sizeBytes + FLOAT_BYTES);
    this.pattern = new Uint8Array(new Float32Array(Math.ceil(patternBytes / FLOAT_BYTES)).fill(value).buffer);
  }

  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }> {
    const bytesRead = Math.max(0, Math.min(length, this.sizeBytes - position));
    const target = buffer.subarray(offset, offset + bytesRead);
    const ofHeader = this.header.subarray(position, position + bytesRead);
    target.set(ofHeader);
    let filled = ofHeader.length;
    while (filled < bytesRead) {
      const phase = (position + filled - this.header.length) % FLOAT_BYTES;
      const part = this.pattern.subarray(phase, phase + bytesRead - filled);
      target.set(part, filled);
      filled += part.length;
    }
    return Promise.resolve({ bytesRead });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** SHA-256 of the file, lower-case hex. */
  sha256(): string {
    const hash = createHash('sha256').update(this.header);
    for (let left = this.sizeBytes - this.header.length; left > 0; left -= this.pattern.length) {
      hash.update(this.pattern.subarray(0, Math.min(left, this.pattern.length)));
    }
    return hash.digest('hex');
  }
}
