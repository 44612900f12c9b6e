/**
 * dyndns-VERSION-oci.tar: an image for amd64 and arm64 from Debian's C libraries, Node.js and dyndns, for `docker load`, `podman
 * load` and registries. The same commit and the same Debian packages give the same octets.
 */
import { writeFileSync } from 'node:fs';
import { NODE_VERSION } from './node.mjs';
import { debianLibraries } from './oci/debian.mjs';
import { DATA, nodeLayer, PROGRAM, programLayers, systemLayer, USER } from './oci/layers.mjs';
import { writeLayout } from './oci/layout.mjs';
import { EPOCH, MANIFEST, outputFile, VERSION } from './release.mjs';

/** Names of Debian and OCI, and of Node.js. */
const ARCHITECTURES = { amd64: 'x64', arm64: 'arm64' };

const SECOND = 1e9;

/** How a container starts. The health check is Docker's addition to the format. */
export const CONFIG = {
  User: `${USER}:${USER}`,
  Env: [
    'PATH=/usr/bin',
    `dyndns_CONFIG_FILE=/${DATA}/dyndns.yml`,
    // In a container, 127.0.0.1 is the container alone.
    'DYNDNS_HTTP_LISTEN=0.0.0.0:54321',
  ],
  Entrypoint: [PROGRAM],
  // The first start has no configuration: it prints the link of the setup.
  Cmd: ['serve', '--setup'],
  WorkingDir: `/${DATA}`,
  Volumes: { [`/${DATA}`]: {} },
  ExposedPorts: { '53/tcp': {}, '53/udp': {}, '54321/tcp': {} },
  Healthcheck: {
    Test: ['CMD', PROGRAM, 'health'],
    Interval: 30 * SECOND,
    Timeout: 10 * SECOND,
    StartPeriod: 30 * SECOND,
    Retries: 3,
  },
};

export async function make() {
  const programs = await programLayers(Object.values(ARCHITECTURES));
  const images = [];
  for (const [index, [architecture, nodeName]] of Object.entries(ARCHITECTURES).entries()) {
    const { entries, versions } = await debianLibraries(architecture);
    images.push({
      architecture,
      labels: labels(versions),
      layers: [
        { title: `Debian: ${versions.join(' ')}`, entries: systemLayer(entries) },
        { title: `Node.js ${NODE_VERSION}`, entries: await nodeLayer(nodeName) },
        { title: `dyndns ${VERSION}`, entries: programs[index] },
      ],
    });
  }
  const name = `dyndns-${VERSION}-oci.tar`;
  const archive = writeLayout(images, { name: MANIFEST.name, version: VERSION, seconds: EPOCH, config: CONFIG });
  writeFileSync(outputFile(name), archive);
  return [name];
}

function labels(debianVersions) {
  return {
    'org.opencontainers.image.title': MANIFEST.name,
    'org.opencontainers.image.description': MANIFEST.description,
    'org.opencontainers.image.version': VERSION,
    'org.opencontainers.image.licenses': MANIFEST.license,
    'dyndns.node': NODE_VERSION,
    'dyndns.debian': debianVersions.join(' '),
  };
}
