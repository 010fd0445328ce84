import { Injectable } from '@nestjs/common';
import { studySchema, type Study } from '@tributary/protocol';
import type { Study as StudyRow } from '../generated/prisma/client.js';
import type { Db } from '../platform/database/database.js';

@Injectable()
export class StudyRepository {
  /** @returns False when a study with this id exists. */
  async create(db: Db, { image, createdAt, ...study }: Study): Promise<boolean> {
    const { count } = await db.study.createMany({
      data: { ...study, imageSizePx: image.sizePx, imageChannels: image.channels, createdAt },
      skipDuplicates: true,
    });
    return count > 0;
  }

  async find(db: Db, id: string): Promise<Study | null> {
    const row = await db.study.findUnique({ where: { id } });
    return row === null ? null : toStudy(row);
  }

  async list(db: Db): Promise<Study[]> {
    return (await db.study.findMany({ orderBy: { id: 'asc' } })).map(toStudy);
  }
}

function toStudy({ imageSizePx, imageChannels, createdAt, ...row }: StudyRow): Study {
  const image = { sizePx: imageSizePx, channels: imageChannels };
  return studySchema.parse({ ...row, image, createdAt: createdAt.toISOString() });
}
