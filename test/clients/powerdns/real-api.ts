/** Starts a real PowerDNS with its HTTP API. */

import { freePort } from '../../support/free-port.ts';
import { ask } from '../../support/http-client.ts';
import { startPowerdns } from '../../support/powerdns.ts';
import type { PrimaryServer } from '../../support/primary-server.ts';
import { waitUntil } from '../../support/process.ts';
import { ZONE, ZONE_PATH } from './wire.ts';

export const POWERDNS_KEY = 'keyOfPowerDNS';

export interface PowerdnsApi extends PrimaryServer {
  /** The port of the API, of which POWERDNS_KEY is the key. */
  readonly httpPort: number;
}

/** @param records of ZONE, in zone-file syntax */
export async function startPowerdnsApi(records: string): Promise<PowerdnsApi> {
  const httpPort = await freePort();
  const webserver = `webserver-address=127.0.0.1\nwebserver-port=${httpPort}\nwebserver-loglevel=none\n`;
  const api = `api=yes\napi-key=${POWERDNS_KEY}\n${webserver}gsqlite3-pragma-synchronous=0\n`;
  const zones = [{ name: ZONE, records }];
  const primary = await startPowerdns({ zones, keys: [], configure: (config) => config + api });
  // As of a zone that was created by the API.
  const body = JSON.stringify({ kind: 'Master', soa_edit_api: 'DEFAULT' });
  const options = { method: 'PUT', headers: { 'X-API-Key': POWERDNS_KEY }, body };
  const isMade = () =>
    ask({ port: httpPort }, ZONE_PATH, options).then(
      ({ status }) => status === 204,
      () => false,
    );
  await waitUntil('its webserver to listen', isMade);
  return { ...primary, httpPort };
}
