// Who may import whom inside src, as data. The same table stands in ARCHITECTURE.md, and imports.test.ts compares both
// with the code: an arrow that is not here fails, and so does a row or an entry here that no code uses any more.

export interface ImportRow {
  /** A folder below src with everything in it that has no row of its own, or one file. */
  readonly part: string;
  /** Folders (that folder alone, not what lies below it) or single files below src. */
  readonly mayImport: readonly string[];
  /** Modules of Node.js, without `node:`. */
  readonly builtins: readonly string[];
  readonly packages: readonly string[];
  /** Completes "never …, because". */
  readonly never: string;
  /** Files of one row may import one another unless this says no. */
  readonly ownFiles?: false;
  /** Globals that this part must do without. */
  readonly withoutGlobals?: readonly string[];
}

const CLOCK = ['Date.now', 'performance.now', 'setTimeout', 'setInterval', 'setImmediate'];
const WORLD = ['process.', 'fetch(', 'Math.random', 'console.'];

export const IMPORT_TABLE: readonly ImportRow[] = [
{ part: 'dns', mayImport: ['dns','dns/presentation','dns/wire','dns/zone-file'], builtins: ['crypto','url'], packages: [], never: 'sockets, files, a clock or randomness: octets alone must be enough to test it', withoutGlobals: [...CLOCK, ...WORLD], },
{ part: 'net', mayImport: ['dns/wire','net'], builtins: ['crypto','dgram','net'], packages: [], never: 'core: a socket does not know what a host or a change is', },
{ part: 'sqlite', mayImport: ['sqlite'], builtins: ['fs','path','sqlite','worker_threads'], packages: ['@photostructure/sqlite'], never: 'core, dns: it knows rows, and not what they mean', },
{ part: 'nameserver', mayImport: ['core/admin/zone-admin.ts','core/errors.ts','core/monitoring.ts','core/observer.ts','core/updates/dns-update.ts','core/zones/publisher.ts','dns','dns/wire','dns/zone-file','nameserver','nameserver/admin','nameserver/answer','nameserver/journal','nameserver/notify','nameserver/sockets','nameserver/transfer','nameserver/update','nameserver/zone','net/exchange.ts','sqlite/database.ts','sqlite/lock.ts','sqlite/worker.ts'], builtins: ['crypto','dgram','fs','net'], packages: [], never: 'config, http, primary: it is handed its zones, and an UPDATE goes through the core like a request', },
{ part: 'core', mayImport: ['core','core/access','core/admin','core/doctor','core/history','core/hosts','core/leases','core/notices','core/pending','core/texts','core/updates','core/zones','dns'], builtins: ['crypto'], packages: [], never: 'dns/wire or anything that does I/O: the rules must run without both', withoutGlobals: ['Date.now', 'setTimeout', 'setInterval', ...WORLD], },
{ part: 'primary', mayImport: ['core','core/zones','dns','dns/wire','net','primary'], builtins: [], packages: [], never: 'http, config: a publisher is handed its changes and its settings, it does not look for them', },
{ part: 'acme', mayImport: ['acme','core/errors.ts','core/zones/zone.ts','dns'], builtins: ['crypto','events','fs/promises','module','path','util','worker_threads'], packages: ['@peculiar/x509','acme-client'], never: 'http, config: it is handed its zones and settings, and what it gets is served by those who asked for it', },
{ part: 'http', mayImport: ['config/config.ts','core','core/access','core/updates','core/zones','dns/address.ts','dns/name.ts','dns/rdata.ts','http/app','http/protocols','http/request'], builtins: ['crypto','fs','http','https','net','path','querystring','stream','tls'], packages: ['fastify'], never: 'primary, net: it talks to use-cases only', },
{ part: 'control', mayImport: ['config/kinds/kinds.ts','control','core/access/request-context.ts','core/access/token.ts','core/admin/administration.ts','core/admin/host-admin.ts','core/admin/host-operations.ts','core/admin/operations.ts','core/admin/read-input.ts','core/admin/server-operations.ts','core/admin/token-admin.ts','core/admin/zone-admin.ts','core/errors.ts','core/hosts/host.ts','core/observer.ts','dns/address.ts','dns/name.ts','http/app/listeners.ts','http/protocols/original.ts','http/request/door.ts'], builtins: ['fs','http','net','path','stream','stream/promises'], packages: [], never: 'nameserver, the web framework: the operations are passed to it, and it serves the operator on its own socket', },
{ part: 'http/protocols', mayImport: ['core','core/access','core/updates','core/zones','dns/address.ts','dns/name.ts','dns/rdata.ts','http/protocols/original.ts','http/request/address-texts.ts','http/request/authentication.ts','http/request/credentials.ts','http/request/door.ts','http/request/dry-run.ts','http/request/error-reply.ts','http/request/host-requests.ts','http/request/json-body.ts','http/request/requested-host.ts','http/request/update-parameters.ts'], builtins: [], packages: [], never: 'the web framework, or one another: a protocol can be added and taken away alone (original.ts lends its error lines)', ownFiles: false, },
{ part: 'observe', mayImport: ['core/errors.ts','core/monitoring.ts','core/observer.ts','observe'], builtins: [], packages: ['pino','prom-client'], never: 'the parts that it observes: they tell it through the port', },
{ part: 'notify', mayImport: ['core/notices/notice-text.ts','core/notices/notices.ts','notify'], builtins: ['crypto','http','https'], packages: [], never: 'config, store, http: it is handed notices and where they go, and looks for neither', },
{ part: 'config', mayImport: ['config','config/kinds','config/options','config/resolve','dns'], builtins: ['fs','path'], packages: ['yaml'], never: 'core, http: a configuration is data, and server.ts says what becomes of it', },
{ part: 'doctor', mayImport: ['config/config.ts','core/doctor/examine.ts','core/doctor/ports.ts','dns','dns/wire','doctor','net','primary/publisher.ts'], builtins: ['fs','net'], packages: [], never: 'nameserver, sqlite: it looks from outside, while the server that has the zone open is another process', },
{ part: 'server/zones.ts', mayImport: ['config/config.ts','core/observer.ts','core/updates/dns-update.ts','core/zones/publisher.ts','core/zones/zone.ts','dns','dns/zone-file','nameserver','nameserver/answer','nameserver/zone','net','primary'], builtins: ['crypto'], packages: [], never: 'http, cli: a command without a server opens its zones here, too', },
{ part: 'store', mayImport: ['core/access/token-store.ts','core/access/token.ts','core/errors.ts','core/history/history-store.ts','core/history/history.ts','core/hosts/host-store.ts','core/hosts/host.ts','core/pending/pending-store.ts','core/pending/pending-update.ts','core/store.ts','core/texts/text-store.ts','core/zones/plan-change.ts','dns/address.ts','dns/name.ts','sqlite','store'], builtins: [], packages: ['kysely','pg'], never: 'dns/wire, http: rows hold texts, and a store does not know who asks', },
{ part: 'server/webhooks.ts', mayImport: ['config/config.ts','core/notices/notices.ts','dns/name.ts','notify','server/version.ts'], builtins: [], packages: [], never: 'cli, store: it opens those who are told of events, also for a command without a server', },
{ part: 'server/state.ts', mayImport: ['config/config.ts','core','core/access','core/admin','core/history','core/hosts','core/leases','core/notices','core/pending','core/texts','core/updates','core/zones','server/system-timers.ts','server/webhooks.ts','store'], builtins: ['crypto'], packages: [], never: 'http, nameserver, primary: it opens what is remembered of clients, not the doors and not the zones', },
{ part: 'server/admin.ts', mayImport: ['config/config.ts','core','core/access','core/admin','core/history','core/hosts','core/zones','server/state.ts','store'], builtins: ['crypto'], packages: [], never: 'http, cli: the same for a command and for the control socket', },
{ part: 'server/certificate.ts', mayImport: ['acme','config/config.ts','core','core/zones','dns','server/system-timers.ts'], builtins: ['dns/promises'], packages: [], never: 'http: it is asked for the certificate by those who serve it', },
{ part: 'server/monitoring.ts', mayImport: ['config/config.ts','core','observe','server/version.ts'], builtins: [], packages: [], never: 'the parts that it asks: it is handed what they answer', },
{ part: 'server/server.ts', mayImport: ['config/config.ts','control','core','core/access','core/admin','core/updates','core/zones','http/app','http/request','server/admin.ts','server/certificate.ts','server/monitoring.ts','server/state.ts','server/version.ts','server/zones.ts'], builtins: [], packages: [], never: 'http/protocols, cli: it puts listeners and use-cases together, and decides nothing that they decide', },
{ part: 'server/version.ts', mayImport: [], builtins: ['fs'], packages: [], never: 'anything of ours: all may ask for the version', },
{ part: 'server/system-timers.ts', mayImport: [], builtins: [], packages: [], never: 'anything of ours: parts are handed a clock, and only those who open them know that it is this one', },
{ part: 'docs', mayImport: ['config','config/kinds','config/options','control','core/admin/operations.ts','core/admin/schema.ts','core/errors.ts','dns','dns/wire','http/protocols','net/exchange.ts','primary'], builtins: [], packages: ['ajv','ajv/dist/standalone/index.js'], never: 'cli, server: it writes documents and validators from tables, and nothing of the program imports it', },
{ part: 'cli', mayImport: ['cli','cli/commands','cli/init','config','config/kinds','control','core','core/admin','core/doctor','core/updates','core/zones','dns/address.ts','dns/name.ts','dns/presentation/rdata-text.ts','dns/rdata.ts','dns/zone-file/zone-file.ts','docs','doctor','http/protocols/original.ts','observe','server/admin.ts','server/server.ts','server/state.ts','server/version.ts','server/webhooks.ts','server/zones.ts'], builtins: ['crypto','fs','path','readline/promises','stream','stream/promises','v8'], packages: ['commander'], never: 'nameserver, primary, net: a command opens zones through open-zones.ts and uses the same use-cases as a request', },
];

/** The table as it stands in ARCHITECTURE.md. */
export function importTableMarkdown(table: readonly ImportRow[]): string {
  const code = (names: readonly string[]) => (names.length === 0 ? '–' : names.map((name) => `\`${name}\``).join(' '));
  const own = (row: ImportRow) => row.mayImport.filter((target) => target !== row.part);
  const outside = (row: ImportRow) => [...row.builtins.map((name) => `node:${name}`), ...row.packages];
  const lines = table.map((row) => `| \`${row.part}\` | ${code(own(row))} | ${code(outside(row))} | ${row.never} |`);
  return ['| part | may import | and from outside | never …, because |', '|---|---|---|---|', ...lines].join('\n');
}
