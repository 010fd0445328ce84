import { Global, Module, type DynamicModule } from '@nestjs/common';
import { Database } from '../database/database.js';
import { Exclusive } from './exclusive.js';
import { INSTANCE, type Instance } from './instance.js';
import { ReplicaLocks, openReplicaLocks } from './replica-locks.js';

@Global()
@Module({})
export class ReplicasModule {
  static with(instance: Instance): DynamicModule {
    return {
      module: ReplicasModule,
      providers: [
        { provide: INSTANCE, useValue: instance },
        { provide: ReplicaLocks, inject: [Database], useFactory: openReplicaLocks },
        Exclusive,
      ],
      exports: [INSTANCE, ReplicaLocks, Exclusive],
    };
  }
}
