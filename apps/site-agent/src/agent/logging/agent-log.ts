import { pino, type Logger } from 'pino';
import type { SitePaths } from '../config/site-paths.js';
import { sentenceOf } from './sentence.js';

/**
 * Structured log (NDJSON) to `agent.log` and stderr, where a terminal gets sentences instead, with the ids of site, run, round and assignment as fields.
 * Nothing of an image's file is ever given to it; unknown errors go through `errorFields`.
 */
export function openAgentLog(paths: SitePaths, siteId: string): Logger {
  const stderr = pino.destination({ dest: 2, sync: true });
  const terminal = { write: (line: string) => void stderr.write(`${sentenceOf(line)}\n`) };
  const streams = pino.multistream([
    { stream: pino.destination({ dest: paths.logFile, append: true, mkdir: true, sync: true }) },
    { stream: process.stderr.isTTY ? terminal : stderr },
  ]);
  return pino({ base: { siteId }, timestamp: pino.stdTimeFunctions.isoTime }, streams);
}
