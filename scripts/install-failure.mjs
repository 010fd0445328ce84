// Turns npm's output into: which download failed, what is lost, what to do.
const REMEDIES = [
  [
    /ENOTFOUND|EAI_AGAIN/,
    'the registry could not be found: check the network, or point npm at your mirror with `npm config set registry URL`',
  ],
  [
    /ECONNREFUSED|ECONNRESET|ETIMEDOUT|ERR_SOCKET_TIMEOUT/,
    'the registry did not answer: check proxy and firewall (`npm config get proxy`), then run the same command again',
  ],
  [/E401|E403/, 'the registry refused access: sign in with `npm login`, or ask who runs your mirror'],
  [/E404|ETARGET/, 'the mirror does not carry this package: ask who runs it to add it'],
  [/ENOSPC/, 'the disk is full: free 2 GB and run the same command again'],
  [/EACCES|EPERM/, 'the folder cannot be written: use a folder that you own'],
  [
    /EINTEGRITY/,
    'a downloaded file is not the pinned one: clear the cache with `npm cache clean --force`; if it stays, tell who runs the mirror',
  ],
  [
    /UNABLE_TO_VERIFY|SELF_SIGNED|CERT_/,
    "a certificate is not trusted: give npm your hospital's certificate authority with `npm config set cafile FILE`",
  ],
];

/** @param {{ what: string, lost: string, output: string }} failure */
export function explainInstallFailure({ what, lost, output }) {
  const lines = output.split('\n').filter((line) => /npm (error|ERR!)/.test(line));
  const url = /https?:\/\/\S+/.exec(lines.join('\n'))?.[0];
  const remedy =
    REMEDIES.find(([pattern]) => pattern.test(output))?.[1] ??
    'run the same command again; if it stays, the lines above say why';
  const shown = lines.slice(0, 6).join('\n') || output.trim().split('\n').slice(-6).join('\n');
  return [
    `Could not install ${what}${url === undefined ? '' : ` (${url})`}.`,
    shown,
    `Lost: ${lost}.`,
    `To do: ${remedy}.`,
  ].join('\n');
}
