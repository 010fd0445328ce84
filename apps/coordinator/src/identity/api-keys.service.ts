import { randomBytes } from 'node:crypto';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { TributaryError } from '@tributary/protocol';
import { AuditService } from '../audit/audit.service.js';
import type { Principal } from '../platform/access/access.js';
import { Clock } from '../platform/clock/clock.js';
import { SECRETS, type Secrets } from '../platform/data-dir/secrets.js';
import { Database } from '../platform/database/database.js';
import { ApiKeyRepository, type NewApiKey } from './api-key.repository.js';
import { randomSecret, secretHash } from '../platform/access/secret-hash.js';

const FIRST_ADMIN = 'first-admin';

@Injectable()
export class ApiKeysService implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly keys: ApiKeyRepository,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    @Inject(SECRETS) private readonly secrets: Secrets,
  ) {}

  /** The key that `init` left in the data folder is the first admin. */
  async onModuleInit(): Promise<void> {
    if (this.secrets.adminKey === null) return;
    const keySha256 = secretHash(this.secrets.adminKey);
    const key: NewApiKey = { id: `key-${keySha256.slice(0, 12)}`, name: FIRST_ADMIN, role: 'admin', keySha256 };
    await this.keys.add(this.database.db, key);
  }

  /**
   * Who owns this key.
   *
   * @throws TributaryError AUTH_INVALID.
   */
  async authenticate(apiKey: string): Promise<Principal> {
    const principal = await this.keys.findActive(this.database.db, secretHash(apiKey));
    if (principal === null) throw new TributaryError('AUTH_INVALID');
    return principal;
  }

  /** Makes a key; it is shown this once and only its hash is kept. */
  async create(request: Pick<NewApiKey, 'name' | 'role'>, by: Principal): Promise<{ id: string; apiKey: string }> {
    const id = `key-${randomBytes(6).toString('hex')}`;
    const apiKey = randomSecret(request.role === 'admin' ? 'tba' : 'tbr');
    await this.database.transaction(async (db) => {
      await this.keys.add(db, { ...request, id, keySha256: secretHash(apiKey) });
      await this.audit.append(db, {
        actor: by.id,
        action: 'api-key.created',
        subject: id,
        detail: { role: request.role },
      });
    });
    return { id, apiKey };
  }

  list(): Promise<Omit<NewApiKey, 'keySha256'>[]> {
    return this.keys.list(this.database.db);
  }

  /** @throws TributaryError NOT_FOUND. */
  async revoke(id: string, by: Principal): Promise<void> {
    await this.database.transaction(async (db) => {
      if (!(await this.keys.revoke(db, id, this.clock.now()))) throw new TributaryError('NOT_FOUND', { detail: id });
      await this.audit.append(db, { actor: by.id, action: 'api-key.revoked', subject: id, detail: {} });
    });
  }
}
