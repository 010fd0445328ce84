import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { runViewSchema, siteSchema, type AssignmentOffer } from '@tributary/protocol';
import { decodeSafetensorsHeader, encodeSafetensorsHeader } from '@tributary/protocol/safetensors';
import { z } from 'zod';
import { buildRecipe } from '../factories/recipe.js';
import { buildUpdate, ofBytes, type BuiltResult } from '../factories/update.js';
import { Consortium } from './support/consortium.js';
import { databaseCases } from './support/databases.js';
import { answerAtOnce, stayAway, uploadHeaders, type FakeSite } from './support/fake-site.js';

jest.setTimeout(240_000);

const auditSchema = z.array(
  z.object({ action: z.string(), actor: z.string(), detail: z.record(z.string(), z.unknown()) }),
);

/** What a site sends, and what it is told. Each case has a site of its own in one round. */
interface BadCase {
  readonly what: string;
  readonly code: string;
  /** False: the assignment is not ended by it, the right update still counts. */
  readonly ends: boolean;
  readonly send: (site: FakeSite, offer: AssignmentOffer, good: BuiltResult) => Promise<Response>;
}

const withLastFloat = (bits: string) => (good: BuiltResult) =>
  ofBytes(Buffer.concat([good.bytes.subarray(0, -4), Buffer.from(bits, 'hex')]));

function renamed({ bytes }: BuiltResult): BuiltResult {
  const { entries, headerBytes } = decodeSafetensorsHeader(bytes);
  const header = encodeSafetensorsHeader(
    entries.map(({ name, dtype, shape }, index) => ({ name: index === 0 ? `${name}.x` : name, dtype, shape })),
  );
  return ofBytes(Buffer.concat([header, bytes.subarray(headerBytes)]));
}

const reports = (site: FakeSite, offer: AssignmentOffer, good: BuiltResult, patch: object) =>
  site.upload(offer.assignmentId, { ...good, report: { ...good.report, ...patch } });

const CASES: BadCase[] = [
  {
    what: 'another parameter name',
    code: 'UPDATE_WRONG_MANIFEST',
    ends: true,
    send: (site, { assignmentId }, good) => site.upload(assignmentId, renamed(good)),
  },
  {
    what: 'no safetensors file',
    code: 'SAFETENSORS_INVALID',
    ends: true,
    send: (site, { assignmentId }, good) => site.upload(assignmentId, ofBytes(Buffer.alloc(good.bytes.length, 0xff))),
  },
  {
    what: 'four bytes too few',
    code: 'UPDATE_WRONG_SIZE',
    ends: true,
    send: (site, { assignmentId }, good) => site.upload(assignmentId, ofBytes(good.bytes.subarray(0, -4))),
  },
  {
    what: 'NaN',
    code: 'UPDATE_NOT_FINITE',
    ends: true,
    send: (site, { assignmentId }, good) => site.upload(assignmentId, withLastFloat('0000c07f')(good)),
  },
  {
    what: 'infinity',
    code: 'UPDATE_NOT_FINITE',
    ends: true,
    send: (site, { assignmentId }, good) => site.upload(assignmentId, withLastFloat('0000807f')(good)),
  },
  {
    what: 'other bytes than its hash says',
    code: 'UPDATE_WRONG_HASH',
    ends: false,
    send: (site, { assignmentId }, good) => {
      const broken = Buffer.from(good.bytes);
      broken.writeFloatLE(0.125, broken.length - 4);
      return site.upload(assignmentId, good, broken);
    },
  },
  {
    what: 'too few images',
    code: 'DATA_TOO_FEW_IMAGES',
    ends: true,
    send: (site, offer, good) => reports(site, offer, good, { images: 1 }),
  },
  {
    what: 'more images than a column holds',
    code: 'UPLOAD_METADATA_INVALID',
    ends: false,
    send: (site, offer, good) => reports(site, offer, good, { images: 3e9 }),
  },
  {
    what: 'a report with a character that no database keeps',
    code: 'UPLOAD_METADATA_INVALID',
    ends: false,
    send: (site, offer, good) => reports(site, offer, good, { engine: { name: 'a\0b', device: 'cpu', threads: 1 } }),
  },
  {
    what: 'a round of the future',
    code: 'NOT_FOUND',
    ends: false,
    send: (site, { assignmentId }, good) => site.upload(assignmentId.replace('-r1-', '-r2-'), good),
  },
  {
    what: "another site's assignment",
    code: 'ASSIGNMENT_NOT_YOURS',
    ends: false,
    send: (site, { assignmentId }, good) => site.upload(assignmentId.replace(site.id, 'site-good'), good),
  },
  {
    what: 'metadata without a report',
    code: 'UPLOAD_METADATA_INVALID',
    ends: false,
    send: (site, { assignmentId }, { bytes, sha256 }) => {
      const encoded = [`assignmentId ${base64(assignmentId)}`, `sha256 ${base64(sha256)}`].join(',');
      const headers = { 'tus-resumable': '1.0.0', 'upload-length': String(bytes.length), 'upload-metadata': encoded };
      return site.api.fetch('/v1/uploads', { method: 'POST', headers });
    },
  },
];

const base64 = (text: string) => Buffer.from(text).toString('base64');
/** Asks again when a busy machine is slow to answer. */
async function firstOffer(site: FakeSite): Promise<AssignmentOffer> {
  for (let looks = 0; looks < 20; looks++) {
    const offer = (await site.openWork().catch(() => undefined))?.assignments[0];
    if (offer !== undefined) return offer;
  }
  throw new Error(`${site.id} was offered nothing`);
}

const siteName = (index: number) => `site-x${index}`;

