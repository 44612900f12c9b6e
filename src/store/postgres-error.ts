/**
 * What an error of PostgreSQL or of the connection to it means for the operator: where, why, and what to do, with the statement
 * to run. SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html. The password is in none of the texts.
 */

import { userInfo } from 'node:os';
import { errorText } from '../core/errors.ts';
import type { StoreProblem } from '../core/store.ts';

/** Where a URL leads, without its password. */
export interface PostgresTarget {
  readonly host: string;
  readonly port: string;
  readonly database: string;
  readonly user: string;
  readonly hasPassword: boolean;
  /** The connection is encrypted. */
  readonly hasTls: boolean;
}

/** @param url `postgres://user@host/database`; what it leaves out is in the variables of libpq or has its default */
export function postgresTarget(url: string, environment: NodeJS.ProcessEnv = process.env): PostgresTarget {
  const { hostname, port, pathname, username, password, searchParams } = new URL(url);
  const { PGHOST, PGPORT, PGUSER, PGPASSWORD, PGSSLMODE } = environment;
  const host = searchParams.get('host') ?? decoded(hostname).replace(/^\[(.*)\]$/, '$1');
  const mode = searchParams.get('sslmode') ?? PGSSLMODE ?? 'disable';
  return {
    host: host || PGHOST || 'localhost',
    port: searchParams.get('port') ?? (port || PGPORT || '5432'),
    database: decoded(pathname.slice(1)),
    user: decoded(username) || searchParams.get('user') || PGUSER || userInfo().username,
    hasPassword: password !== '' || PGPASSWORD !== undefined,
    hasTls: mode !== 'disable' || searchParams.get('ssl') === 'true',
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The cause of `store-unreachable` where the store is in PostgreSQL. */
export class PostgresError extends Error {
  override readonly name = 'PostgresError';
  readonly problem: StoreProblem;

  constructor(target: PostgresTarget, cause: unknown) {
    const problem = explainPostgres(target, cause);
    super(problem.text, { cause });
    this.problem = problem;
  }
}

export function explainPostgres(target: PostgresTarget, error: unknown): StoreProblem {
  const cause = causeOf(error);
  const { why, advice, brief } = (BY_STATE[cause.code] ?? bySystem(cause))?.(target, cause) ?? UNKNOWN;
  const said = why === undefined ? cause.message : `${why} (${cause.message})`;
  const text = `${placeOf(target)}: ${said.replace(/\.$/, '')}.${advice === undefined ? '' : ` ${advice}`}`;
  return { text, brief };
}

function placeOf({ host, port, database, user }: PostgresTarget): string {
  const place = host.startsWith('/')
    ? `${host}/.s.PGSQL.${port}`
    : host.includes(':')
      ? `[${host}]:${port}`
      : `${host}:${port}`;
  return `PostgreSQL at ${place}, database '${database}', user '${user}'`;
}

interface Cause {
  readonly code: string;
  /** In one line. */
  readonly message: string;
  readonly path: string | undefined;
}

function causeOf(error: unknown): Cause {
  // A name with several addresses, of which none could be reached.
  if (error instanceof AggregateError && error.errors.length > 0) {
    const causes = error.errors.map(causeOf);
    return { ...causes[0]!, message: causes.map(({ message }) => message).join('; ') };
  }
  const field = (name: string) => (typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined);
  const message = errorText(error);
  const path = field('path');
  return {
    code: String(field('code') ?? ''),
    message: message.replaceAll(/[\r\n]/g, ' ') || String(field('code') ?? 'no reason given'),
    path: typeof path === 'string' ? path : undefined,
  };
}

interface Meaning {
  /** A clause; undefined: the words of PostgreSQL say it. */
  readonly why?: string;
  /** Full sentences. */
  readonly advice?: string;
  readonly brief: string;
}

type Explain = (target: PostgresTarget, cause: Cause) => Meaning;

const UNKNOWN: Meaning = { brief: 'unknown error' };

/** As an identifier of SQL. */
const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

const BY_STATE: Readonly<Record<string, Explain | undefined>> = {
  '28P01': ({ user }) => ({
    why: 'the password is wrong, or the role does not exist',
    advice:
      "Write the right password into the URL of the option 'store' (postgres://USER:PASSWORD@…), or run as superuser: " +
      `ALTER ROLE ${quoted(user)} LOGIN PASSWORD '…'; (CREATE ROLE in place of ALTER ROLE if there is no such role).`,
    brief: 'login refused',
  }),
  '28000': explainLogin,
  '3D000': ({ database, user }) => ({
    why: 'there is no such database',
    advice: `Run as superuser: CREATE DATABASE ${quoted(database)} OWNER ${quoted(user)} TEMPLATE template0 ENCODING 'UTF8';`,
    brief: 'no database',
  }),
  '42501': explainPermission,
  '3F000': ({ database, user }) => ({
    why: 'the user has no schema in which it may create tables',
    advice: `Run as superuser in the database ${quoted(database)}: CREATE SCHEMA AUTHORIZATION ${quoted(user)};`,
    brief: 'permission denied',
  }),
  '53300': ({ user, database }, { message }) => ({
    why: 'there are too many connections',
    advice: /for role/.test(message)
      ? `A server needs 11. Run as superuser: ALTER ROLE ${quoted(user)} CONNECTION LIMIT 24;`
      : /for database/.test(message)
        ? `A server needs 11. Run as superuser: ALTER DATABASE ${quoted(database)} CONNECTION LIMIT 24;`
        : 'A server needs 11. End other programs that use this PostgreSQL, or raise max_connections in postgresql.conf and restart it.',
    brief: 'too many connections',
  }),
  '25006': () => ({
    why: 'it is a standby, or read-only',
    advice:
      "Name the primary in the URL of the option 'store'. If this is the primary, run as superuser: ALTER SYSTEM SET default_transaction_read_only = off; SELECT pg_reload_conf();",
    brief: 'read-only',
  }),
  '57P03': () => ({
    why: 'it starts, stops or recovers',
    advice: 'It can be used when it is ready.',
    brief: 'not ready',
  }),
  '57P01': () => ({ why: 'it was stopped or restarted', brief: 'connection closed' }),
  '53100': () => ({
    why: 'its disk is full',
    advice: 'Free some space on the disk of PostgreSQL.',
    brief: 'disk full',
  }),
};

function explainLogin({ user, database, hasTls }: PostgresTarget, { message }: Cause): Meaning {
  const brief = 'login refused';
  if (/does not exist/.test(message)) {
    return {
      why: 'there is no such role',
      advice: `Run as superuser: CREATE ROLE ${quoted(user)} LOGIN PASSWORD '…'; and write the password into the URL of the option 'store'.`,
      brief,
    };
  }
  if (/not permitted to log in/.test(message))
    return { why: 'the role may not log in', advice: `Run as superuser: ALTER ROLE ${quoted(user)} LOGIN;`, brief };
  if (/Peer authentication|Ident authentication/i.test(message)) {
    return {
      why: 'PostgreSQL compares the role with the user of the system, and they differ',
      advice: `Put before the other lines of pg_hba.conf: local ${database} ${user} scram-sha-256. Then run as superuser: SELECT pg_reload_conf();`,
      brief,
    };
  }
  const [, from = 'ADDRESS'] = /for host "([^"]{1,64})"/.exec(message) ?? [];
  const address = from.includes('/') || from === 'ADDRESS' ? from : `${from}/${from.includes(':') ? 128 : 32}`;
  const tls = hasTls
    ? ''
    : " If a line for it is there with 'hostssl', add ?sslmode=verify-full to the URL of the option 'store'.";
  const line = message.includes('"[local]"') ? 'local' : hasTls ? 'hostssl' : 'host';
  return {
    why: 'pg_hba.conf does not permit this connection',
    advice: `Put before the other lines of pg_hba.conf: ${line} ${database} ${user} ${line === 'local' ? '' : `${address} `}scram-sha-256. Then run as superuser: SELECT pg_reload_conf();${tls}`,
    brief,
  };
}

