/** The address at which a device reaches this server: entered once by a person, and remembered in the browser. */

const KEY = 'dyndns-server';

export function rememberedServer(): string {
  try {
    const stored = localStorage.getItem(KEY);
    if (stored !== null) return stored;
  } catch {
    // Without storage it is entered again.
  }
  return isOnlyHere(window.location.hostname) ? '' : window.location.origin;
}

export function rememberServer(url: string): void {
  try {
    localStorage.setItem(KEY, url);
  } catch {
    // As above.
  }
}

/** A name that leads every machine to itself: a router does not reach this server by it. */
export function isOnlyHere(hostname: string): boolean {
  return /^(?:localhost|127\.[\d.]+|\[?::1\]?)$/.test(hostname);
}

/** `https://dyndns.example.com`, from what a person enters; undefined: it is not such a URL. */
export function serverUrl(text: string): string | undefined {
  const trimmed = text.trim();
  const full = /^https?:\/\//i.test(trimmed) ? trimmed : `https://${trimmed}`;
  if (trimmed === '' || !URL.canParse(full)) return undefined;
  const { protocol, host, pathname } = new URL(full);
  return pathname === '/' && host !== '' ? `${protocol}//${host}` : undefined;
}
