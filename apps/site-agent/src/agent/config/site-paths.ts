import { join, resolve } from 'node:path';

/** Where everything of a site lies under its `--data-dir`. */
export interface SitePaths {
  readonly root: string;
  readonly configFile: string;
  readonly keyFile: string;
  readonly policyFile: string;
  readonly lockFile: string;
  readonly logFile: string;
  readonly ledgerFile: string;
  readonly approvalsFile: string;
  readonly connectionFile: string;
  readonly proposals: string;
  readonly blobs: string;
  readonly runs: string;
}

/** Where everything of a site lies below its data folder, as absolute paths. */
export function sitePaths(dataDirectory: string): SitePaths {
  const root = resolve(dataDirectory);
  return {
    root,
    configFile: join(root, 'site.json'),
    keyFile: join(root, 'keys', 'site-key.pem'),
    policyFile: join(root, 'policy.yaml'),
    lockFile: join(root, 'agent.lock'),
    logFile: join(root, 'agent.log'),
    ledgerFile: join(root, 'ledger.ndjson'),
    approvalsFile: join(root, 'approvals.json'),
    connectionFile: join(root, 'connection.json'),
    proposals: join(root, 'proposals'),
    blobs: join(root, 'blobs'),
    runs: join(root, 'runs'),
  };
}
