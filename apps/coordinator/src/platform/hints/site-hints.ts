import { EventEmitter } from 'node:events';
import type { AssignmentOffer, RunProposal } from '@tributary/protocol';
import { Injectable } from '@nestjs/common';

/** Told to a site's socket: only hints to look, the durable truth is the answer to `work:open`. */
export type SiteHint =
  | { readonly event: 'run:proposed'; readonly body: RunProposal }
  | { readonly event: 'assignment:offered'; readonly body: AssignmentOffer }
  | { readonly event: 'assignment:withdrawn'; readonly body: { assignmentId: string } }
  | { readonly event: 'run:ended'; readonly body: { runId: string } }
  | { readonly event: 'site:revoked'; readonly body: { siteId: string } };

interface HintEvents {
  hint: [siteId: string, hint: SiteHint];
}

/** From the services that change state to the gateway that holds the sockets, so that neither needs to know the other. */
@Injectable()
export class SiteHints {
  private readonly emitter = new EventEmitter<HintEvents>();

  tell(siteId: string, hint: SiteHint): void {
    this.emitter.emit('hint', siteId, hint);
  }

  onHint(listener: (siteId: string, hint: SiteHint) => void): void {
    this.emitter.on('hint', listener);
  }
}
