/**
 * `node scripts/image-test.mjs`: makes the image twice, checks it, and uses it without a container engine. Starting it needs root
 * on Linux; the image of skopeo and umoci is used where they are installed. The last line is `N passed, N failed, N skipped`.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { env, exit, getuid, stdout } from 'node:process';
import { file as fileArgument, readArguments } from '../bench/usage.mjs';
import { checkLayout } from '../packaging/oci/check.mjs';
import { findTool, runTool, startContainer, unpackLayers } from '../packaging/oci/container.mjs';
import { tryEmulated } from '../packaging/oci/emulated.mjs';
import { writeLayout } from '../packaging/oci/layout.mjs';
import { CONFIG, make } from '../packaging/oci.mjs';
import { EPOCH, OUTPUT, VERSION, withFolder } from '../packaging/release.mjs';
import { install, root } from './prepare.mjs';
import { installMissing } from './servers.mjs';

const {
  values: [path],
  options,
} = readArguments({
  command: 'node scripts/image-test.mjs',
  takes: [fileArgument('IMAGE')],
  options: { '--smoke': 'Only checks an image of one small file.' },
  about: 'Makes the image for containers twice, checks it, and uses it; or IMAGE as it is.',
});
const smoke = options['--smoke'] !== undefined;
const given = smoke ? undefined : path;
const counts = { passed: 0, failed: 0, skipped: 0 };

async function step(title, work) {
  const started = performance.now();
  try {
    const detail = await work();
    const isSkipped = detail?.skipped !== undefined;
    counts[isSkipped ? 'skipped' : 'passed'] += 1;
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    stdout.write(
      isSkipped
        ? `skipped: ${title}: ${detail.skipped}\n`
        : `ok: ${title} (${detail ?? ''}${detail ? ', ' : ''}${seconds} s)\n`,
    );
  } catch (error) {
    counts.failed += 1;
    stdout.write(`FAILED: ${title}: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}

function equal(what, actual, expected) {
  const isSame = expected instanceof RegExp ? expected.test(actual) : actual === expected;
  if (!isSame) throw new Error(`${what} is ${JSON.stringify(actual)}, not ${expected}`);
}

const megabytes = (octets) => `${(octets / 1e6).toFixed(1)} MB`;
const sha256 = (content) => createHash('sha256').update(content).digest('hex');

install();
const file = given ?? join(OUTPUT, `dyndns-${VERSION}-oci.tar`);
let image;
let imageArm;

await step('the image is made', async () => {
  if (smoke) return undefined;
  if (given === undefined) await make();
  return megabytes(readFileSync(file).length);
});
await step('a second build has the same SHA-256', async () => {
  const first = sha256(builtImage());
  if (!smoke && given === undefined) await make();
  equal('the second', sha256(builtImage()), first);
  return first;
});
await step('digests, sizes, media types and platforms agree', () => {
  const { images, problems } = checkLayout(builtImage());
  if (problems.length > 0) throw new Error(problems.join(' '));
  image = images.find(({ architecture }) => architecture === 'amd64');
  imageArm = images.find(({ architecture }) => architecture === 'arm64');
  return images
    .map(({ architecture, layers, octets }) => {
      const unpacked = layers.reduce((sum, layer) => sum + layer.length, 0);
      return `${architecture}: ${megabytes(octets)} to load, ${megabytes(unpacked)} on disk`;
    })
    .join('; ');
});
if (!smoke) await withFolder(tryImage);

function builtImage() {
  if (!smoke) return readFileSync(file);
  const entries = [{ path: 'usr/bin/dyndns', kind: 'file', content: Buffer.from('dyndns') }];
  const small = { architecture: 'amd64', labels: {}, layers: [{ title: 'dyndns', entries }] };
  return writeLayout([small], { name: 'dyndns', version: VERSION, seconds: EPOCH, config: CONFIG });
}

async function tryImage(folder) {
  installMissing({ 'qemu-aarch64': 'qemu-user', skopeo: 'skopeo', umoci: 'umoci' });
  const rootfs = join(folder, 'bundle', 'rootfs');
  await step('skopeo reads the image of each architecture, also in the form of docker load', () => {
    if (findTool('skopeo') === undefined) return { skipped: 'it needs skopeo' };
    for (const architecture of ['amd64', 'arm64']) {
      const text = runTool('skopeo', ['inspect', '--override-arch', architecture, `oci-archive:${file}`]);
      equal('the architecture', JSON.parse(text).Architecture, architecture);
    }
    equal(
      'the image for docker load',
      JSON.parse(runTool('skopeo', ['inspect', `docker-archive:${file}`])).Os,
      'linux',
    );
  });
  await step('umoci unpacks it', () => {
    if (findTool('skopeo') === undefined || findTool('umoci') === undefined)
      return { skipped: 'it needs skopeo and umoci' };
    const copied = `${join(folder, 'image')}:${VERSION}`;
    runTool('skopeo', ['copy', '--override-arch', 'amd64', `oci-archive:${file}`, `oci:${copied}`]);
    runTool('umoci', ['unpack', '--image', copied, join(folder, 'bundle')]);
  });
  if (getuid() === 0 && findTool('unshare') !== undefined && image !== undefined) await tryContainer(rootfs, folder);
  else await step('a container', () => ({ skipped: 'it needs root and unshare' }));
  await step('the image for arm64 serves under emulation', () => {
    if (findTool('qemu-aarch64') === undefined) return { skipped: 'it needs qemu-user' };
    const data = join(folder, 'data-arm64');
    mkdirSync(data);
    unpackLayers(imageArm.layers, join(folder, 'arm64'));
    return tryEmulated(join(folder, 'arm64'), data);
  });
}

async function tryContainer(rootfs, folder) {
  if (!existsSync(rootfs)) unpackLayers(image.layers, rootfs);
  const data = join(folder, 'data');
  const container = (args) => startContainer({ root: rootfs, data, config: image.config.config, args });
  const init = ['--zone', 'dyndns.example.com', '--nameserver', 'embedded', '--address', '127.0.0.1'];
  const configFile = '/var/lib/dyndns/dyndns.yml';

  await step('without a configuration, serve exits with 2 and names dyndns setup and dyndns init', async () => {
    const { code, output } = await container(['serve']).ended;
    equal('the exit code', code, 2);
    equal('the output', output, /dyndns setup\. Or here: dyndns init --file \/var\/lib\/dyndns\/dyndns\.yml\n$/);
  });
  await step('the first start prints a link, and the wizard in chromium sets up the server', async () => {
    if (findTool('chromium-headless-shell') === undefined) return { skipped: 'it needs chromium-headless-shell' };
    // It imports a package, which install() may have to install first.
    const { setUpInBrowser } = await import('../test/packages/first-run.mjs');
    const first = startContainer({
      root: rootfs,
      data: join(folder, 'data-setup'),
      config: image.config.config,
      args: image.config.config.Cmd,
    });
    try {
      const detail = await setUpInBrowser(first, folder);
      await first.until('dyndns health', () => first.run(['health']));
      return detail;
    } finally {
      first.kill();
    }
  });
  await step('init writes the configuration into the volume', async () => {
    const { code, output } = await container(['init', '--file', configFile, ...init]).ended;
    equal('the exit code', code, 0);
    equal('the output', output, /^Wrote \/var\/lib\/dyndns\/dyndns\.yml/);
  });
  const server = container(image.config.config.Cmd);
  try {
    await step('serve becomes healthy', () => server.until('dyndns health', () => server.run(['health'])));
    await step('it runs as the user of the image, on a read-only root', () => {
      equal('the user', /^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1], '10001');
      let code;
      try {
        writeFileSync(`/proc/${server.pid}/root/tmp/file`, '');
      } catch (error) {
        code = error.code;
      }
      equal('the error of a write', code, 'EROFS');
    });
    const secret = () => /^secret: '(.*)'$/m.exec(readFileSync(join(data, 'dyndns.yml'), 'utf8'))?.[1];
    await step('it takes an update on port 54321 and answers a query on port 53', () => {
      const url = 'http://127.0.0.1:54321/nic/update?hostname=home.dyndns.example.com&myip=192.0.2.7';
      const authorization = `Basic ${Buffer.from(`home:${secret()}`).toString('base64')}`;
      const script = `
        const dns = require('node:dns/promises');
        const resolver = new dns.Resolver();
        resolver.setServers(['127.0.0.1']);
        fetch('${url}', { headers: { authorization: '${authorization}' } })
          .then((reply) => reply.text())
          .then(async (text) => console.log(text.trim(), ...(await resolver.resolve4('home.dyndns.example.com'))));`;
      equal('the answer', server.inNetwork(script), 'good 192.0.2.7 192.0.2.7\n');
    });
    await step('docker exec: each command of docs/operating/container.md succeeds', () => {
      const commands = documentedCommands(/^docker exec dyndns dyndns (.*)$/gm);
      for (const args of commands) {
        const { status, stderr } = server.run(args);
        if (status !== 0) throw new Error(`dyndns ${args.join(' ')}: ${stderr}`);
      }
      return `${commands.length} commands`;
    });
    await step('SIGTERM to its first process ends it with 0, and health fails', async () => {
      server.stop();
      const { code, output } = await server.ended;
      if (code !== 0) throw new Error(`the exit code is ${code}: ${output}`);
      const after = await container(['health']).ended;
      equal('the exit code of health', after.code, 1);
    });
    await step('docker run: the restore of docs/operating/container.md succeeds', async () => {
      const [args] = documentedCommands(/^docker run .* dyndns:\S+ (restore .*)$/gm);
      const { code, output } = await container(args).ended;
      if (code !== 0) throw new Error(output);
    });
  } finally {
    server.kill();
  }
}

/** The arguments of dyndns in the commands of the page that match. */
function documentedCommands(pattern) {
  const page = readFileSync(join(root, 'docs', 'operating', 'container.md'), 'utf8');
  return [...page.matchAll(pattern)].map(([, args]) => args.split(' '));
}

stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
// Where CI is set, everything must be there.
exit(counts.failed > 0 || (env.CI && counts.skipped > 0) ? 1 : 0);
