import type { ApiClient } from './http/api-client.js';
import { Output, type OutputFormat, type TextSink } from './output/output.js';

/** What the process hands to a verb; tests hand in their own. */
export interface Host {
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

export interface GlobalOptions {
  readonly format: OutputFormat;
  readonly quiet: boolean;
  readonly color: boolean;
  readonly url?: string;
  readonly apiKey?: string;
}

export interface CommandContext {
  readonly host: Host;
  readonly global: GlobalOptions;
  readonly output: Output;
  /** A client for the coordinator that the flags, the environment or the saved profile name. */
  api(): Promise<ApiClient>;
}

/** What was typed after a verb, as commander read it and before a schema has seen it. */
export interface VerbInput {
  readonly arguments: readonly string[];
  readonly options: unknown;
}

/** The work of a verb, loaded only when the verb is called. */
export type Action = (context: CommandContext, input: VerbInput) => Promise<void>;

/** The output of a verb on the host's streams; colours follow `--no-color` and https://no-color.org. */
export function outputOf(global: GlobalOptions, host: Host): Output {
  const color = global.color && (host.env['NO_COLOR'] ?? '') === '';
  return new Output({ ...global, color, stdout: host.stdout, stderr: host.stderr });
}
