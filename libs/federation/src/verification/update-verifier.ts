import { createHash } from 'node:crypto';
import { TributaryError } from '@tributary/protocol/errors';
import type { ParameterEntry } from '@tributary/protocol/manifest';
import {
  decodeSafetensorsHeader,
  LENGTH_PREFIX_BYTES,
  safetensorsHeaderByteLength,
} from '@tributary/protocol/safetensors';
import { squaredNorm } from '../aggregation/measures.js';
import { assertLittleEndian, FLOAT_BYTES } from '../vectors/float-file.js';
import { assertHeaderMatches } from '../vectors/header-match.js';

export interface ExpectedUpdate {
  /** Whole file, as announced. */
  readonly sizeBytes: number;
  /** Lower-case hex, as announced. */
  readonly sha256: string;
  readonly manifest: readonly ParameterEntry[];
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
  private readonly headerParts: Uint8Array[] = [];
  /** Bytes of a number that was cut by the end of a chunk. */
  private readonly cut = new Uint8Array(FLOAT_BYTES);
  private cutBytes = 0;
  private headerPending = true;
  private sizeBytes = 0;
  private squaredNorm = 0;

  constructor(private readonly expected: ExpectedUpdate) {
    assertLittleEndian();
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
    const sha256 = this.hash.digest('hex');
    if (sha256 !== this.expected.sha256) throw new TributaryError('UPDATE_WRONG_HASH', { sha256 });
    return { sha256, sizeBytes: this.sizeBytes, norm: Math.sqrt(this.squaredNorm) };
  }

  /** Returns what follows the header; nothing while the header is incomplete. */
  private pushHeader(chunk: Uint8Array): Uint8Array {
    // A copy: the caller may reuse its chunk.
    this.headerParts.push(chunk.slice());
    const bytes = Buffer.concat(this.headerParts);
    if (bytes.length < LENGTH_PREFIX_BYTES || bytes.length < safetensorsHeaderByteLength(bytes)) {
      this.headerParts.splice(0, Infinity, bytes);
      return new Uint8Array(0);
    }
    const header = decodeSafetensorsHeader(bytes);
    assertHeaderMatches(header, this.expected.manifest);
    if (header.headerBytes + header.dataBytes !== this.expected.sizeBytes) {
      throw this.wrongSize('header and numbers make another size');
    }
    this.headerPending = false;
    this.headerParts.length = 0;
    return bytes.subarray(header.headerBytes);
  }

  private pushNumbers(data: Uint8Array): void {
    const head = this.cutBytes > 0 ? Math.min(FLOAT_BYTES - this.cutBytes, data.length) : 0;
    this.cut.set(data.subarray(0, head), this.cutBytes);
    this.cutBytes += head;
    if (this.cutBytes === FLOAT_BYTES) {
      this.measure(this.cut);
      this.cutBytes = 0;
    }
    const whole = data.length - ((data.length - head) % FLOAT_BYTES);
    this.measure(data.subarray(head, whole));
    if (whole < data.length) {
      this.cut.set(data.subarray(whole));
      this.cutBytes = data.length - whole;
    }
  }

  private measure(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    // Typed arrays need aligned memory; a chunk from a socket may start anywhere.
    const aligned = bytes.byteOffset % FLOAT_BYTES === 0 ? bytes : bytes.slice();
    const values = new Float32Array(aligned.buffer, aligned.byteOffset, aligned.length / FLOAT_BYTES);
    this.squaredNorm = squaredNorm(values, this.squaredNorm);
    if (!Number.isFinite(this.squaredNorm)) throw new TributaryError('UPDATE_NOT_FINITE');
  }

  private wrongSize(detail: string): TributaryError {
    return new TributaryError('UPDATE_WRONG_SIZE', { detail, expectedBytes: this.expected.sizeBytes });
  }
}
