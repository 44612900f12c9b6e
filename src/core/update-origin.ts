/**
 * Who caused an update: a client of its host, the operator at the command line, or the server by itself (a retry, the end
 * of a lease). Only what a client does shows that the host is alive.
 */
export type UpdateOrigin = 'client' | 'operator' | 'server';
