/**
 * A fresh Debian with systemd as process 1, in namespaces of its own: processes, mounts, network (loopback only), IPC, host name, and
 * cgroups. Its root is a layer above a base root that debootstrap made once, in the user's cache.
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, pid as ownPid } from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';

const CACHE = join(env.XDG_CACHE_HOME ?? tmpdir(), 'dyndns-package-tests');
const ENVIRONMENT = [
  '-i',
  'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
  'HOME=/root',
  'LC_ALL=C.UTF-8',
  'DEBIAN_FRONTEND=noninteractive',
];

/** Runs a program to its end. @returns code, and both outputs together */
export function execute(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: 600_000,
    maxBuffer: 1e8,
    ...options,
  });
  return { code: status ?? -1, output: `${stdout ?? ''}${stderr ?? ''}${error ? error.message : ''}` };
}

function succeed(command, args) {
  const { code, output } = execute(command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${output.slice(-2000)}`);
}

/** The base root of a Debian release: minbase and systemd. A failed one is not left behind. */
export function baseRoot(suite) {
  const base = join(CACHE, suite);
  if (!existsSync(base)) {
    mkdirSync(CACHE, { recursive: true });
    const partial = mkdtempSync(`${base}-`);
    try {
      const include = '--include=ca-certificates,dbus,systemd,systemd-sysv';
      succeed('debootstrap', ['--variant=minbase', include, suite, partial]);
      // Every user must be able to enter the root.
      chmodSync(partial, 0o755);
      renameSync(partial, base);
    } finally {
      rmSync(partial, { recursive: true, force: true });
    }
  }
  succeed('chroot', [base, 'apt-get', '-qq', 'update']);
  return base;
}

/** The commands that make the folder a root of its own and start systemd there. */
const BOOT = `
cd "$1"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do touch dev/$device; mount --bind /dev/$device dev/$device; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
mount -t tmpfs tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for number in 0:stdin 1:stdout 2:stderr; do ln -s /proc/self/fd/\${number%:*} dev/\${number#*:}; done
hostname dyndns-test
mkdir -p mnt/before
pivot_root . mnt/before
cd /
umount -l mnt/before
mount --make-rshared /
exec env -i container=dyndns-test PATH=/usr/sbin:/usr/bin:/sbin:/bin /sbin/init </dev/null >/dev/null 2>&1
`;

export class Machine {
  #folder = mkdtempSync(join(tmpdir(), 'dyndns-machine-'));
  #cgroup;
  #process;
  #init;

  constructor(base) {
    for (const name of ['upper', 'work', 'root']) mkdirSync(join(this.#folder, name));
    const layers = `lowerdir=${base},upperdir=${join(this.#folder, 'upper')},workdir=${join(this.#folder, 'work')}`;
    const { code } = execute('mount', ['-t', 'overlay', 'overlay', '-o', layers, this.#root]);
    // The temporary folder may be on a file system that cannot be a layer. A root must be a mount of its own.
    if (code !== 0) {
      succeed('cp', ['-a', `${base}/.`, this.#root]);
      succeed('mount', ['--bind', this.#root, this.#root]);
    }
  }

  get #root() {
    return join(this.#folder, 'root');
  }

  /** Copies a file or folder into the machine. */
  put(source, path) {
    cpSync(source, join(this.#root, path), { recursive: true });
  }

  /** Downloads what packages need, before the start: the machine has no network afterwards. */
  download(...packages) {
    succeed('chroot', [
      this.#root,
      'apt-get',
      '-qq',
      '-y',
      '--download-only',
      '--no-install-recommends',
      'install',
      ...packages,
    ]);
  }

  async start() {
    this.#cgroup = join(cgroupMount(), `dyndns-test-${ownPid}`);
    mkdirSync(this.#cgroup, { recursive: true });
    const namespaces = ['--pid', '--mount', '--net', '--ipc', '--uts', '--cgroup', '--propagation', 'private'];
    const enter = 'echo $$ >"$1/cgroup.procs"; shift; exec unshare "$@"';
    const args = [this.#cgroup, '--fork', '--kill-child', ...namespaces, 'sh', '-e', '-c', BOOT, 'sh', this.#root];
    this.#process = spawn('sh', ['-e', '-c', enter, 'sh', ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
    await until('systemd', 60, () => {
      const { pid } = this.#process;
      this.#init = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
      return this.#init !== '' && /running|degraded/.test(this.run('systemctl is-system-running').output);
    });
  }

  /** Runs shell commands inside. */
  run(commands) {
    return execute('nsenter', [
      '--target',
      this.#init,
      '--all',
      'env',
      '--chdir=/',
      ...ENVIRONMENT,
      'sh',
      '-c',
      commands,
    ]);
  }

  /** Runs a program of this computer in the network of the machine. */
  fromNetwork(command, ...args) {
    return execute('nsenter', ['--target', this.#init, '--net', command, ...args]);
  }

  async stop() {
    if (this.#process !== undefined) {
      const ended = new Promise((resolve) => this.#process.once('exit', resolve));
      this.#process.kill('SIGKILL');
      await ended;
    }
    execute('umount', ['-l', this.#root]);
    rmSync(this.#folder, { recursive: true, force: true });
    if (this.#cgroup !== undefined) await until('the end of all processes', 20, () => removeCgroup(this.#cgroup));
  }
}

/** The unified hierarchy, also where the computer still has the old one beside it. */
function cgroupMount() {
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
  const found = mounts.map((line) => line.split(' ')).find(([, , type]) => type === 'cgroup2');
  if (found === undefined) throw new Error('This computer has no cgroup2 hierarchy, which systemd needs.');
  return found[1];
}

/** A group can be removed when it has no processes and no groups below it. */
function removeCgroup(path) {
  execute('find', [path, '-mindepth', '1', '-depth', '-type', 'd', '-exec', 'rmdir', '{}', ';']);
  try {
    rmdirSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Waits for a condition. @throws Error after so many seconds */
export async function until(what, seconds, condition) {
  const end = Date.now() + seconds * 1000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} seconds.`);
    await pause(100);
  }
}
