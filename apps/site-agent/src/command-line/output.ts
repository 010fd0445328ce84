import { toProblem, type TributaryError } from '@tributary/protocol';

export type OutputFormat = 'text' | 'json' | 'ndjson';

/** Where a command's answer goes: one document on stdout; everything else to stderr. */
export class CommandOutput {
  constructor(
    private readonly format: OutputFormat,
    private readonly print: (text: string) => void = (text) => void process.stdout.write(text),
  ) {}

  /** @param text The same for a person, made only when it is shown. */
  document(value: unknown, text: () => string): void {
    this.print(`${this.format === 'text' ? text() : JSON.stringify(value)}\n`);
  }

  /** A line for a person while the command goes on; programs get the document alone. */
  text(line: string): void {
    if (this.format === 'text') this.print(`${line}\n`);
  }

  /** What happened, what is wrong in which field, and what to do. */
  failure(error: TributaryError): void {
    const problem = toProblem(error);
    if (this.format !== 'text') this.print(`${JSON.stringify({ error: problem })}\n`);
    process.stderr.write(`${problem.code}: ${problem.message}\n${problem.remedy}\n`);
  }
}

/** Rows as aligned columns under their heads. */
export function textTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [heads, ...rows];
  const widths = heads.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return all.map(line).join('\n');
}
