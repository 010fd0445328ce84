import type { CoordinatorToSiteEvents, SiteToCoordinatorEvents } from '@tributary/protocol';
import type { DefaultEventsMap, Server, Socket } from 'socket.io';

/** Who is at the other end; set when the socket is admitted. */
export interface SocketData {
  siteId: string;
}

export type SiteServer = Server<SiteToCoordinatorEvents, CoordinatorToSiteEvents, DefaultEventsMap, SocketData>;
export type SiteSocket = Socket<SiteToCoordinatorEvents, CoordinatorToSiteEvents, DefaultEventsMap, SocketData>;
