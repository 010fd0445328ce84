import { invitationResponseSchema, siteSchema, trainingHoursSchema, type Site } from '@tributary/protocol/http';
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

const hoursFlagsSchema = z.object({ from: z.unknown(), until: z.unknown(), timeZone: z.unknown() }).partial();

export const setSiteHours: Action = async (context, { arguments: values, options }) => {
  const given = parseVerbOptions(hoursFlagsSchema, options);
  const isAnyTime = Object.values(given).every((value) => value === undefined);
  const trainingHours = isAnyTime ? null : parseVerbOptions(trainingHoursSchema, given);
  const api = await context.api();
  const site = await api.post(`${sitePath(values)}/training-hours`, { trainingHours }, siteSchema);
  context.output.document(site, `${site.id} is asked to train ${hoursText(site)}.`);
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
      ['trains', hoursText(site)],
      ['fingerprint', site.fingerprint],
    ],
  );
}

function hoursText({ trainingHours }: Site): string {
  if (trainingHours === null) return 'at any time';
  const { from, until, timeZone } = trainingHours;
  return `from ${from} until ${until}, ${timeZone}`;
}
