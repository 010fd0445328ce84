import type { IncomingMessage } from 'node:http';
import { SetMetadata, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { TributaryError } from '@tributary/protocol';

/** Who asks: a person or script with an API key, or a site with an access token. `id` is the key's or the site's. */
export interface Principal {
  readonly role: 'admin' | 'researcher' | 'site';
  readonly id: string;
  readonly name: string;
}

/** A request that the guard has let through. */
export interface AuthenticatedRequest extends IncomingMessage {
  principal?: Principal;
}

export const ANONYMOUS = 'access:anonymous';
export const ALLOWED_ROLES = 'access:roles';

/** The route needs no credentials. */
export const Anonymous = () => SetMetadata(ANONYMOUS, true);

/** Roles that may use the route. Without it: admins only. */
export const Allow = (...roles: Principal['role'][]) => SetMetadata(ALLOWED_ROLES, roles);

/** The caller of the route, as the guard found it. */
export const Caller = createParamDecorator((_: unknown, context: ExecutionContext): Principal => {
  return principalOf(context.switchToHttp().getRequest<AuthenticatedRequest>());
});

/** Who sent a request that a guard has let in. @throws TributaryError AUTH_MISSING for one that no guard has seen. */
export function principalOf(request: AuthenticatedRequest): Principal {
  if (request.principal === undefined) throw new TributaryError('AUTH_MISSING');
  return request.principal;
}
