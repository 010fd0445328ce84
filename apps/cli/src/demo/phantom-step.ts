import { loadAtlas, writePhantomSite, type PhantomSite, type PhantomSiteSummary } from '@tributary/imaging';
import { randomStream } from '@tributary/random';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Progress } from '../output/progress.js';
import type { DemoSession } from './demo-session.js';
import { POOLED_SITE_ID, pooledClass } from './demo-sites.js';

export interface SiteImages extends PhantomSiteSummary {
  readonly id: string;
  /** The folder that the site's agent reads. */
  readonly directory: string;
}

/** Writes every made-up hospital's images as the files that a scanner would leave. */
export async function writePhantoms(session: DemoSession, sites: readonly PhantomSite[]): Promise<SiteImages[]> {
  const { context, folder, profile, options } = session;
  const total = profile.patientsPerSite * sites.length;
  const progress = new Progress(context.output, { label: 'Making phantom patients', total, unit: 'patients' });
  const atlas = await loadAtlas();
  const written: SiteImages[] = [];
  for (const [index, site] of sites.entries()) {
    const directory = options.pooled
      ? folder.of('sites', POOLED_SITE_ID, 'images', site.name)
      : imagesOf(session, site.name);
    const summary = await writePhantomSite({
      directory,
      site,
      patients: profile.patientsPerSite,
      imageSizePx: profile.imageSizePx,
      atlas,
      random: (...path) => randomStream(options.seed, 'phantom', ...path),
      signal: context.host.signal,
      onProgress: ({ done }) => progress.update(index * profile.patientsPerSite + done),
    });
    written.push({ ...summary, id: site.name, directory });
  }
  progress.finish();
  return options.pooled ? [await poolImages(session, written)] : written;
}

function imagesOf({ folder }: DemoSession, siteId: string): string {
  return folder.of('sites', siteId, 'images');
}

/** One folder for all: the patients stay where they are, one labels.csv names site and class of each image. */
async function poolImages(session: DemoSession, parts: readonly SiteImages[]): Promise<SiteImages> {
  const rows: string[] = [];
  const classes: Record<string, number> = {};
  for (const part of parts) {
    const file = join(part.directory, 'labels.csv');
    const [, ...lines] = (await readFile(file, 'utf8')).trimEnd().split('\n');
    for (const line of lines) {
      const [patient = '', slice = '', className = ''] = line.split(',');
      const label = pooledClass(part.id, className);
      classes[label] = (classes[label] ?? 0) + 1;
      rows.push(`${patient},${slice},${label}`);
    }
    await rm(file);
  }
  const directory = imagesOf(session, POOLED_SITE_ID);
  await writeFile(join(directory, 'labels.csv'), `patient,slice,class\n${rows.join('\n')}\n`);
  const sum = (read: (part: SiteImages) => number): number => parts.reduce((total, part) => total + read(part), 0);
  const counts = { patients: sum((p) => p.patients), images: sum((p) => p.images), sizeBytes: sum((p) => p.sizeBytes) };
  return { id: POOLED_SITE_ID, directory, classes, ...counts };
}
