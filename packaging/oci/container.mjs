/**
 * Starts an unpacked image as a container engine does, for scripts/image-test.mjs: own namespaces with a loopback network, the
 * image's user, no new privileges, a read-only root with the volume mounted, every port open to every user (as Docker does).
 */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execPath, kill } from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { readTar } from './tar.mjs';

const LIMIT_MS = 60_000;

/** @returns the absolute path of a program; undefined if it is not installed */
export function findTool(program) {
  const { status, stdout } = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

/** @returns its output @throws Error with its error output */
export function runTool(program, args) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args[0]}: ${stderr}`);
  return stdout;
}

/** Writes the files of the layers, where umoci did not. */
export function unpackLayers(layers, root) {
  mkdirSync(root, { recursive: true });
  for (const { path, kind, mode, owner, content, target } of layers.flatMap(readTar)) {
    const place = join(root, path);
    if (kind === 'link') symlinkSync(target, place);
    else {
      if (kind === 'folder') mkdirSync(place, { recursive: true });
      else writeFileSync(place, content);
      chownSync(place, owner, owner);
      chmodSync(place, mode);
    }
  }
}

/** Runs in the new namespaces with the root and the data folder as $1 and $2; the command follows. */
const SETUP = `
set -e
root=$1 data=$2
shift 2
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/dev"
for device in null random urandom; do
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mount --bind "$data" "$root/var/lib/dyndns"
mount -o remount,bind,ro "$root"
ip link set lo up
echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start
exec setpriv --no-new-privs "$@"
`;

/** @param config of the image: User, Env, Entrypoint @param args the command of the container */
export function startContainer({ root, data, config, args }) {
  const user = Number(config.User.split(':')[0]);
  mkdirSync(data, { recursive: true, mode: 0o700 });
  chownSync(data, user, user);
  const asUser = [findTool('chroot'), `--userspec=${config.User}`, '--groups=', root];
  const command = ['env', '-i', ...config.Env, ...asUser, ...config.Entrypoint, ...args];
  const namespaces = ['--mount', '--net', '--pid', '--ipc', '--uts', '--fork', '--kill-child'];
  const child = spawn('unshare', [...namespaces, 'sh', '-c', SETUP, 'sh', root, data, ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (piece) => {
      output += piece;
    });
  }
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(limit);
      resolve({ code, output });
    });
  });
  const enter = (options, program, programArgs, env) => {
    const target = ['-t', String(container.pid), ...options, '--', program, ...programArgs];
    return spawnSync(findTool('nsenter'), target, { encoding: 'utf8', ...(env && { env }) });
  };
  const container = {
    ended,
    /** Until now. */
    output: () => output,
    /** Of its first process, as this machine numbers it. */
    get pid() {
      return Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim());
    },
    /** Runs the program in the container, like `docker exec`. */
    run(programArgs) {
      const env = Object.fromEntries(config.Env.map((entry) => entry.split(/=(.*)/s)));
      const inside = ['-m', '-n', '-p', '-r', '-w', '-S', String(user), '-G', String(user)];
      return enter(inside, config.Entrypoint[0], programArgs, env);
    },
    /** Runs a script of Node.js of this machine in the network of the container. @returns its output */
    inNetwork(script) {
      const { status, stdout, stderr } = enter(['-n'], execPath, ['-e', script]);
      if (status !== 0) throw new Error(stderr);
      return stdout;
    },
    /** Calls `run` until the program that it runs succeeds. */
    async until(what, run) {
      const end = performance.now() + LIMIT_MS / 2;
      for (let last = run(); last.status !== 0; last = run()) {
        if (child.exitCode === null && performance.now() < end) await pause(100);
        else throw new Error(`${what} did not succeed: ${last.stdout}${last.stderr}${output}`);
      }
    },
    stop: () => kill(container.pid, 'SIGTERM'),
    kill: () => child.kill('SIGKILL'),
  };
  return container;
}
