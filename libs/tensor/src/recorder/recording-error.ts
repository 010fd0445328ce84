import path from 'node:path';

const LIBRARIES = path.resolve(import.meta.dirname, '../../..');
/** The libraries that lie between a step function and the graph. */
const BETWEEN = ['engines', 'layers', 'tensor', 'kernels', 'onnx-graph'].map((name) =>
  path.join(LIBRARIES, name, path.sep),
);

/** A step function did what cannot be recorded. The message ends with the line of the caller's code that did it. */
export class RecordingError extends Error {
  override readonly name = 'RecordingError';

  constructor(message: string, options: { cause?: unknown; stack?: string } = {}) {
    super(message, { cause: options.cause });
    const site = callSite(options.stack ?? this.stack ?? '');
    if (site) this.message = `${message} (at ${site})`;
  }
}

/** File name, line and column of the innermost frame that belongs neither to tfjs, nor to Node, nor to the libraries between. */
function callSite(stack: string): string | undefined {
  for (const line of stack.split('\n').slice(1)) {
    const match = /(?:\(|at )(?:file:\/\/)?([^\s()]+):(\d+):(\d+)\)?$/.exec(line.trim());
    const [, file = '', row, column] = match ?? [];
    // Frames of tfjs lie in @tensorflow/tfjs-core, or in tfjs-core/src where source maps are applied.
    if (file === '' || file.startsWith('node:') || file.includes('tfjs-')) continue;
    const isBetween = BETWEEN.some((folder) => file.startsWith(folder)) && !file.includes('.spec.');
    if (!isBetween) return `${path.basename(file)}:${row}:${column}`;
  }
  return undefined;
}
