import { Global, Module, type DynamicModule } from '@nestjs/common';
import type { CoordinatorConfig } from './coordinator-config.js';

/** Injection token of the {@link CoordinatorConfig}. */
export const CONFIG = Symbol('CoordinatorConfig');

@Global()
@Module({})
export class ConfigModule {
  static with(config: CoordinatorConfig): DynamicModule {
    return { module: ConfigModule, providers: [{ provide: CONFIG, useValue: config }], exports: [CONFIG] };
  }
}
