import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { TributaryError } from '@tributary/protocol';
import { ALLOWED_ROLES, ANONYMOUS, type AuthenticatedRequest, type Principal } from '../platform/access/access.js';
import { AuthenticationService } from './authentication.service.js';

const DEFAULT_ROLES: readonly Principal['role'][] = ['admin'];

/** Before every HTTP route: credentials unless it is anonymous, and a role that it allows (admins, where it names none). */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly authentication: AuthenticationService,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    // Sockets are authenticated once, when they connect.
    if (context.getType() !== 'http') return true;
    const targets = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride<boolean | undefined>(ANONYMOUS, targets) === true) return true;
    const roles = this.reflector.getAllAndOverride<Principal['role'][] | undefined>(ALLOWED_ROLES, targets);
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const principal = await this.authentication.authenticate(bearerOf(request));
    if (!(roles ?? DEFAULT_ROLES).includes(principal.role)) throw new TributaryError('AUTH_FORBIDDEN');
    request.principal = principal;
    return true;
  }
}

function bearerOf(request: AuthenticatedRequest): string {
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (bearer === undefined) throw new TributaryError('AUTH_MISSING');
  return bearer;
}
