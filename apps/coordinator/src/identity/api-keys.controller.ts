import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { Caller, type Principal } from '../platform/access/access.js';
import type { NewApiKey } from './api-key.repository.js';
import { ApiKeysService } from './api-keys.service.js';

const apiKeyRequestSchema = z.strictObject({
  name: z.string().min(1).max(100),
  role: z.enum(['admin', 'researcher']),
});
const KEY_ID = { schema: z.string().regex(/^key-[0-9a-f]{12}$/, 'an id such as key-4f3a9c1d5e7b') };

@Controller('v1/api-keys')
export class ApiKeysController {
  constructor(private readonly keys: ApiKeysService) {}

  /** Makes a key; the answer is the only place where it is ever shown. */
  @Post()
  create(
    @Body({ schema: apiKeyRequestSchema }) request: z.infer<typeof apiKeyRequestSchema>,
    @Caller() caller: Principal,
  ): Promise<{ id: string; apiKey: string }> {
    return this.keys.create(request, caller);
  }

  @Get()
  list(): Promise<Omit<NewApiKey, 'keySha256'>[]> {
    return this.keys.list();
  }

  @Delete(':id')
  @HttpCode(204)
  revoke(@Param('id', KEY_ID) id: string, @Caller() caller: Principal): Promise<void> {
    return this.keys.revoke(id, caller);
  }
}
