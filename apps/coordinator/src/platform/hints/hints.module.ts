import { Global, Module } from '@nestjs/common';
import { SiteHints } from './site-hints.js';

@Global()
@Module({ providers: [SiteHints], exports: [SiteHints] })
export class HintsModule {}
