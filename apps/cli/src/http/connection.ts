import { TributaryError } from '@tributary/protocol/errors';
import type { GlobalOptions, Host } from '../command-context.js';
import { ApiClient } from './api-client.js';
import { readProfile, type Profile } from './profile.js';

/** A client for the coordinator named by the flags, else the environment, else the saved profile. */
export async function connect(global: GlobalOptions, host: Host): Promise<ApiClient> {
  const { url, apiKey } = await resolveConnection(global, host);
  return new ApiClient({ url, apiKey, signal: host.signal });
}

async function resolveConnection(global: GlobalOptions, host: Host): Promise<Profile> {
  const saved = await readProfile(host.env);
  const url = global.url ?? host.env['TRIBUTARY_URL'] ?? saved?.url;
  const apiKey = global.apiKey ?? host.env['TRIBUTARY_API_KEY'] ?? saved?.apiKey;
  if (url === undefined || !isHttpUrl(url)) {
    const fields = [{ path: '--url', expected: "the coordinator's address, such as http://127.0.0.1:8080" }];
    throw new TributaryError('USAGE_INVALID', { detail: 'no usable --url, TRIBUTARY_URL or saved profile', fields });
  }
  if (apiKey === undefined) {
    throw new TributaryError('AUTH_MISSING', { detail: 'give --api-key, TRIBUTARY_API_KEY or use `tributary login`' });
  }
  return { url, apiKey };
}

function isHttpUrl(url: string): boolean {
  return ['http:', 'https:'].includes(URL.parse(url)?.protocol ?? '');
}
