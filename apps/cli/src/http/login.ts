import { TributaryError } from '@tributary/protocol/errors';
import { whoamiSchema } from '@tributary/protocol/http';
import type { CommandContext } from '../command-context.js';
import { writeProfile } from './profile.js';

/** Checks the credentials, then saves them; nothing is saved that the coordinator does not take. */
export async function login(context: CommandContext): Promise<void> {
  const { url, apiKey } = context.global;
  if (url === undefined || apiKey === undefined) {
    const fields = [
      { path: '--url', expected: "the coordinator's address" },
      { path: '--api-key', expected: 'the key that the admin gave you' },
    ];
    throw new TributaryError('USAGE_INVALID', { detail: 'login needs --url and --api-key', fields });
  }
  const api = await context.api();
  const person = await api.get('/v1/whoami', whoamiSchema);
  const path = await writeProfile(context.host.env, { url, apiKey });
  context.output.document(
    { ...person, url, profile: path },
    `Signed in as ${person.name} (${person.role}); saved in ${path}`,
  );
}

/** `tributary whoami`: the name and role that the credentials stand for. */
export async function whoami(context: CommandContext): Promise<void> {
  const api = await context.api();
  const person = await api.get('/v1/whoami', whoamiSchema);
  context.output.document({ ...person, url: api.url }, `${person.name} (${person.role}) at ${api.url}`);
}
