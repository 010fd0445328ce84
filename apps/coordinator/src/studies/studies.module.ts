import { Module } from '@nestjs/common';
import { InvitationRepository } from './invitation.repository.js';
import { InvitationsService } from './invitations.service.js';
import { StudiesController } from './studies.controller.js';
import { StudiesService } from './studies.service.js';
import { StudyRepository } from './study.repository.js';

@Module({
  controllers: [StudiesController],
  providers: [StudiesService, InvitationsService, StudyRepository, InvitationRepository],
  exports: [StudiesService, InvitationsService],
})
export class StudiesModule {}
