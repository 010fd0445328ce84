import { pino, type Logger } from 'pino';
import type { SitePaths } from '../config/site-paths.js';

/**
 * Structured log (NDJSON) to stderr and `agent.log`, with the ids of site, run, round and assignment as fields.
 * Nothing of an image's file is ever given to it; unknown errors go through `errorFields`.
 */
export function openAgentLog(paths: SitePaths, siteId: string): Logger {
  const streams = pino.multistream([
    { stream: pino.destination({ dest: paths.logFile, append: true, mkdir: true, sync: true }) },
    { stream: pino.destination({ dest: 2, sync: true }) },
  ]);
  return pino({ base: { siteId }, timestamp: pino.stdTimeFunctions.isoTime }, streams);
}
