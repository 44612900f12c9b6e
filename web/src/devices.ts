/** The devices that the server has instructions for, in its order. A test compares the list with that of the server. */

export interface DeviceChoice {
  readonly id: string;
  readonly title: string;
  readonly group: 'routers' | 'programs';
}

export const DEVICE_CHOICES: readonly DeviceChoice[] = [
  { id: 'fritzbox', title: 'FRITZ!Box', group: 'routers' },
  { id: 'openwrt', title: 'OpenWrt', group: 'routers' },
  { id: 'unifi', title: 'UniFi', group: 'routers' },
  { id: 'opnsense', title: 'OPNsense', group: 'routers' },
  { id: 'pfsense', title: 'pfSense', group: 'routers' },
  { id: 'mikrotik', title: 'MikroTik', group: 'routers' },
  { id: 'synology', title: 'Synology', group: 'routers' },
  { id: 'asus', title: 'ASUS', group: 'routers' },
  { id: 'ddclient', title: 'ddclient', group: 'programs' },
  { id: 'inadyn', title: 'inadyn', group: 'programs' },
  { id: 'curl', title: 'curl', group: 'programs' },
  { id: 'ddns-updater', title: 'ddns-updater', group: 'programs' },
  { id: 'ddupdate', title: 'ddupdate', group: 'programs' },
  { id: 'home-assistant', title: 'Home Assistant', group: 'programs' },
  { id: 'other', title: 'Something else', group: 'programs' },
];

/** Where the device reaches this server; stored because a person enters it once. */
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
