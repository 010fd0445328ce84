import { setFlagsFromString } from 'node:v8';

/**
 * Keeps WebAssembly at V8's baseline compiler; call it before any is compiled. The optimising compiler's memory for the
 * embedded database and Prisma's query compiler stays with the process (55 MB of 236 measured with the database alone),
 * and their queries are so short that it buys no time.
 */
export function compileWebAssemblyOnce(): void {
  setFlagsFromString('--no-wasm-tier-up');
  setFlagsFromString('--no-wasm-dynamic-tiering');
}
