import { Injectable } from '@nestjs/common';
import { TributaryError, fieldsText, type Study } from '@tributary/protocol';
import { AuditService } from '../audit/audit.service.js';
import type { Principal } from '../platform/access/access.js';
import { Clock } from '../platform/clock/clock.js';
import { Database } from '../platform/database/database.js';
import { StudyRepository } from './study.repository.js';

@Injectable()
export class StudiesService {
  constructor(
    private readonly database: Database,
    private readonly studies: StudyRepository,
    private readonly audit: AuditService,
    private readonly clock: Clock,
  ) {}

  /** @throws TributaryError ALREADY_EXISTS. */
  async create(request: Omit<Study, 'createdAt'>, by: Principal): Promise<Study> {
    assertScarceAreClasses(request);
    const study: Study = { ...request, createdAt: this.clock.now().toISOString() };
    await this.database.transaction(async (db) => {
      if (!(await this.studies.create(db, study))) throw new TributaryError('ALREADY_EXISTS', { detail: study.id });
      await this.audit.append(db, { actor: by.id, action: 'study.created', subject: study.id, detail: { ...request } });
    });
    return study;
  }

  list(): Promise<Study[]> {
    return this.studies.list(this.database.db);
  }

  /** @throws TributaryError NOT_FOUND. */
  async get(id: string): Promise<Study> {
    const study = await this.studies.find(this.database.db, id);
    if (study === null) throw new TributaryError('NOT_FOUND', { detail: `study ${id}` });
    return study;
  }
}

function assertScarceAreClasses({ classes, scarceClasses }: Pick<Study, 'classes' | 'scarceClasses'>): void {
  const unknown = scarceClasses.flatMap((name, index) => (classes.includes(name) ? [] : [index]));
  const fields = unknown.map((index) => ({ path: `scarceClasses.${index}`, expected: 'one of the classes' }));
  const twice = classes.findIndex((name, index) => classes.indexOf(name) !== index);
  if (twice >= 0) fields.push({ path: `classes.${twice}`, expected: 'class names that differ' });
  if (fields.length > 0) throw new TributaryError('REQUEST_INVALID', { detail: fieldsText(fields), fields });
}
