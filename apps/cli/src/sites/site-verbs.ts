import { invitationResponseSchema, siteSchema, type Site } from '@tributary/protocol/http';
import { z } from 'zod';
import type { Action } from '../command-context.js';
import { textTable } from '../output/table.js';
import { argumentAt, parseVerbOptions } from '../verb-options.js';

export const inviteSite: Action = async (context, { arguments: values, options }) => {
  const { study } = parseVerbOptions(z.object({ study: z.string().min(1) }), options);
  const api = await context.api();
  const siteId = argumentAt(values, 0, 'name');
  const path = `/v1/studies/${encodeURIComponent(study)}/invitations`;
  const invitation = await api.post(path, { siteId }, invitationResponseSchema);
  context.output.document(
    invitation,
    `${invitation.token}\n\nOne use, until ${invitation.expiresAt}. Hand it to ${siteId} in private.`,
  );
};

export const listSites: Action = async (context) => {
  const api = await context.api();
  const sites = await api.get('/v1/sites', z.array(siteSchema));
  const rows = sites.map((site) => [site.id, site.state, site.connected ? 'yes' : 'no', site.fingerprint]);
  context.output.list(sites, textTable(['SITE', 'STATE', 'CONNECTED', 'FINGERPRINT'], rows));
};

export const showSite: Action = async (context, { arguments: values }) => {
  const api = await context.api();
  const site = await api.get(sitePath(values), siteSchema);
  context.output.document(site, siteText(site));
};

export const approveSite: Action = async (context, { arguments: values, options }) => {
  const body = parseVerbOptions(z.object({ fingerprint: z.string().min(1) }), options);
  const api = await context.api();
  const site = await api.post(`${sitePath(values)}/approve`, body, siteSchema);
  context.output.document(site, `${site.id} is ${site.state}.`);
};

export const revokeSite: Action = async (context, { arguments: values }) => {
  const api = await context.api();
  const site = await api.post(`${sitePath(values)}/revoke`, {}, siteSchema);
  context.output.document(site, `${site.id} is ${site.state}.`);
};

function sitePath(values: readonly string[]): string {
  return `/v1/sites/${encodeURIComponent(argumentAt(values, 0, 'id'))}`;
}

function siteText(site: Site): string {
  return textTable(
    [site.id, site.state],
    [
      ['studies', site.studies.join(', ')],
      ['connected', site.connected ? 'yes' : 'no'],
      ['last seen', site.lastSeenAt ?? 'never'],
      ['fingerprint', site.fingerprint],
    ],
  );
}
