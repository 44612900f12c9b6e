/** The steps of `dyndns setup`: its own small API, which is not in the table of operations (src/setup/door.ts). */

export interface SetupZone {
  readonly kind: 'embedded' | 'remote';
  readonly zone: string;
  readonly ns?: readonly string[];
  readonly addresses?: readonly string[];
  readonly contact?: string;
  /** What the parent of the zone needs. */
  readonly parent?: { readonly name?: string; readonly isAtRegistrar: boolean; readonly lines: readonly string[] };
  readonly nameserver?: string;
  readonly port?: number;
  readonly keyName?: string;
  readonly algorithm?: string;
}

export interface SetupListen {
  readonly http: 'machine' | 'network' | 'https';
  readonly names?: readonly string[];
  readonly email?: string;
  readonly dns?: readonly string[];
}

export interface SetupState {
  readonly version: string;
  /** The file that the last step writes. */
  readonly file: string;
  readonly url?: string;
  /** The environment says where HTTP is served. */
  readonly listenIsFixed: boolean;
  /** Of this machine. */
  readonly addresses: readonly string[];
  readonly administrator?: { readonly name: string };
  readonly zone?: SetupZone;
  readonly listen: SetupListen;
}

export type FindingStatus = 'ok' | 'warning' | 'problem' | 'not checked';

export interface SetupFinding {
  readonly group: 'ports' | 'delegation' | 'primary' | 'nameservers' | 'outside';
  readonly status: FindingStatus;
  readonly text: string;
  /** Sentences, and lines that begin with two spaces to copy. */
  readonly advice?: string;
}

export interface SetupKey {
  readonly keyName: string;
  readonly algorithm: string;
  readonly key: string;
  readonly place: string;
  readonly lines: string;
  readonly also: string;
}

type Nothing = Record<never, never>;

export interface SetupOperations {
  'POST /v1/setup/session': { input: { link: string }; result: { readonly state: 'signed-in' } };
  'GET /v1/setup': { input: Nothing; result: SetupState };
  'PUT /v1/setup/administrator': { input: { name: string; password: string }; result: SetupState };
  'PUT /v1/setup/zone': { input: Readonly<Record<string, string>>; result: SetupState };
  'POST /v1/setup/key': { input: { zone: string; primary: string }; result: SetupKey };
  'PUT /v1/setup/listen': { input: Readonly<Record<string, string>>; result: SetupState };
  'POST /v1/setup/checks': { input: Nothing; result: { readonly findings: readonly SetupFinding[] } };
  'POST /v1/setup/preview': {
    input: Nothing;
    result: { readonly file: string; readonly text: string; readonly warnings: readonly string[] };
  };
  'POST /v1/setup/finish': { input: Nothing; result: { readonly url: string } };
}
