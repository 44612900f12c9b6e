/** Who is signed in. `session` is a signal: a screen that reads it follows. Nothing of it is stored in the browser. */
import { signal } from '@preact/signals';
import { call, Problem, type Result, whenSignedOut } from './api.ts';

export type Me = Result<'GET /v1/me'>;

export type Session =
  | { readonly state: 'unknown' }
  /** The server did not answer. */
  | { readonly state: 'failed'; readonly error: unknown }
  /** `hadSession`: it ended while a screen was open. */
  | { readonly state: 'signed-out'; readonly hadSession: boolean }
  | { readonly state: 'signed-in'; readonly me: Me }
  /** `dyndns setup` answers: there is no server yet. */
  | { readonly state: 'setup'; readonly isOpen: boolean };

export const session = signal<Session>({ state: 'unknown' });

/** Why the last sign-in by another provider failed: a code; shown on the sign-in screen. */
export const signInFailure = signal<string | undefined>(undefined);

/** Finds out whether this browser has a session. */
export async function loadSession(): Promise<void> {
  try {
    if (await loadSetup()) return;
    await reloadMe();
  } catch (error) {
    session.value = { state: 'failed', error };
  }
}

/** `dyndns setup` answers at the same URL, and says so to anyone. @returns whether nothing is left to find out */
export async function loadSetup(): Promise<boolean> {
  const { setup, signedIn } = await call('GET /v1/sign-in', {});
  if (setup) session.value = { state: 'setup', isOpen: signedIn };
  else if (!signedIn) noteSignedOut();
  return setup === true || !signedIn;
}

/** Reads again who is signed in, after a sign-in or a change of the own account. */
export async function reloadMe(): Promise<void> {
  try {
    session.value = { state: 'signed-in', me: await call('GET /v1/me', {}) };
  } catch (error) {
    if (error instanceof Problem && error.status === 401) noteSignedOut();
    else throw error;
  }
}

/** There is no session any more. */
export function noteSignedOut(): void {
  const { value } = session;
  if (value.state === 'signed-out' || value.state === 'setup') return;
  session.value = { state: 'signed-out', hadSession: value.state === 'signed-in' };
}

whenSignedOut(noteSignedOut);

/** The session is being ended here: nothing more is asked for with it. */
export const isSigningOut = signal(false);

export async function signOut(): Promise<void> {
  isSigningOut.value = true;
  try {
    await call('DELETE /v1/sign-in', {});
    session.value = { state: 'signed-out', hadSession: false };
  } finally {
    isSigningOut.value = false;
  }
}

/** The user who is signed in. Only for what is shown to one. */
export function me(): Me {
  const { value } = session;
  if (value.state !== 'signed-in') throw new Error('No user is signed in.');
  return value.me;
}

export function isAdmin(): boolean {
  const { value } = session;
  return value.state === 'signed-in' && value.me.user.role === 'admin';
}
