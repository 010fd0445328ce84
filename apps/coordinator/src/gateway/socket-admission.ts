import { Inject, Injectable } from '@nestjs/common';
import {
  PROTOCOL_VERSION,
  TributaryError,
  parseOrThrow,
  socketAuthSchema,
  toProblem,
  type Problem,
} from '@tributary/protocol';
import { AuthenticationService } from '../identity/authentication.service.js';
import { toTributaryError } from '../platform/errors/problem.filter.js';
import { LOGGER, type Logger } from '../platform/logging/logger.js';
import type { SiteSocket } from './site-socket.js';

const credentialsSchema = socketAuthSchema.pick({ accessToken: true });
const versionSchema = socketAuthSchema.pick({ protocolVersion: true });

/** What Socket.IO hands to the refused client: `connect_error` with the problem as its data. */
export class AdmissionRefused extends Error {
  constructor(readonly data: Problem) {
    super(data.code);
  }
}

/** Lets a socket in that carries a site's access token and speaks our protocol version. */
@Injectable()
export class SocketAdmission {
  constructor(
    private readonly authentication: AuthenticationService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** @throws AdmissionRefused. */
  async admit(socket: SiteSocket): Promise<void> {
    try {
      const { auth } = socket.handshake;
      const { accessToken } = parseOrThrow(credentialsSchema, auth, 'AUTH_MISSING');
      const { protocolVersion } = parseOrThrow(versionSchema, auth, 'PROTOCOL_VERSION');
      if (protocolVersion !== PROTOCOL_VERSION) {
        throw new TributaryError('PROTOCOL_VERSION', { detail: `version ${PROTOCOL_VERSION} is spoken here` });
      }
      const principal = await this.authentication.authenticate(accessToken);
      if (principal.role !== 'site') throw new TributaryError('AUTH_FORBIDDEN');
      socket.data.siteId = principal.id;
    } catch (error) {
      const known = toTributaryError(error);
      this.logger.info({ code: known.code, err: known.spec.status >= 500 ? error : undefined }, 'socket refused');
      throw new AdmissionRefused(toProblem(known));
    }
  }
}
