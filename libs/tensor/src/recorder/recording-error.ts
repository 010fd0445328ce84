import path from 'node:path';

const PACKAGE_ROOT = path.resolve(import.meta.dirname, '..');

/** A step function did what cannot be recorded. The message ends with the line of the caller's code that did it. */
export class RecordingError extends Error {
  override readonly name = 'RecordingError';

  constructor(message: string, options: { cause?: unknown; stack?: string } = {}) {
    super(message, { cause: options.cause });
    const site = callSite(options.stack ?? this.stack ?? '');
    if (site) this.message = `${message} (at ${site})`;
  }
}

/** File name, line and column of the innermost frame that belongs neither to tfjs, nor to Node, nor to this package. */
function callSite(stack: string): string | undefined {
  for (const line of stack.split('\n').slice(1)) {
    const match = /(?:\(|at )(?:file:\/\/)?([^\s()]+):(\d+):(\d+)\)?$/.exec(line.trim());
    const [, file = '', row, column] = match ?? [];
    // Frames of tfjs lie in @tensorflow/tfjs-core, or in tfjs-core/src where source maps are applied.
    if (file === '' || file.startsWith('node:') || file.includes('tfjs-')) continue;
    const isOurs = file.startsWith(PACKAGE_ROOT) && !file.includes('.spec.');
    if (!isOurs) return `${path.basename(file)}:${row}:${column}`;
  }
  return undefined;
}
