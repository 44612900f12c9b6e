// The paths of the first releases are still served on the control socket.
import { expect, it } from 'vitest';
import { findOperation } from '../core/admin/operation-routes.ts';
import { findFormerOperation } from './former-routes.ts';

const FIRST_RELEASE = `GET /v1/health
GET /v1/history
GET /v1/history/all
GET /v1/history/at
GET /v1/hosts
GET /v1/hosts/members
GET /v1/hosts/show
GET /v1/status
GET /v1/tokens
GET /v1/zones
GET /v1/zones/*/file
POST /v1/backup
POST /v1/check
POST /v1/delete
POST /v1/history/purge
POST /v1/hosts/add
POST /v1/hosts/disable
POST /v1/hosts/enable
POST /v1/hosts/members/add
POST /v1/hosts/members/remove
POST /v1/hosts/remove
POST /v1/reload
POST /v1/tokens/create
POST /v1/tokens/revoke
POST /v1/tokens/rotate
POST /v1/update
POST /v1/zones/*/discard
POST /v1/zones/*/import
POST /v1/zones/*/recover
POST /v1/zones/*/serial`;

it.each(FIRST_RELEASE.split('\n'))('%s', (route) => {
  const [method = '', pattern = ''] = route.split(' ');
  const path = pattern.replace('*', 'dyn.example.com');
  const query = new URLSearchParams(path === '/v1/history' ? { host: 'home.dyn.example.com' } : {});
  const found = findFormerOperation(method, path, query) ?? findOperation(method, path);
  expect(found?.operation.method).toBe(method);
});

it('the history of all hosts has the path that was that of one host', () => {
  expect(findFormerOperation('GET', '/v1/history', new URLSearchParams())).toBeUndefined();
  expect(findFormerOperation('GET', '/v1/history', new URLSearchParams('host=a'))?.name).toBe('readHistory');
});

it('knows no names of Object', () => {
  expect(findFormerOperation('GET', 'toString', new URLSearchParams())).toBeUndefined();
});
