import { TributaryError } from '@tributary/protocol/errors';
import { jsonOrUndefined } from '@tributary/protocol/json-or-undefined';
import { mkdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { writeWholeFile } from '../whole-file.js';

const profileSchema = z.object({ url: z.url(), apiKey: z.string().min(1) });
export type Profile = z.infer<typeof profileSchema>;
type Environment = Readonly<Record<string, string | undefined>>;

/** Where `login` keeps the profile: `$XDG_CONFIG_HOME/tributary/profile.json`, else under `~/.config`. */
export function profilePath(env: Environment): string {
  return join(env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'tributary', 'profile.json');
}

/** The saved profile, or undefined before the first `login`. */
export async function readProfile(env: Environment): Promise<Profile | undefined> {
  let text: string;
  try {
    text = await readFile(profilePath(env), 'utf8');
  } catch {
    return undefined;
  }
  const parsed = profileSchema.safeParse(jsonOrUndefined(text));
  if (!parsed.success) throw new TributaryError('CONFIG_INVALID', { detail: 'the saved profile; run `login` again' });
  return parsed.data;
}

/** Saves the profile so that only this user may read it. */
export async function writeProfile(env: Environment, profile: Profile): Promise<string> {
  const path = profilePath(env);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeWholeFile(path, `${JSON.stringify(profile, null, 2)}\n`, { mode: 0o600 });
  return path;
}
