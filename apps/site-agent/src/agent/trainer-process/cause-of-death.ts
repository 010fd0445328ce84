/** Native failures that say something to an operator; the pattern's words hold nothing of the data. */
const KNOWN_CAUSES: readonly (readonly [pattern: RegExp, cause: string])[] = [
  [/heap out of memory|std::bad_alloc|Cannot allocate memory|bad allocation/i, 'out of memory'],
  [/Illegal instruction/i, 'the processor lacks an instruction that the engine uses'],
  [
    /error while loading shared libraries|cannot open shared object file|ERR_DLOPEN_FAILED/i,
    'a shared library is missing',
  ],
  [/CUDA (?:error|failure)|CUDNN_STATUS/i, 'the GPU failed'],
  [/ERR_MODULE_NOT_FOUND|Cannot find (?:module|package)/i, 'a module of the installation is missing'],
  [/SyntaxError/, 'a module of the installation is damaged'],
];

/**
 * Reads a trainer's stderr for the cause of its death. Everything else there (notices of native libraries, messages with
 * paths) is dropped: only the words of the list above are passed on.
 */
export class CauseOfDeath {
  private cause: string | undefined;

  read(line: string): void {
    this.cause ??= KNOWN_CAUSES.find(([pattern]) => pattern.test(line))?.[1];
  }

  /** In words, from stderr or else from how the process ended. */
  describe(exitCode: number | null, signal: string | null): string {
    return this.cause ?? (signal === null ? `exit code ${exitCode ?? 'unknown'}` : `signal ${signal}`);
  }
}