describe.each(databaseCases())('bad updates, on $name', (databaseCase) => {
  let consortium: Consortium;
  let runId: string;
  const good = new Map<string, BuiltResult>();
  const offers = new Map<string, AssignmentOffer>();

  const partOf = (id: string) => {
    const [offer, update] = [offers.get(id), good.get(id)];
    if (offer === undefined || update === undefined) throw new Error(`${id} was offered nothing`);
    return { site: consortium.site(id), offer, update };
  };
  const codeOf = async (response: Response) => z.object({ code: z.string() }).parse(await response.json()).code;
  const audited = async (siteId: string, code: string) => {
    const entries = await consortium.coordinator.admin.get('/v1/audit?limit=1000', auditSchema);
    return entries.some(({ action, actor, detail }) => {
      return ['update.refused', 'request.refused'].includes(action) && actor === siteId && detail.code === code;
    });
  };

  beforeAll(async () => {
    const siteIds = [
      ...CASES.map((_, index) => siteName(index)),
      'site-good',
      'site-late',
      'site-revoked',
      'site-twice',
    ];
    consortium = await Consortium.on(databaseCase, { siteIds });
    for (const site of consortium.sites) site.behaviour = stayAway;
    runId = await consortium.createRun(buildRecipe({ count: 1, quorum: 1, minImages: 2, deadlineSeconds: 600 }));
    await consortium.until(runId, ({ state }) => state === 'running');
    for (const site of consortium.sites) {
      await site.authenticate();
      const offer = await firstOffer(site);
      offers.set(site.id, offer);
      if (site.id === 'site-good') await site.answer(offer.assignmentId, 'accept');
      good.set(site.id, buildUpdate(await site.globalWeights(offer), site.id, 1));
    }
  });
  afterAll(async () => {
    await consortium.close();
  });

  it.each(CASES.map((bad, index) => ({ ...bad, index })))(
    'with $what: $code, in the log and the audit, and the round goes on',
    async ({ index, code, ends, send }) => {
      const { site, offer, update } = partOf(siteName(index));
      expect(await codeOf(await send(site, offer, update))).toBe(code);
      expect(await audited(site.id, code)).toBe(true);
      expect(consortium.coordinator.log()).toContain(code);
      const run = await consortium.run(runId);
      expect(run.currentRound).toMatchObject({ n: 1, state: 'collecting' });
      const { state } = run.assignments.find(({ siteId }) => siteId === site.id) ?? {};
      expect(state === 'failed').toBe(ends);
    },
  );

  it('do not come with answers that no database keeps: those are refused alone, also beside good ones', async () => {
    const { site, offer } = partOf('site-revoked');
    const others = ['site-late', 'site-twice'].map(partOf);
    const [bad, ...good] = await Promise.allSettled([
      site.answer(offer.assignmentId, 'decline', 'a\0b'),
      ...others.map((other) => other.site.answer(other.offer.assignmentId, 'accept')),
    ]);
    expect(bad).toMatchObject({ status: 'rejected', reason: { message: 'REQUEST_INVALID' } });
    expect(good.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
  });

  it('from a site that was revoked: SITE_REVOKED', async () => {
    const { site, offer, update } = partOf('site-revoked');
    site.close();
    await consortium.coordinator.admin.post('/v1/sites/site-revoked/revoke', siteSchema);
    expect(await codeOf(await site.upload(offer.assignmentId, update))).toBe('SITE_REVOKED');
    expect(await audited('site-revoked', 'SITE_REVOKED')).toBe(true);
  });

  it('sent twice with different bytes: the first counts, the second is UPDATE_CONFLICT', async () => {
    const { site, offer, update } = partOf('site-twice');
    await site.answer(offer.assignmentId, 'accept');
    expect((await site.upload(offer.assignmentId, update)).status).toBe(201);
    expect((await site.upload(offer.assignmentId, update)).status).toBe(201);
    const other = buildUpdate(await site.globalWeights(offer), 'other');
    expect(await codeOf(await site.upload(offer.assignmentId, other))).toBe('UPDATE_CONFLICT');
    expect(await audited('site-twice', 'UPDATE_CONFLICT')).toBe(true);
  });

  it('that never end do not keep the round open, and are ASSIGNMENT_CLOSED after it', async () => {
    const { site, offer, update } = partOf('site-late');
    const begun = await site.upload(offer.assignmentId, update, update.bytes.subarray(0, 1000));
    expect(begun.headers.get('upload-offset')).toBe('1000');
    await consortium.coordinator.admin.post(`/v1/runs/${runId}/cancel`, runViewSchema);
    const rest = await site.api.fetch(`/v1/uploads/${offer.assignmentId}`, {
      method: 'PATCH',
      headers: { 'tus-resumable': '1.0.0', 'upload-offset': '1000', 'content-type': 'application/offset+octet-stream' },
      body: new Uint8Array(update.bytes.subarray(1000)),
    });
    expect(await codeOf(rest)).toBe('ASSIGNMENT_CLOSED');
    const again = await site.api.fetch('/v1/uploads', {
      method: 'POST',
      headers: uploadHeaders(offer.assignmentId, update),
    });
    expect(await codeOf(again)).toBe('ASSIGNMENT_CLOSED');
    expect(await audited('site-late', 'ASSIGNMENT_CLOSED')).toBe(true);
  });

  it('leave the rest of the consortium able to finish a run', async () => {
    for (const site of consortium.sites) site.behaviour = answerAtOnce;
    const next = await consortium.createRun(buildRecipe({ count: 1, quorum: 2 }));
    await consortium.until(next, ({ state }) => state === 'completed');
  });
});
