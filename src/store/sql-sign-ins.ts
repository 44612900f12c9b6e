/** Sessions, links and the secrets of users in a SQL database. */
import { sql } from 'kysely';
import type { Identity, LinkKind, ListedSession, OneTimeLink, Session, UserSecrets } from '../core/users/sign-in.ts';
import { MAX_SESSIONS } from '../core/users/sign-in.ts';
import type { FoundSession, SecretsChange, SignInStore } from '../core/users/sign-in-store.ts';
import type { User } from '../core/users/user.ts';
import {
  linkOf,
  linkRow,
  sessionOf,
  sessionRow,
  USER_OF_CREDENTIAL,
  type UserOfCredentialRow,
  userOf,
  userOfCredential,
  userRow,
} from './rows-users.ts';
import type { LinkRow, SessionRow } from './schema.ts';
import { insertWhere, isStorable, lockUsers, userExists } from './sql-conditions.ts';
import { chunksOf, type QueryBuilder, type SqlRunner } from './sql-runner.ts';

export class SqlSignInStore implements SignInStore {
  readonly #run: SqlRunner;
  readonly #build: QueryBuilder;

  constructor(run: SqlRunner, build: QueryBuilder) {
    this.#run = run;
    this.#build = build;
  }

  async createSession(session: Session): Promise<'created' | 'user-unknown'> {
    const { userId } = session;
    const insert = sql`${insertWhere('sessions', sessionRow(session), userExists(userId))} on conflict do nothing`;
    const newest = sql`select id from sessions where user_id = ${userId} order by created_ms desc, id limit ${sql.lit(MAX_SESSIONS)}`;
    await this.#run.transaction([
      lockUsers(this.#build),
      insert.compile(this.#build),
      sql`delete from sessions where user_id = ${userId} and id not in (${newest})`.compile(this.#build),
    ]);
    return (await this.findSession(session.sha256)) === undefined ? 'user-unknown' : 'created';
  }

  async findSession(sha256: string): Promise<FoundSession | undefined> {
    const [row] = await this.#run.all(sessionsWithUsers(this.#build).where('s.sha256', '=', sha256).compile());
    return row && foundSession(row);
  }

  async findSessions(ids: readonly string[]): Promise<readonly FoundSession[]> {
    const found: FoundSession[] = [];
    for (const chunk of chunksOf(ids.filter(isStorable))) {
      const rows = await this.#run.all(sessionsWithUsers(this.#build).where('s.id', 'in', chunk).compile());
      found.push(...rows.map(foundSession));
    }
    return found;
  }

  async listSessions(userId: string): Promise<readonly ListedSession[]> {
    const query = sessionsWithUsers(this.#build)
      .where('s.user_id', '=', userId)
      .orderBy('s.created_ms', 'desc')
      .orderBy('s.id');
    return (await this.#run.all(query.compile())).map((row) => foundSession(row).session);
  }

  async endSession(userId: string, id: string): Promise<'ended' | 'unknown'> {
    if (!isStorable(id)) return 'unknown';
    const ended = this.#build.deleteFrom('sessions').where('user_id', '=', userId).where('id', '=', id).returning('id');
    return (await this.#run.all(ended.compile())).length > 0 ? 'ended' : 'unknown';
  }

  async endSessions(userId: string, exceptId = ''): Promise<void> {
    const ended = this.#build.deleteFrom('sessions').where('user_id', '=', userId).where('id', '<>', exceptId);
    await this.#run.all(ended.compile());
  }

  async createLink(link: OneTimeLink): Promise<'created' | 'user-unknown'> {
    const build = this.#build;
    const { userId, invitation } = link;
    const row = linkRow(link);
    const insert =
      userId === undefined
        ? sql`${insertWhere('links', row, sql<boolean>`1 = 1`)} on conflict do nothing`
        : sql`${insertWhere('links', row, userExists(userId))} on conflict do nothing`;
    const earlier =
      userId !== undefined
        ? [sql`delete from links where user_id = ${userId}`.compile(build)]
        : invitation?.isFirst
          ? [sql`delete from links where invitation like '%"isFirst":true%'`.compile(build)]
          : [];
    await this.#run.transaction([lockUsers(build), ...earlier, insert.compile(build)]);
    return (await this.findLink(link.sha256)) === undefined ? 'user-unknown' : 'created';
  }

  async findLink(sha256: string): Promise<OneTimeLink | undefined> {
    const query = this.#build.selectFrom('links').selectAll().where('sha256', '=', sha256);
    const [row] = await this.#run.all(query.compile());
    return row && linkOf(row);
  }

  async takeLink(sha256: string, nowMs: number): Promise<OneTimeLink | undefined> {
    const query = this.#build
      .deleteFrom('links')
      .where('sha256', '=', sha256)
      .where('kind', '=', 'sign-in')
      .where('ends_ms', '>', nowMs)
      .returningAll();
    const [row] = await this.#run.all<LinkRow>(query.compile());
    return row && linkOf(row);
  }

  async acceptInvitation(
    sha256: string,
    user: User,
    { password }: Pick<UserSecrets, 'password'>,
    nowMs: number,
  ): Promise<'created' | 'name-taken' | 'link-unknown'> {
    const build = this.#build;
    const isValid = sql<boolean>`exists (select 1 from links where sha256 = ${sha256} and kind = 'invitation' and ends_ms > cast(${nowMs} as bigint))`;
    const insert = sql`${insertWhere('users', userRow(user), isValid)} on conflict do nothing`;
    const secrets = { user_id: user.id, password: password ?? null };
    await this.#run.transaction([
      lockUsers(build),
      insert.compile(build),
      sql`${insertWhere('user_secrets', secrets, userExists(user.id))} on conflict do nothing`.compile(build),
      sql`delete from links where sha256 = ${sha256} and kind = 'invitation' and ${userExists(user.id)}`.compile(build),
    ]);
    const [row] = await this.#run.all(build.selectFrom('users').select('id').where('id', '=', user.id).compile());
    if (row !== undefined) return 'created';
    const link = await this.findLink(sha256);
    return link?.kind === 'invitation' && link.endsMs > nowMs ? 'name-taken' : 'link-unknown';
  }

  async listLinks(kind: LinkKind): Promise<readonly OneTimeLink[]> {
    const query = this.#build.selectFrom('links').selectAll().where('kind', '=', kind);
    return (await this.#run.all(query.orderBy('created_ms', 'desc').orderBy('id').compile())).map(linkOf);
  }

  async removeLink(id: string): Promise<'removed' | 'unknown'> {
    if (!isStorable(id)) return 'unknown';
    const removed = this.#build.deleteFrom('links').where('id', '=', id).returning('id');
    return (await this.#run.all(removed.compile())).length > 0 ? 'removed' : 'unknown';
  }

  async secrets(userId: string): Promise<UserSecrets | undefined> {
    const query = this.#build.selectFrom('user_secrets').selectAll().where('user_id', '=', userId);
    const [row] = await this.#run.all(query.compile());
    const { password, totp, pending_totp: pendingTotp } = row ?? {};
    if (!password && !totp && !pendingTotp) return undefined;
    return { ...(password && { password }), ...(totp && { totp }), ...(pendingTotp && { pendingTotp }) };
  }

  async changeSecrets(userId: string, change: SecretsChange): Promise<'changed' | 'user-unknown'> {
    const build = this.#build;
    const { password, totp, pendingTotp, recoveryCodes } = change;
    const columns = {
      ...(password !== undefined && { password }),
      ...(totp !== undefined && { totp, totp_step: null }),
      ...(pendingTotp !== undefined && { pending_totp: pendingTotp }),
    };
    const row = { user_id: userId };
    const codes = (recoveryCodes ?? []).map((sha256) =>
      sql`${insertWhere('recovery_codes', { user_id: userId, sha256 }, userExists(userId))} on conflict do nothing`.compile(
        build,
      ),
    );
    await this.#run.transaction([
      lockUsers(build),
      sql`${insertWhere('user_secrets', row, userExists(userId))} on conflict do nothing`.compile(build),
      ...(Object.keys(columns).length === 0
        ? []
        : [build.updateTable('user_secrets').set(columns).where('user_id', '=', userId).compile()]),
      ...(recoveryCodes === undefined
        ? []
        : [build.deleteFrom('recovery_codes').where('user_id', '=', userId).compile()]),
      ...codes,
    ]);
    const stored = build.selectFrom('user_secrets').select('user_id').where('user_id', '=', userId);
    return (await this.#run.all(stored.compile())).length > 0 ? 'changed' : 'user-unknown';
  }

  async useTotpStep(userId: string, step: number): Promise<boolean> {
    const query = this.#build
      .updateTable('user_secrets')
      .set({ totp_step: step })
      .where('user_id', '=', userId)
      .where(({ or, eb }) => or([eb('totp_step', 'is', null), eb('totp_step', '<', step)]))
      .returning('user_id');
    return (await this.#run.all(query.compile())).length > 0;
  }

  async useRecoveryCode(userId: string, sha256: string): Promise<boolean> {
    const query = this.#build
      .deleteFrom('recovery_codes')
      .where('user_id', '=', userId)
      .where('sha256', '=', sha256)
      .returning('user_id');
    return (await this.#run.all(query.compile())).length > 0;
  }

  async countRecoveryCodes(userId: string): Promise<number> {
    const query = this.#build.selectFrom('recovery_codes').select('sha256').where('user_id', '=', userId);
    return (await this.#run.all(query.compile())).length;
  }

  async findIdentity(issuer: string, subject: string): Promise<User | undefined> {
    if (![issuer, subject].every(isStorable)) return undefined;
    const query = this.#build
      .selectFrom('identities as i')
      .innerJoin('users as u', 'u.id', 'i.user_id')
      .selectAll('u')
      .where('i.issuer', '=', issuer)
      .where('i.subject', '=', subject);
    const [row] = await this.#run.all(query.compile());
    return row && userOf(row);
  }

  async addIdentity({ issuer, subject, userId }: Identity): Promise<'added' | 'taken' | 'user-unknown'> {
    const row = { issuer, subject, user_id: userId };
    const insert = sql`${insertWhere('identities', row, userExists(userId))} on conflict do nothing`;
    await this.#run.transaction([lockUsers(this.#build), insert.compile(this.#build)]);
    const owner = await this.findIdentity(issuer, subject);
    if (owner === undefined) return 'user-unknown';
    return owner.id === userId ? 'added' : 'taken';
  }

  async prune(nowMs: number): Promise<void> {
    const ended = sql`select id from sessions where ends_ms <= cast(${nowMs} as bigint)`;
    await this.#run.transaction([
      sql`delete from token_uses where token_id in (${ended})`.compile(this.#build),
      this.#build.deleteFrom('sessions').where('ends_ms', '<=', nowMs).compile(),
      this.#build.deleteFrom('links').where('ends_ms', '<=', nowMs).compile(),
    ]);
  }
}

function sessionsWithUsers(build: QueryBuilder) {
  return build
    .selectFrom('sessions as s')
    .innerJoin('users as u', 'u.id', 's.user_id')
    .leftJoin('token_uses', 'token_uses.token_id', 's.id')
    .selectAll('s')
    .select(USER_OF_CREDENTIAL);
}

function foundSession(row: SessionRow & UserOfCredentialRow): FoundSession {
  return { session: sessionOf(row), user: userOfCredential(row) };
}
