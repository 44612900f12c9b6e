/**
 * Checks an image layout archive as a registry would: digests, sizes, media types, platforms, layers against their
 * configuration, and no octets that nothing refers to. @returns what it holds, and a sentence for each problem
 */
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { readTar } from './tar.mjs';

const PREFIX = 'application/vnd.oci.image.';

/** images: {architecture, config, layers, octets}; `layers` are tar archives, `octets` their compressed size */
export function checkLayout(archive) {
  const files = new Map(
    readTar(archive).map(({ path, content, kind }) => [path, kind === 'file' ? content : undefined]),
  );
  const problems = [];
  const used = new Set();
  const expect = (isRight, problem) => {
    if (!isRight) problems.push(problem);
  };
  const parse = (content) => JSON.parse(content ?? '{}');
  const read = ({ mediaType, digest, size }, expectedType) => {
    const path = `blobs/${String(digest).replace(':', '/')}`;
    const content = files.get(path);
    used.add(path);
    expect(mediaType === PREFIX + expectedType, `${digest} has the media type ${mediaType}, not ${expectedType}.`);
    expect(content?.length === size, `${digest} has ${content?.length} octets, not ${size}.`);
    const isRight = content !== undefined && digest === `sha256:${sha256(content)}`;
    expect(isRight, `${digest} is missing or damaged.`);
    return isRight ? content : undefined;
  };

  expect(parse(files.get('oci-layout')).imageLayoutVersion === '1.0.0', 'oci-layout names no version.');
  const top = parse(files.get('index.json'));
  expect(top.schemaVersion === 2, 'index.json has another schema version.');
  const images = [];
  for (const descriptor of top.manifests ?? []) {
    expect(descriptor.annotations?.['org.opencontainers.image.ref.name'] !== undefined, 'The index has no tag.');
    for (const image of parse(read(descriptor, 'index.v1+json')).manifests ?? []) {
      const manifest = parse(read(image, 'manifest.v1+json'));
      const config = parse(read(manifest.config ?? {}, 'config.v1+json'));
      const { architecture, os } = image.platform ?? {};
      expect(architecture === config.architecture && os === config.os, `${image.digest} is for another platform.`);
      const layers = (manifest.layers ?? []).map((layer) => {
        const content = read(layer, 'layer.v1.tar+gzip');
        return content === undefined ? Buffer.alloc(0) : gunzipSync(content);
      });
      const diffs = layers.map((layer) => `sha256:${sha256(layer)}`);
      expect(
        String(diffs) === String(config.rootfs?.diff_ids),
        `The layers of ${architecture} differ from its configuration.`,
      );
      expect(config.history?.length === layers.length, `The history of ${architecture} has another number of layers.`);
      const octets = (manifest.layers ?? []).reduce((sum, { size }) => sum + size, 0);
      images.push({ architecture, config, layers, octets });
    }
  }
  expect(images.length > 0, 'There is no image.');
  for (const image of parse(files.get('manifest.json') ?? '[]')) {
    for (const path of [image.Config, ...image.Layers])
      expect(used.has(path), `manifest.json names ${path}, which is in no image.`);
  }
  for (const [path, content] of files) {
    if (content !== undefined && path.startsWith('blobs/')) expect(used.has(path), `Nothing refers to ${path}.`);
  }
  return { images, problems };
}

function sha256(content) {
  return createHash('sha256').update(content).digest('hex');
}
