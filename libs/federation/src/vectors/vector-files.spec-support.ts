import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manifestLocations, type ParameterEntry } from '@tributary/protocol/manifest';
import { decodeSafetensorsHeader, encodeSafetensorsHeader } from '@tributary/protocol/safetensors';

/** A safetensors file in memory, built without the code under test. */
export function floatFileBytes(manifest: readonly ParameterEntry[], values: ArrayLike<number>): Buffer {
  return Buffer.concat([
    encodeSafetensorsHeader(manifestLocations(manifest)),
    Buffer.from(Float32Array.from(values).buffer),
  ]);
}

/** A folder for files of one test file. */
export class VectorFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'tributary-federation-'));

  file(name: string): string {
    return join(this.path, name);
  }

  write(name: string, manifest: readonly ParameterEntry[], values: ArrayLike<number>): string {
    writeFileSync(this.file(name), floatFileBytes(manifest, values));
    return this.file(name);
  }

  read(name: string): number[] {
    const bytes = readFileSync(this.file(name));
    const { headerBytes } = decodeSafetensorsHeader(bytes);
    return [...new Float32Array(bytes.buffer.slice(bytes.byteOffset + headerBytes, bytes.byteOffset + bytes.length))];
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
