/**
 * An OCI image layout (image-spec 1.1) in one archive: layers, configuration and manifest of each architecture, an index of them.
 * `manifest.json` beside it is for `docker load` of Docker before 25, which reads no OCI layout; it names the first architecture.
 */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { writeTar } from './tar.mjs';

const TYPES = {
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  config: 'application/vnd.oci.image.config.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
};

/**
 * @param images of each architecture: {architecture, labels, layers: [{title, entries}]}
 * @param settings {name, version, seconds, config}: `config` says how a container is started
 * @returns the octets of the archive
 */
export function writeLayout(images, { name, version, seconds, config }) {
  const blobs = new Map();
  const store = (content, mediaType) => {
    const hex = createHash('sha256').update(content).digest('hex');
    blobs.set(`blobs/sha256/${hex}`, content);
    return { mediaType, digest: `sha256:${hex}`, size: content.length };
  };
  const storeJson = (value, mediaType) => store(Buffer.from(JSON.stringify(value)), mediaType);
  const created = new Date(seconds * 1000).toISOString();

  const stored = images.map(({ architecture, labels, layers }) => {
    const archives = layers.map(({ entries }) => writeTar(entries, seconds));
    const description = storeJson(
      {
        created,
        architecture,
        os: 'linux',
        config: { ...config, Labels: labels },
        rootfs: {
          type: 'layers',
          diff_ids: archives.map((tar) => `sha256:${createHash('sha256').update(tar).digest('hex')}`),
        },
        history: layers.map(({ title }) => ({ created, created_by: title })),
      },
      TYPES.config,
    );
    const layerBlobs = archives.map((tar) => store(gzipSync(tar), TYPES.layer));
    const manifest = storeJson(
      { schemaVersion: 2, mediaType: TYPES.manifest, config: description, layers: layerBlobs, annotations: labels },
      TYPES.manifest,
    );
    return { description, layerBlobs, manifest: { ...manifest, platform: { architecture, os: 'linux' } } };
  });
  const index = storeJson(
    { schemaVersion: 2, mediaType: TYPES.index, manifests: stored.map(({ manifest }) => manifest) },
    TYPES.index,
  );
  const names = {
    'org.opencontainers.image.ref.name': version,
    'io.containerd.image.name': `docker.io/library/${name}:${version}`,
  };
  const [first] = stored;
  const pathOf = ({ digest }) => `blobs/${digest.replace(':', '/')}`;
  const documents = {
    'oci-layout': { imageLayoutVersion: '1.0.0' },
    'index.json': { schemaVersion: 2, mediaType: TYPES.index, manifests: [{ ...index, annotations: names }] },
    'manifest.json': [
      { Config: pathOf(first.description), RepoTags: [`${name}:${version}`], Layers: first.layerBlobs.map(pathOf) },
    ],
  };
  const files = [
    ...Object.entries(documents).map(([path, value]) => [path, Buffer.from(JSON.stringify(value))]),
    ...blobs,
  ];
  return writeTar(
    files.map(([path, content]) => ({ path, kind: 'file', content })),
    seconds,
  );
}
