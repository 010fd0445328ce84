import { fileURLToPath } from 'node:url';

const fromHere = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The built programs that the command starts; all lie in the same checkout. */
export const COORDINATOR_MAIN = fromHere('../../../coordinator/dist/main.js');
export const AGENT_MAIN = fromHere('../../../site-agent/dist/main.js');
