import 'reflect-metadata';
import { NestApplicationContextOptions } from '@nestjs/common/interfaces/nest-application-context-options.interface.js';
import { NestFactory } from '@nestjs/core';
import { EXIT_CODES, TributaryError } from '@tributary/protocol';
import { AgentModule } from '../agent/agent.module.js';
import { WorkLoop } from '../agent/assignments/work-loop.js';
import { lockDirectory } from '../agent/config/directory-lock.js';
import { requireSiteConfig } from '../agent/config/site-config.js';
import { SiteInstallation } from '../agent/config/site-installation.js';
import type { SitePaths } from '../agent/config/site-paths.js';
import { openAgentLog } from '../agent/logging/agent-log.js';
import { loadPolicy } from '../agent/policy/policy-file.js';
import type { CommandOutput } from './output.js';

/**
 * Runs the agent until it is stopped.
 *
 * @returns The exit code: 0 after SIGTERM, 130 after Ctrl-C.
 * @throws TributaryError DATA_DIR_LOCKED, CONFIG_INVALID, POLICY_INVALID; SITE_REVOKED and others that end the work.
 */
export async function start(paths: SitePaths, output: CommandOutput): Promise<number> {
  const config = await requireSiteConfig(paths);
  if (config.imagesDirectory === null) {
    throw new TributaryError('CONFIG_INVALID', {
      detail: 'imagesDirectory is not set; run `tributary agent enroll --data-dir DIR --images DIR`',
    });
  }
  await loadPolicy(paths.policyFile);
  const lock = await lockDirectory(paths.lockFile);
  const log = openAgentLog(paths, config.siteId);
  const stopping = new AbortController();
  let exitCode: number = EXIT_CODES.done;
  const onSignal = (code: number) => (): void => {
    exitCode = code;
    stopping.abort();
  };
  process.once('SIGTERM', onSignal(EXIT_CODES.done));
  process.once('SIGINT', onSignal(EXIT_CODES.interrupted));
  try {
    const installation = new SiteInstallation(config, paths, log);
    const options = Object.assign(new NestApplicationContextOptions(), { logger: false, abortOnError: false });
    const app = await NestFactory.createApplicationContext(AgentModule.forSite(installation), options);
    log.info({ pid: process.pid }, 'agent started');
    output.document({ siteId: config.siteId, state: 'started', pid: process.pid }, () => `${config.siteId} started.`);
    await app.get(WorkLoop).run(stopping.signal);
    await app.close();
  } finally {
    await lock.release();
  }
  log.info('agent stopped; start it again to go on');
  return exitCode;
}
