import { Global, Module, type DynamicModule } from '@nestjs/common';
import { INSTANCE, type Instance } from './instance.js';

@Global()
@Module({})
export class InstanceModule {
  static with(instance: Instance): DynamicModule {
    return { module: InstanceModule, providers: [{ provide: INSTANCE, useValue: instance }], exports: [INSTANCE] };
  }
}
