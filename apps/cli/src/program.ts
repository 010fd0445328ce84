import { SOFTWARE_VERSION } from '@tributary/protocol/software-version';
import { Command, Option, type OptionValues } from 'commander';
import { outputOf, type Action, type CommandContext, type GlobalOptions, type Host } from './command-context.js';
import { defineAgentCommands } from './commands/agent.js';
import { defineAuditCommands } from './commands/audit.js';
import { defineBenchCommands } from './commands/bench.js';
import { defineCoordinatorCommands } from './commands/coordinator.js';
import { defineDataCommands } from './commands/data.js';
import { defineDemoCommand } from './commands/demo.js';
import { defineEngineCommands } from './commands/engine.js';
import { defineGeneratorCommands } from './commands/generator.js';
import { defineIdentityCommands } from './commands/identity.js';
import { defineModelCommands } from './commands/model.js';
import { defineRunCommands } from './commands/run.js';
import { defineSiteCommands } from './commands/site.js';
import { defineStudyCommands } from './commands/study.js';
import type { OutputFormat } from './output/output.js';

/** Gives a verb its work, which is loaded when the verb is called and not before. */
export type Attach = (verb: Command, load: () => Promise<Action>) => void;

const FORMATS: readonly OutputFormat[] = ['text', 'json', 'ndjson'];

/** The whole `tributary` command: every verb with its flags, help and example. Loads none of the verbs' work. */
export function buildProgram(host: Host): Command {
  const program = new Command('tributary')
    .description('Train one medical image generator across hospitals that keep their images.')
    .version(SOFTWARE_VERSION)
    .addOption(new Option('--format <format>', 'how results are printed').choices(FORMATS).default('text'))
    .option('--quiet', 'no progress, only results and errors', false)
    .option('--no-color', 'no colours on a terminal')
    .option('--url <url>', "the coordinator's address (else TRIBUTARY_URL, else the saved profile)")
    .option('--api-key <key>', 'credentials (else TRIBUTARY_API_KEY, else the saved profile)')
    .showHelpAfterError(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => host.stdout.write(text),
      writeErr: (text) => host.stderr.write(text),
      outputError: () => undefined,
    })
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', '\nStart here:\n  $ tributary demo\n');
  const attach = attacher(host);
  defineDemoCommand(program, attach);
  defineEngineCommands(program, attach);
  defineBenchCommands(program, attach);
  defineCoordinatorCommands(program, attach);
  defineIdentityCommands(program, attach);
  defineStudyCommands(program, attach);
  defineSiteCommands(program, attach);
  defineAgentCommands(program, attach);
  defineDataCommands(program, attach);
  defineRunCommands(program, attach);
  defineModelCommands(program, attach);
  defineGeneratorCommands(program, attach);
  defineAuditCommands(program, attach);
  return program;
}

/** The flags that every verb understands, as commander read them. */
export function globalOptionsOf(values: OptionValues): GlobalOptions {
  const text = (name: string): string | undefined => {
    const value: unknown = values[name];
    return typeof value === 'string' ? value : undefined;
  };
  const format = FORMATS.find((known) => known === text('format')) ?? 'text';
  return {
    format,
    quiet: values['quiet'] === true,
    color: values['color'] !== false,
    url: text('url'),
    apiKey: text('apiKey'),
  };
}

function attacher(host: Host): Attach {
  return (verb, load) => {
    verb.action(async function (this: Command) {
      const global = globalOptionsOf(this.optsWithGlobals());
      const context: CommandContext = {
        host,
        global,
        output: outputOf(global, host),
        api: async () => (await import('./http/connection.js')).connect(global, host),
      };
      const action = await load();
      await action(context, { arguments: this.args, options: this.opts() });
    });
  };
}
