import type { Host } from './command-context.js';
import { Output, type OutputFormat, type TextSink } from './output/output.js';

/** A stream that keeps what is written to it. */
export class RecordedSink implements TextSink {
  text = '';

  constructor(
    readonly isTTY = false,
    readonly columns = 80,
  ) {}

  write(text: string): void {
    this.text += text;
  }
}

export interface RecordedHost extends Host {
  readonly stdout: RecordedSink;
  readonly stderr: RecordedSink;
}

export function recordedHost(changes: Partial<Host> = {}): RecordedHost {
  const env = { XDG_CONFIG_HOME: '/nonexistent' };
  const signal = new AbortController().signal;
  return { env, cwd: '/', signal, ...changes, stdout: new RecordedSink(), stderr: new RecordedSink() };
}

/** An output in a format, with the streams that it writes to. */
export function recordedOutput(format: OutputFormat, { isTTY = false, columns = 80 } = {}) {
  const stdout = new RecordedSink();
  const stderr = new RecordedSink(isTTY, columns);
  return { stdout, stderr, output: new Output({ format, quiet: false, color: false, stdout, stderr }) };
}
