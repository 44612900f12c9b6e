/** The PowerDNS-compatible API as a part of the HTTP interface. `/api` is a path of FreeDNS clients as well. */
import type { Door } from '../app/app.ts';
import { authenticateRequest } from '../request/authentication.ts';
import { headerCandidate } from '../request/credentials.ts';
import type { Protocol } from '../request/door.ts';
import { API_VERSIONS } from './documents.ts';
import { formatError, jsonReply } from './errors.ts';
import { addPowerdnsRoutes, POWERDNS_PROTOCOL } from './routes.ts';

const versionsProtocol: Protocol = {
  name: POWERDNS_PROTOCOL,
  formatError,
  routes: [
    {
      methods: ['GET'],
      safe: true,
      pattern: '/api',
      takes: ({ headers, parameters }) => headers['x-api-key'] !== undefined && parameters['action'] === undefined,
      handle: async (request, services) => {
        const candidate = headerCandidate(request.headers['x-api-key']);
        const candidates = candidate === undefined ? [] : [candidate];
        await authenticateRequest(request, services, candidates, ({ kind }) => kind === 'token');
        return jsonReply(200, API_VERSIONS);
      },
    },
  ],
};

export const powerdnsDoor: Door = { protocols: [versionsProtocol], addRoutes: addPowerdnsRoutes };
