import { createHash, randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { manifestLocations, parameterCount, type ParameterEntry } from '@tributary/protocol/manifest';
import { encodeSafetensorsHeader } from '@tributary/protocol/safetensors';
import { assertLittleEndian } from './float-file.js';

/** A written file, by its content. */
export interface WrittenFile {
  /** Lower-case hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** A flat float32 vector that is written a window at a time, from its start. */
export interface FloatSink {
  write(values: Float32Array): void;
  /** Makes the file durable and visible under its name. @throws RangeError when numbers are missing. */
  commit(): WrittenFile;
  /** Leaves nothing behind. Does nothing after `commit`. */
  discard(): void;
}

/** Ending of the names of unfinished files; after a crash they may be deleted when no aggregation runs. */
export const PARTIAL_SUFFIX = '.partial';

/**
 * Writes a safetensors file of float32 parameters: a file beside it, fsync, rename. The same numbers give the same bytes.
 */
export function createFloatFile(path: string, manifest: readonly ParameterEntry[]): FloatSink {
  assertLittleEndian();
  const partialPath = `${path}.${randomUUID()}${PARTIAL_SUFFIX}`;
  const file = openSync(partialPath, 'wx');
  const hash = createHash('sha256');
  let sizeBytes = 0;
  let missing = parameterCount(manifest);
  let open = true;

  const append = (bytes: Uint8Array): void => {
    hash.update(bytes);
    for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done);
    sizeBytes += bytes.length;
  };
  append(encodeSafetensorsHeader(manifestLocations(manifest)));

  return {
    write: (values) => {
      missing -= values.length;
      if (missing < 0) throw new RangeError('more numbers than the manifest has');
      append(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    },
    commit: () => {
      if (missing > 0) throw new RangeError(`${missing} numbers of the manifest are missing`);
      fsyncSync(file);
      closeSync(file);
      open = false;
      renameSync(partialPath, path);
      syncFolder(dirname(path));
      return { sha256: hash.digest('hex'), sizeBytes };
    },
    discard: () => {
      if (!open) return;
      open = false;
      closeSync(file);
      rmSync(partialPath, { force: true });
    },
  };
}

/** A rename is durable only when its folder is. */
function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
