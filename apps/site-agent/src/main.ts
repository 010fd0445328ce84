import { exitCodeOf, EXIT_CODES } from '@tributary/protocol';
import { sitePaths } from './agent/config/site-paths.js';
import { formatOf, HELP, parseCommandLine, type CommandLine } from './command-line/arguments.js';
import { CommandOutput } from './command-line/output.js';
import { asCodedError } from './command-line/coded-error.js';

/** What a verb needs is loaded only when it is called. */
async function perform({ verb, flags, rest }: CommandLine, output: CommandOutput): Promise<number> {
  const paths = sitePaths(flags['data-dir']);
  switch (verb) {
    case 'enroll':
      await (await import('./command-line/enroll.js')).enroll(paths, flags, output);
      return EXIT_CODES.done;
    case 'start':
      return (await import('./command-line/start.js')).start(paths, output);
    case 'preflight':
      return (await import('./command-line/preflight.js')).preflight(paths, output);
    case 'status':
      await (await import('./command-line/status.js')).status(paths, output);
      return EXIT_CODES.done;
    case 'approve':
      await (await import('./command-line/approve.js')).approve(paths, rest[0] ?? '', output);
      return EXIT_CODES.done;
    case 'ledger':
      await (await import('./command-line/ledger.js')).ledger(paths, output);
      return EXIT_CODES.done;
  }
}

async function main(words: readonly string[]): Promise<number> {
  const output = new CommandOutput(formatOf(words));
  try {
    const commandLine = parseCommandLine(words);
    if (commandLine !== 'help') return await perform(commandLine, output);
    process.stdout.write(`${HELP}\n`);
    return EXIT_CODES.done;
  } catch (error) {
    const coded = asCodedError(error);
    output.failure(coded);
    return exitCodeOf(coded.code);
  }
}

// Whoever read the answer may have seen enough (`agent ledger | head`).
process.stdout.on('error', () => undefined);
process.exit(await main(process.argv.slice(2)));
