import type { Command } from 'commander';
import type { Attach } from '../program.js';
import { withExample } from './example.js';

/** What a hospital runs. */
export function defineAgentCommands(program: Command, attach: Attach): void {
  const agent = program.command('agent').description('The hospital’s side.');
  const verb = (name: string, description: string, ...examples: string[]): Command => {
    const command = agent.command(name).description(description);
    command.requiredOption('--data-dir <dir>', 'where the agent keeps its key, policy and state');
    attach(command, async () => (await import('../processes/pass-through.js')).agentVerb(name.split(' ')[0] ?? name));
    return withExample(command, ...examples);
  };

  verb(
    'enroll',
    'Makes the site’s key here, proves that the site has it, and prints the fingerprint for the admin. Needs --url and --token the first time; later the other flags alone change settings.',
    'tributary agent enroll --url https://coordinator.example --token TOKEN --data-dir ./site --images /data/mri',
    'tributary agent enroll --data-dir ./site --threads 4',
  )
    .option('--token <token>', 'the one-time token of the invitation')
    .option('--images <dir>', 'the folder with the site’s images')
    .option('--engine <name>', 'auto, onnx, tensorflow or reference')
    .option('--device <name>', 'cpu, webgpu or cuda (else what is quickest)')
    .option('--threads <n>', 'processor threads for training')
    .option('--precision <type>', 'float32 or float16: what training multiplies in')
    .option('--memory-limit-mib <n>', 'refuse recipes whose training step needs more');
  verb(
    'preflight',
    'Checks reachability, TLS, clock, approval, disk, key, engine, data folder and policy, and says what to fix.',
    'tributary agent preflight --data-dir ./site',
  );
  verb(
    'start',
    'Takes part in runs until it is stopped; connects outwards only.',
    'tributary agent start --data-dir ./site',
  );
  verb('status', 'What the agent is doing.', 'tributary agent status --data-dir ./site');
  verb('ledger', 'What was trained and sent so far.', 'tributary agent ledger --data-dir ./site');
  verb(
    'approve <hash>',
    'Approves a recipe by its SHA-256, or the first 8 digits or more of it, where the policy asks for it.',
    'tributary agent approve 3f8a9c1d --data-dir ./site',
  );
}
