import { Module } from '@nestjs/common';
import { RunsModule } from '../runs/runs.module.js';
import { SitesGateway } from './sites.gateway.js';
import { SocketAdmission } from './socket-admission.js';

@Module({ imports: [RunsModule], providers: [SitesGateway, SocketAdmission] })
export class GatewayModule {}
