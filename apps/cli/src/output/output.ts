import { fieldsText, type Problem } from '@tributary/protocol/problem';
import colors from 'picocolors';

export type OutputFormat = 'text' | 'json' | 'ndjson';

/** The part of a stream that is written to; `process.stdout` is one. */
export interface TextSink {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const DEFAULT_COLUMNS = 80;

export interface OutputOptions {
  readonly format: OutputFormat;
  readonly quiet: boolean;
  /** False for `--no-color` or NO_COLOR; colours are used on terminals only. */
  readonly color: boolean;
  readonly stdout: TextSink;
  readonly stderr: TextSink;
}

/**
 * The one way to the two streams: results go to stdout in the asked format, everything a person reads meanwhile goes to
 * stderr. With `json` stdout holds exactly one document.
 */
export class Output {
  constructor(private readonly options: OutputOptions) {}

  get format(): OutputFormat {
    return this.options.format;
  }

  /** True when stderr is a terminal whose lines may be redrawn. */
  get isLive(): boolean {
    return this.options.stderr.isTTY === true && !this.options.quiet;
  }

  get columns(): number {
    // Some pseudo-terminals say 0.
    const columns = this.options.stderr.columns ?? 0;
    return columns > 0 ? columns : DEFAULT_COLUMNS;
  }

  /** The verb's one result. */
  document(value: unknown, text: string): void {
    if (this.format === 'text') this.options.stdout.write(`${text}\n`);
    else this.options.stdout.write(`${JSON.stringify(value, null, this.format === 'json' ? 2 : 0)}\n`);
  }

  /** The verb's result when it is a list: one array with `json`, one line an item with `ndjson`. */
  list(items: readonly unknown[], text: string): void {
    if (this.format === 'ndjson') for (const item of items) this.options.stdout.write(`${JSON.stringify(item)}\n`);
    else this.document(items, text);
  }

  /** One of a stream of results as it happens; with `json` the caller ends with `document`. */
  streamed(value: unknown, text: string): void {
    if (this.format === 'ndjson') this.options.stdout.write(`${JSON.stringify(value)}\n`);
    else if (this.format === 'text') this.options.stdout.write(`${text}\n`);
  }

  /** A line of progress or advice. */
  note(text: string): void {
    if (!this.options.quiet) this.options.stderr.write(`${text}\n`);
  }

  /** Raw text for a view that redraws itself. */
  draw(text: string): void {
    if (!this.options.quiet) this.options.stderr.write(text);
  }

  /** The end of a verb that failed: what happened, what to do, and the stable code. */
  failure(problem: Problem): void {
    if (this.format !== 'text') this.document({ error: problem }, '');
    const { fields: named = [] } = problem;
    const fields = named.map((field) => `  ${field.path}: ${field.expected}\n`).join('');
    // The list says it.
    const message = named.length === 0 ? problem.message : problem.message.replace(`: ${fieldsText(named)}`, '');
    const correlation = problem.correlationId === undefined ? '' : ` (correlation id ${problem.correlationId})`;
    const paint = colors.createColors(this.options.color && this.options.stderr.isTTY === true);
    this.options.stderr.write(`${paint.red(problem.code)}: ${message}${correlation}\n${fields}${problem.remedy}\n`);
  }
}
