import { EXIT_CODES } from '@tributary/protocol/exit-codes';
import { runCommandLine } from './run-command-line.js';

/** A terminal and a parent may both pass on one Ctrl-C: only what comes later is a second one. */
const SECOND_INTERRUPT_AFTER_MS = 1500;

const interrupt = new AbortController();
let firstInterruptAtMs: number | undefined;
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => {
    firstInterruptAtMs ??= performance.now();
    // The second Ctrl-C does not wait for a clean end.
    if (performance.now() - firstInterruptAtMs > SECOND_INTERRUPT_AFTER_MS) process.exit(EXIT_CODES.interrupted);
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