function explainPermission({ user, database }: PostgresTarget, { message }: Cause): Meaning {
  const brief = 'permission denied';
  if (/for database/.test(message)) {
    const grant = `GRANT CONNECT ON DATABASE ${quoted(database)} TO ${quoted(user)};`;
    return { why: 'the user may not open the database', advice: `Run as superuser: ${grant}`, brief };
  }
  const [, schema] = /for schema (\S{1,128})/.exec(message) ?? [];
  if (schema !== undefined) {
    return {
      why: 'the user may not create tables',
      advice:
        `Run as superuser in the database ${quoted(database)}: CREATE SCHEMA AUTHORIZATION ${quoted(user)}; ` +
        `or, to use the schema ${schema}: GRANT USAGE, CREATE ON SCHEMA ${schema} TO ${quoted(user)};`,
      brief,
    };
  }
  return {
    why: 'the tables belong to another role',
    advice:
      `Connect as the role that created them, or run as superuser in the database ${quoted(database)}: ` +
      `REASSIGN OWNED BY "OTHER" TO ${quoted(user)}; with the name of that role (\\dt in psql shows it).`,
    brief,
  };
}

/** Of pg. */
export const POOL_IS_BUSY = 'timeout exceeded when trying to connect';

/** Errors of the system, of TLS and of the driver. */
function bySystem({ code, message, path }: Cause): Explain | undefined {
  const tls = TLS_ERRORS[code];
  if (tls !== undefined) return tls;
  if (code === 'ENOENT' && path !== undefined && !message.startsWith('connect '))
    return () => ({
      why: `the file '${path}' of the URL does not exist`,
      advice: "Correct sslrootcert, sslcert or sslkey in the URL of the option 'store'.",
      brief: 'TLS',
    });
  if (SYSTEM_ERRORS[code] !== undefined) return SYSTEM_ERRORS[code];
  if (/does not support SSL/.test(message)) {
    return () => ({
      why: 'it does not speak TLS',
      advice: "Set 'ssl = on' with a certificate in postgresql.conf and restart PostgreSQL.",
      brief: 'TLS',
    });
  }
  if (/^ERR_SSL_|^ERR_TLS_|^EPROTO$/.test(code)) return () => ({ why: 'TLS failed', brief: 'TLS' });
  if (/password must be a (non-empty )?string/.test(message)) {
    return ({ user }) => ({
      why: 'it wants a password, and there is none',
      advice: `Write it into the URL of the option 'store': postgres://${user}:PASSWORD@….`,
      brief: 'login refused',
    });
  }
  if (message === POOL_IS_BUSY)
    return () => ({ why: 'all connections of this server are in use', brief: 'overloaded' });
  if (/timeout|timed out/i.test(message)) return SYSTEM_ERRORS['ETIMEDOUT'];
  if (/connection terminated|ended|closed/i.test(message))
    return () => ({ why: 'it closed the connection', brief: 'connection closed' });
  return undefined;
}

