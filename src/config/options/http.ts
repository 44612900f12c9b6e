/** Rows: `http`, the listeners of the HTTP API and their certificate. */
import type { Config, ListenAddress } from '../config.ts';
import { ipPrefix } from '../kinds/addresses.ts';
import { filePath, folderPath, listenAddress, socketMode } from '../kinds/endpoints.ts';
import { listOf } from '../kinds/kind.ts';
import { certificateName, mailAddress } from '../kinds/names.ts';
import { httpsUrl } from '../kinds/urls.ts';
import { choice, headerName, integer, yesOrNo } from '../kinds/words.ts';
import { optionsFor } from './option.ts';

const option = optionsFor<Config>();

export const HTTP_OPTIONS = {
  'http.listen': option(listOf<ListenAddress>(listenAddress, 1), {
    place: 'http.listen',
    default: [{ kind: 'tcp', host: '127.0.0.1', port: 54321, tls: false }],
    summary:
      'The addresses on which the server accepts HTTP. A bare address or `http://` is not encrypted, `https://` is TLS, ' +
      '`unix:` is a unix socket; port 0 selects a free port. `{address: …, proxy_protocol: true}` expects the header of the ' +
      'PROXY protocol, version 1 or 2, from a trusted proxy in front of each connection, and takes the client address from it.',
    example:
      "['127.0.0.1:54321', 'unix:/run/dyndns/http.sock', 'https://[::1]:54322', {address: '127.0.0.1:54323', proxy_protocol: true}]",
  }),
  'http.socket_mode': option(socketMode, {
    place: 'http.socketMode',
    default: 0o664,
    summary: 'The permission bits of a unix socket.',
    example: "'664'",
  }),
  'http.trusted_proxies': option(listOf(ipPrefix), {
    place: 'http.trustedProxies',
    default: [],
    summary:
      'The addresses or prefixes of reverse proxies whose client-address header is trusted. ' +
      'The peer of a unix socket is always trusted.',
    example: "['127.0.0.1', '::1']",
  }),
  'http.client_address_header': option(headerName, {
    place: 'http.clientAddressHeader',
    default: 'x-forwarded-for',
    summary:
      "The one header in which trusted proxies send the client's address; all others are ignored. `x-forwarded-for` and " +
      '`forwarded` are read from the right. Any other, like `x-real-ip` or `cf-connecting-ip`, must hold one address: the proxy ' +
      'must overwrite it, not add to it. Without a valid header the client is unknown.',
    example: 'x-forwarded-for',
  }),
  'http.tls.certificate': option(filePath, {
    otherwise: 'no TLS',
    summary:
      'The PEM file with the certificate chain. Requires `http.tls.key` and an `https://` entry in `http.listen`.',
    example: '/etc/dyndns/tls/fullchain.pem',
  }),
  'http.tls.key': option(filePath, {
    otherwise: 'no TLS',
    summary: 'The PEM file with the private key of the certificate.',
    example: '/etc/dyndns/tls/privkey.pem',
  }),
  'http.tls.acme.names': option(listOf(certificateName, 1), {
    otherwise: 'the names of all zones',
    instead: true,
    summary:
      'The host names in a certificate that the server obtains and renews itself (ACME, RFC 8555), instead of ' +
      '`http.tls.certificate` and `http.tls.key`. Each name must be in a zone of the file, or its `_acme-challenge.` name ' +
      'must be a CNAME into one. `http.tls.acme` with nothing below it enables ACME too.',
    example: "[dyndns.example.com, '*.lab.dyndns.example.com']",
  }),
  'http.tls.acme.email': option(mailAddress, {
    place: 'http.acme.email',
    otherwise: 'no address is sent',
    instead: true,
    summary:
      'The contact address for the certificate authority; some authorities require one. Requesting a certificate means ' +
      "that you accept the authority's terms.",
    example: 'hostmaster@example.com',
  }),
  'http.tls.acme.directory': option(httpsUrl, {
    otherwise: "`https://acme-v02.api.letsencrypt.org/directory`, which is Let's Encrypt",
    instead: true,
    summary: 'The certificate authority: the URL of its ACME directory.',
    example: "'https://acme-v02.api.letsencrypt.org/directory'",
  }),
  'http.tls.acme.folder': option(folderPath, {
    otherwise: '`acme` next to the file of `store`, else next to `dns.database`',
    instead: true,
    summary: 'The folder for the certificate, its key and the account key. It is created with mode 0700.',
    example: '/var/lib/dyndns/acme',
  }),
  'http.tls.acme.key_types': option(listOf(choice('ec', 'rsa'), 1), {
    otherwise: '`[ec]`',
    instead: true,
    summary:
      'The types of keys that certificates are obtained for, one certificate each: `ec` is P-256, `rsa` has 2048 bits. With ' +
      'both, each client gets the one that it can use; only old devices need `rsa`.',
    example: '[ec, rsa]',
  }),
  'http.tls.acme.propagation_seconds': option(integer(0, 3600), {
    place: 'http.acme.propagationSeconds',
    unit: 'seconds',
    otherwise: '0 where dyndns is the only nameserver of the zone, else 30',
    instead: true,
    summary:
      'How long to wait for the secondaries to transfer the challenge before the certificate authority may validate it.',
    example: '60',
  }),
  'http.lenient': option(yesOrNo, {
    place: 'http.lenient',
    default: false,
    summary:
      'Accepts requests with bare line feeds, as some old routers send them. Cannot be combined with `trusted_proxies` or ' +
      'unix sockets.',
    example: 'false',
  }),
};
