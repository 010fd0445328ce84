import { createHash } from 'node:crypto';
import { TributaryError } from '@tributary/protocol/errors';
import type { Compression } from '@tributary/protocol/federation';
import { manifestLocations, parameterCount, type ParameterEntry } from '@tributary/protocol/manifest';
import {
  decodeSafetensorsHeader,
  LENGTH_PREFIX_BYTES,
  safetensorsHeaderByteLength,
  type TensorEntry,
} from '@tributary/protocol/safetensors';
import { squaredNorm } from '../aggregation/measures.js';
import { compressedEntries } from '../compression/compressed-file.js';
import { codecOf } from '../compression/codec-of.js';
import { decodeVector, type WindowCodec } from '../compression/window-codec.js';
import { assertLittleEndian, FLOAT_BYTES } from '../vectors/float-file.js';
import { assertHeaderMatches } from '../vectors/header-match.js';

export interface ExpectedUpdate {
  /** Whole file, as announced. */
  readonly sizeBytes: number;
  /** Lower-case hex, as announced. */
  readonly sha256: string;
  /** What the update holds, in order: of several vectors `updateManifest`, of some parameters `heldManifest`. */
  readonly manifest: readonly ParameterEntry[];
  /** Default: plain float32. */
  readonly compression?: Compression;
}

export interface VerifiedUpdate {
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Euclidean norm over all its numbers. */
  readonly norm: number;
}

/**
 * Checks an update while it passes by, in chunks of any size: size, header, numbers, hash. Memory is one chunk and the
 * header. Stops at the first fault, so an upload that never ends is refused as soon as it is too long.
 *
 * @example
 * const verifier = new UpdateVerifier({ sizeBytes, sha256, manifest });
 * for await (const chunk of stream) verifier.push(chunk);
 * const { norm } = verifier.finish();
 */
export class UpdateVerifier {
  private readonly hash = createHash('sha256');
  /** First the length prefix alone, then all of the header. */
  private header = new Uint8Array(LENGTH_PREFIX_BYTES);
  private headerFilled = 0;
  private headerPending = true;
  private readonly codec: WindowCodec | undefined;
  private readonly entries: readonly TensorEntry[];
  /** Start of a unit (a number, or a block of a code) that was cut by the end of a chunk. */
  private readonly cut: Uint8Array;
  private cutBytes = 0;
  private numbersLeft: number;
  private sizeBytes = 0;
  private squaredNorm = 0;

  constructor(private readonly expected: ExpectedUpdate) {
    assertLittleEndian();
    this.numbersLeft = parameterCount(expected.manifest);
    this.codec = codecOf(expected.compression ?? { kind: 'none' });
    this.entries = this.codec ? compressedEntries(this.codec, this.numbersLeft) : manifestLocations(expected.manifest);
    this.cut = new Uint8Array(this.codec?.encodedBytes(this.codec.blockLength) ?? FLOAT_BYTES);
  }

  /**
   * @throws TributaryError UPDATE_WRONG_SIZE, SAFETENSORS_INVALID, UPDATE_WRONG_MANIFEST or UPDATE_NOT_FINITE. The verifier is
   *         of no use after that.
   */
  push(chunk: Uint8Array): void {
    this.sizeBytes += chunk.length;
    if (this.sizeBytes > this.expected.sizeBytes) throw this.wrongSize('more bytes than announced');
    this.hash.update(chunk);
    const data = this.headerPending ? this.pushHeader(chunk) : chunk;
    if (data.length > 0) this.pushNumbers(data);
  }

  /** @throws TributaryError UPDATE_WRONG_SIZE or UPDATE_WRONG_HASH. */
  finish(): VerifiedUpdate {
    if (this.sizeBytes < this.expected.sizeBytes || this.headerPending)
      throw this.wrongSize('fewer bytes than announced');
    // Only the last block of a code may be shorter than the others.
    if (this.cutBytes > 0) this.measure(this.cut.subarray(0, this.cutBytes));
    const sha256 = this.hash.digest('hex');
    if (sha256 !== this.expected.sha256) throw new TributaryError('UPDATE_WRONG_HASH', { sha256 });
    return { sha256, sizeBytes: this.sizeBytes, norm: Math.sqrt(this.squaredNorm) };
  }

  /** Returns what follows the header; nothing while the header is incomplete. */
  private pushHeader(chunk: Uint8Array): Uint8Array {
    let rest = this.fillHeader(chunk);
    if (this.header.length === LENGTH_PREFIX_BYTES && this.headerFilled === LENGTH_PREFIX_BYTES) {
      const prefix = this.header;
      this.header = new Uint8Array(safetensorsHeaderByteLength(prefix));
      this.header.set(prefix);
      rest = this.fillHeader(rest);
    }
    if (this.headerFilled === this.header.length) this.checkHeader();
    return rest;
  }

  private fillHeader(chunk: Uint8Array): Uint8Array {
    const count = Math.min(chunk.length, this.header.length - this.headerFilled);
    this.header.set(chunk.subarray(0, count), this.headerFilled);
    this.headerFilled += count;
    return chunk.subarray(count);
  }

  private checkHeader(): void {
    const header = decodeSafetensorsHeader(this.header);
    assertHeaderMatches(header, this.entries);
    if (header.headerBytes + header.dataBytes !== this.expected.sizeBytes) {
      throw this.wrongSize('header and numbers make another size');
    }
    this.headerPending = false;
  }

  private pushNumbers(data: Uint8Array): void {
    const unitBytes = this.cut.length;
    const head = this.cutBytes > 0 ? Math.min(unitBytes - this.cutBytes, data.length) : 0;
    this.cut.set(data.subarray(0, head), this.cutBytes);
    this.cutBytes += head;
    if (this.cutBytes === unitBytes) {
      this.measure(this.cut);
      this.cutBytes = 0;
    }
    const whole = data.length - ((data.length - head) % unitBytes);
    this.measure(data.subarray(head, whole));
    if (whole < data.length) {
      this.cut.set(data.subarray(whole));
      this.cutBytes = data.length - whole;
    }
  }

  private measure(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const values = this.codec ? this.decode(this.codec, bytes) : floatsOf(bytes);
    this.squaredNorm = squaredNorm(values, this.squaredNorm);
    if (!Number.isFinite(this.squaredNorm)) throw new TributaryError('UPDATE_NOT_FINITE');
  }

  private decode(codec: WindowCodec, bytes: Uint8Array): Float32Array {
    const blocks = Math.ceil(bytes.length / this.cut.length);
    const length = Math.min(this.numbersLeft, blocks * codec.blockLength);
    this.numbersLeft -= length;
    return decodeVector(codec, bytes, length);
  }

  private wrongSize(detail: string): TributaryError {
    return new TributaryError('UPDATE_WRONG_SIZE', { detail, expectedBytes: this.expected.sizeBytes });
  }
}

/** Typed arrays need aligned memory; a chunk from a socket may start anywhere. */
function floatsOf(bytes: Uint8Array): Float32Array {
  // Not `slice`: a Buffer's does not copy.
  const aligned = bytes.byteOffset % FLOAT_BYTES === 0 ? bytes : new Uint8Array(bytes);
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.length / FLOAT_BYTES);
}