const UNREACHABLE: Explain = ({ host }) => ({
  why: 'no route leads there',
  advice: `Check the network of this machine and the address of '${host}'.`,
  brief: 'unreachable',
});

const SYSTEM_ERRORS: Readonly<Record<string, Explain | undefined>> = {
  ECONNREFUSED: ({ port }) => ({
    why: 'the connection was refused',
    advice: `Start PostgreSQL there ('systemctl status postgresql'), and check that it listens on this address and port ${port} (listen_addresses and port in postgresql.conf).`,
    brief: 'connection refused',
  }),
  ENOTFOUND: ({ host }) => ({
    why: 'the name has no address',
    advice: `Check the host '${host}' in the URL of the option 'store', and the DNS of this machine.`,
    brief: 'unknown host',
  }),
  EAI_AGAIN: ({ host }) => ({
    why: 'the name could not be looked up',
    advice: `Check the DNS of this machine ('getent hosts ${host}').`,
    brief: 'unknown host',
  }),
  ETIMEDOUT: () => ({
    why: 'it did not answer in time',
    advice: 'Check that the machine runs, and that no firewall drops the packets.',
    brief: 'timeout',
  }),
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  ECONNRESET: () => ({ why: 'it closed the connection', brief: 'connection closed' }),
  ENOENT: ({ host }) => ({
    why: 'its unix socket does not exist',
    advice: `Start PostgreSQL, and check that unix_socket_directories in postgresql.conf has '${host}'.`,
    brief: 'connection refused',
  }),
  EACCES: () => ({
    why: 'this user may not use it',
    advice: 'Check the owner and the mode of the socket or file in the message.',
    brief: 'permission denied',
  }),
};

const NOT_TRUSTED: Explain = () => ({
  why: 'its certificate is not trusted',
  advice:
    "Name the certificate of the authority that signed it in the URL of the option 'store': ?sslmode=verify-full&sslrootcert=/etc/dyndns/postgres-ca.pem",
  brief: 'TLS',
});

const TLS_ERRORS: Readonly<Record<string, Explain | undefined>> = {
  SELF_SIGNED_CERT_IN_CHAIN: NOT_TRUSTED,
  DEPTH_ZERO_SELF_SIGNED_CERT: NOT_TRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: NOT_TRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: NOT_TRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: NOT_TRUSTED,
  CERT_SIGNATURE_FAILURE: NOT_TRUSTED,
  CERT_NOT_YET_VALID: () => ({
    why: 'its certificate is not yet valid',
    advice: "Check the clock of this machine ('timedatectl'), or give PostgreSQL a certificate that is valid now.",
    brief: 'TLS',
  }),
  CERT_HAS_EXPIRED: () => ({
    why: 'its certificate has expired',
    advice: "Give PostgreSQL a new certificate, and check the clock of this machine ('timedatectl').",
    brief: 'TLS',
  }),
  ERR_TLS_CERT_ALTNAME_INVALID: ({ host }) => ({
    why: `its certificate is not for '${host}'`,
    advice: "Write a name of the certificate as the host in the URL of the option 'store', or make one for this name.",
    brief: 'TLS',
  }),
};
