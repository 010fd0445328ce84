import { stat } from 'node:fs/promises';
import type { ByteSource, OpenBytes } from '@tributary/federation';
import { releaseChunk } from '@tributary/federation/vectors/release-chunk';
import { UpdateVerifier } from '@tributary/federation/verification/update-verifier';
import { TributaryError } from '@tributary/protocol/errors';
import type { UpdateCheck } from '../update-orders.js';

/** Each upload under way has a buffer of it. */
const READ_BYTES = 256 * 1024;
/** A check pauses at a multiple of it: were it within a number, all numbers after it would have to be copied into their place. */
const STEP_BYTES = 4096;

/** Holds an upload to what was announced while it grows: nothing is read twice, and little is left when the last byte comes. */
export class GrowingCheck {
  private readonly verifier: UpdateVerifier;
  private readonly buffer = new Uint8Array(READ_BYTES);
  private checkedBytes = 0;
  private refusal: TributaryError | undefined;

  private constructor(
    readonly check: UpdateCheck,
    private readonly source: ByteSource,
    private readonly identity: string | undefined,
  ) {
    this.verifier = new UpdateVerifier(check.expected);
  }

  static async begin(check: UpdateCheck, open: OpenBytes): Promise<GrowingCheck> {
    const identity = await identityOf(check.address);
    return new GrowingCheck(check, await open(check.address), identity);
  }

  /** Whether this is the check of that upload, and its file the one that was begun with. */
  async isOf({ address, expected }: UpdateCheck): Promise<boolean> {
    const mine = this.check;
    if (mine.expected.sha256 !== expected.sha256 || mine.expected.sizeBytes !== expected.sizeBytes) return false;
    return mine.address === address && (await identityOf(address)) === this.identity;
  }

  /** Checks what has arrived since the last time. A fault is told by `finish`. */
  async advance(arrivedBytes: number): Promise<void> {
    const { sizeBytes } = this.check.expected;
    while (this.refusal === undefined && this.checkedBytes < arrivedBytes) {
      const wanted = this.buffer.subarray(0, arrivedBytes - this.checkedBytes);
      const count = await this.source.read(this.checkedBytes, wanted);
      const isLast = this.checkedBytes + count >= sizeBytes;
      const usable = isLast ? count : count - (count % STEP_BYTES);
      if (usable === 0) return;
      this.push(wanted.subarray(0, usable));
    }
  }

  /** @throws What `UpdateVerifier` throws; the storage's error. */
  async finish(): Promise<void> {
    await this.advance(this.check.expected.sizeBytes);
    if (this.refusal !== undefined) throw this.refusal;
    this.verifier.finish();
  }

  async close(): Promise<void> {
    await this.source.close();
    releaseChunk(this.buffer);
  }

  private push(bytes: Uint8Array): void {
    this.checkedBytes += bytes.length;
    try {
      this.verifier.push(bytes);
    } catch (error) {
      if (!(error instanceof TributaryError)) throw error;
      this.refusal = error;
    }
  }
}

/** Another file may get the same name: another replica may begin the upload anew. Undefined for what lies in no file. */
async function identityOf(address: string): Promise<string | undefined> {
  const found = await stat(address, { bigint: true }).catch(() => undefined);
  return found && `${found.dev}:${found.ino}`;
}
