import { refuseNetwork } from './network-refusal.js';

// Everything else is loaded only now that the network is gone.
refuseNetwork();
const { serveRun } = await import('./serve-run.js');

// Ctrl-C reaches the whole process group; the agent decides when the trainer ends.
process.on('SIGINT', () => undefined);
const [runDirectory = ''] = process.argv.slice(2);
process.exitCode = await serveRun(runDirectory, { input: process.stdin, output: process.stdout });
process.exit();
