/** The text of an address with a port: `192.0.2.1:53`, `[2001:db8::1]:53` (RFC 5952 §6). */

/** @param host an IP address in its canonical text */
export function formatEndpoint({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
