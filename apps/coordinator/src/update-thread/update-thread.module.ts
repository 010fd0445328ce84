import { Module } from '@nestjs/common';
import { UpdateThreadService } from './update-thread.service.js';

@Module({ providers: [UpdateThreadService], exports: [UpdateThreadService] })
export class UpdateThreadModule {}
