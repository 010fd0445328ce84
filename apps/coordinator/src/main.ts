import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { EXIT_CODES, TributaryError, exitCodeOf, toProblem } from '@tributary/protocol';
import { readConfig, type CoordinatorConfig } from './platform/config/coordinator-config.js';
import { initialiseSecrets } from './platform/data-dir/secrets.js';
import { toTributaryError } from './platform/errors/problem.filter.js';
import { compileWebAssemblyOnce } from './platform/runtime/web-assembly.js';

const USAGE = `Usage: coordinator init|start --data-dir DIR [--port PORT] [--host HOST] [--format text|json]

  init    make the first admin's API key and the coordinator's secrets
  start   serve; prints one line with the address when ready

Example: coordinator init --data-dir ./data && coordinator start --data-dir ./data --port 7420`;

interface Invocation {
  readonly command: string | undefined;
  readonly isJson: boolean;
  readonly config: CoordinatorConfig;
}

function readInvocation(argv: string[]): Invocation {
  const { values, positionals } = parseFlags(argv);
  if (values['data-dir'] === undefined) throw usageError('--data-dir is missing');
  if (!['text', 'json'].includes(values.format)) throw usageError('--format: expected text or json');
  const config = readConfig({ dataDir: values['data-dir'], port: values.port, host: values.host }, process.env);
  return { command: positionals[0], isJson: values.format === 'json', config };
}

function parseFlags(argv: string[]) {
  const flag = { type: 'string' } as const;
  try {
    return parseArgs({
      args: argv,
      allowPositionals: true,
      options: { 'data-dir': flag, port: flag, host: flag, format: { ...flag, default: 'text' } },
    });
  } catch (error) {
    throw usageError(error instanceof Error ? error.message : 'flags');
  }
}

function usageError(detail: string): TributaryError {
  return new TributaryError('USAGE_INVALID', { detail });
}

function initialise({ config, isJson }: Invocation): void {
  const { secrets, createdAdminKey } = initialiseSecrets(config.secretsDir);
  const answer = { apiKey: secrets.adminKey, dataDir: config.dataDir };
  if (isJson) print(JSON.stringify(answer));
  else if (createdAdminKey) print(`Admin API key (shown once, kept in secrets/admin-key): ${secrets.adminKey ?? ''}`);
  else print(`Already initialised: ${config.dataDir}`);
}

async function start({ config, isJson }: Invocation): Promise<void> {
  compileWebAssemblyOnce();
  const { startCoordinator } = await import('./start-coordinator.js');
  const coordinator = await startCoordinator(config);
  print(
    isJson ? JSON.stringify({ url: coordinator.url, pid: process.pid }) : `Coordinator ready at ${coordinator.url}`,
  );
  const stop = (): void => {
    coordinator.stop().then(
      () => process.exit(EXIT_CODES.done),
      () => process.exit(EXIT_CODES.failed),
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

async function main(argv: string[]): Promise<void> {
  if (argv.length === 0 || argv.includes('--help') || argv.includes('-h')) {
    print(USAGE);
    return;
  }
  const invocation = readInvocation(argv);
  if (invocation.command === 'init') initialise(invocation);
  else if (invocation.command === 'start') await start(invocation);
  else throw usageError(`${invocation.command ?? 'no command'}: expected init or start`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** The coded error on stderr (and, with `--format json`, as a document on stdout); never a stack. */
function report(error: unknown, isJson: boolean): number {
  const known = toTributaryError(error);
  const problem = toProblem(known);
  process.stderr.write(`${problem.code}: ${problem.message}\n${problem.remedy}\n`);
  if (isJson) print(JSON.stringify({ error: problem }));
  return exitCodeOf(known.code);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = report(error, process.argv.includes('json'));
}
