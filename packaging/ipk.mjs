/**
 * dyndns-update-script_VERSION_all.ipk, for `opkg install` on OpenWrt up to 24.10 (later releases use apk): the update script, its
 * configuration, and the services for ddns-scripts. The format is a tar.gz of two others.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { root } from '../scripts/prepare.mjs';
import { writeTar } from './oci/tar.mjs';
import { DEBIAN_VERSION, EPOCH, MANIFEST, outputFile } from './release.mjs';

const NAME = 'dyndns-update-script';
const VERSION = `${DEBIAN_VERSION}-1`;
const CONFIG = '/etc/config/dyndns';

/** Path on the router, without the first slash; the file of the repository; mode. */
const FILES = [
  [`usr/bin/${NAME}.sh`, `openwrt/${NAME}.sh`, 0o755],
  [CONFIG.slice(1), 'openwrt/dyndns.config', 0o600],
  ['usr/share/ddns/custom/dyndns.json', 'openwrt/ddns-scripts/dyndns.json', 0o644],
  ['usr/share/ddns/custom/dyndns-prefix.json', 'openwrt/ddns-scripts/dyndns-prefix.json', 0o644],
];

export function make() {
  const data = FILES.map(([path, source, mode]) => ({ path, mode, content: readFileSync(join(root, source)) }));
  const size = data.reduce((sum, { content }) => sum + content.length, 0);
  const control = `Package: ${NAME}
Version: ${VERSION}
Architecture: all
Section: net
Priority: optional
License: ${MANIFEST.license}
Installed-Size: ${size}
Description: Sends the addresses of the router to a dyndns server.
 It needs one of curl, wget-ssl and uclient-fetch. The services for ddns-scripts are included.
`;
  const ipk = archive([
    { path: 'debian-binary', content: Buffer.from('2.0\n') },
    { path: 'control.tar.gz', content: archive([text('control', control), text('conffiles', `${CONFIG}\n`)]) },
    { path: 'data.tar.gz', content: archive(data) },
  ]);
  const name = `${NAME}_${VERSION}_all.ipk`;
  writeFileSync(outputFile(name), ipk);
  return [name];
}

const text = (path, content) => ({ path, content: Buffer.from(content) });

/** opkg expects names that begin with `./`. */
function archive(files) {
  return gzipSync(
    writeTar(
      files.map(({ path, ...file }) => ({ ...file, path: `./${path}`, kind: 'file' })),
      EPOCH,
    ),
  );
}
