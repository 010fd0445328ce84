import { Global, Module, type DynamicModule } from '@nestjs/common';
import { SECRETS, type Secrets } from './secrets.js';

@Global()
@Module({})
export class SecretsModule {
  static with(secrets: Secrets): DynamicModule {
    return { module: SecretsModule, providers: [{ provide: SECRETS, useValue: secrets }], exports: [SECRETS] };
  }
}
