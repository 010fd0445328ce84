import { EXIT_CODES } from '@tributary/protocol/exit-codes';
import { runCommandLine } from './run-command-line.js';

const interrupt = new AbortController();
let interrupts = 0;
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    interrupts += 1;
    // The second Ctrl-C does not wait for a clean end.
    if (interrupts > 1) process.exit(EXIT_CODES.interrupted);
    interrupt.abort();
  });
}
// A closed pipe (`tributary run list | head -1`) is no failure.
process.stdout.on('error', () => process.exit(EXIT_CODES.done));

process.exitCode = await runCommandLine(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  signal: interrupt.signal,
});
