/**
 * Reads and writes tar archives in memory (POSIX.1-2001 pax). Writing is deterministic: entries sorted by path, missing folders
 * added, one time for all. An entry is {path, kind: 'file' | 'folder' | 'link', mode, owner, content, target}; paths have no
 * slash at either end. Left out: devices, hard links, extended attributes.
 */
const BLOCK = 512;
const KINDS = { file: '0', link: '2', folder: '5' };
const MODES = { file: 0o644, link: 0o777, folder: 0o755 };

/** @param seconds the time of every entry, since 1970 @returns the octets of the archive */
export function writeTar(entries, seconds) {
  const pieces = withFolders(entries).flatMap((entry) => entryPieces(entry, seconds));
  return Buffer.concat([...pieces, Buffer.alloc(2 * BLOCK)]);
}

function withFolders(entries) {
  const all = new Map();
  for (const entry of entries) {
    if (all.has(entry.path) && entry.kind !== 'folder') throw new Error(`'${entry.path}' is in the archive twice.`);
    all.set(entry.path, entry);
  }
  for (const { path } of entries) {
    const steps = path.split('/');
    for (let count = 1; count < steps.length; count += 1) {
      const folder = steps.slice(0, count).join('/');
      if (!all.has(folder)) all.set(folder, { path: folder, kind: 'folder' });
    }
  }
  return [...all.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function entryPieces({ path, kind, mode = MODES[kind], owner = 0, content = Buffer.alloc(0), target = '' }, seconds) {
  const name = kind === 'folder' ? `${path}/` : path;
  const header = (name_, flag, size) => headerBlock({ name: name_, flag, size, mode, owner, target, seconds });
  const pieces = [];
  if (Buffer.byteLength(name) > 100) {
    const record = paxRecord('path', name);
    pieces.push(header('pax', 'x', record.length), padded(record));
  }
  if (Buffer.byteLength(target) > 100) throw new Error(`The target of the link '${path}' is too long.`);
  pieces.push(header(name, KINDS[kind], content.length), padded(content));
  return pieces;
}

function headerBlock({ name, flag, size, mode, owner, target, seconds }) {
  const block = Buffer.alloc(BLOCK);
  const octal = (value, offset, length) => block.write(value.toString(8).padStart(length - 1, '0'), offset);
  block.write(name, 0, 100);
  octal(mode, 100, 8);
  octal(owner, 108, 8);
  octal(owner, 116, 8);
  octal(size, 124, 12);
  octal(seconds, 136, 12);
  block.write('        ', 148);
  block.write(flag, 156);
  block.write(target, 157, 100);
  block.write('ustar\x0000', 257);
  octal(0, 329, 8);
  octal(0, 337, 8);
  const sum = block.reduce((total, octet) => total + octet, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** `LENGTH KEY=VALUE\n`, where the length counts itself. */
function paxRecord(key, value) {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + 1;
  while (String(length).length + rest !== length) length = String(length).length + rest;
  return Buffer.from(`${length} ${key}=${value}\n`);
}

function padded(content) {
  const missing = (BLOCK - (content.length % BLOCK)) % BLOCK;
  return missing === 0 ? content : Buffer.concat([content, Buffer.alloc(missing)]);
}

/** The files, folders and symbolic links of an archive. Reads long names of pax and of GNU tar. */
export function readTar(archive) {
  const entries = [];
  let long = {};
  for (let offset = 0; offset + BLOCK <= archive.length; ) {
    const block = archive.subarray(offset, offset + BLOCK);
    if (block[0] === 0) break;
    const size = readOctal(block, 124, 12);
    const content = archive.subarray(offset + BLOCK, offset + BLOCK + size);
    offset += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    const flag = String.fromCharCode(block[156]);
    if (flag === 'L') long.path = readText(content, 0, size);
    else if (flag === 'K') long.target = readText(content, 0, size);
    else if (flag === 'x') long = { ...long, ...paxFields(content.toString()) };
    else {
      entries.push(readEntry(block, flag, content, long));
      long = {};
    }
  }
  return entries;
}

function readEntry(block, flag, content, long) {
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? readText(block, 345, 155) : '';
  const name = long.path ?? (prefix === '' ? '' : `${prefix}/`) + readText(block, 0, 100);
  const found = Object.entries(KINDS).find(([, flag_]) => flag_ === flag);
  const path = name.replace(/^\.?\//, '').replace(/\/$/, '');
  if (found === undefined) throw new Error(`'${path}' is neither a file, a folder nor a symbolic link.`);
  return {
    path,
    kind: found[0],
    mode: readOctal(block, 100, 8),
    owner: readOctal(block, 108, 8),
    seconds: readOctal(block, 136, 12),
    content,
    target: long.target ?? readText(block, 157, 100),
  };
}

function paxFields(text) {
  const path = /^\d+ path=(.*)$/m.exec(text)?.[1];
  const target = /^\d+ linkpath=(.*)$/m.exec(text)?.[1];
  return { ...(path !== undefined && { path }), ...(target !== undefined && { target }) };
}

function readText(buffer, start, length) {
  const part = buffer.subarray(start, start + length);
  const end = part.indexOf(0);
  return part.toString('utf8', 0, end === -1 ? part.length : end);
}

function readOctal(block, start, length) {
  return Number.parseInt(readText(block, start, length).trim() || '0', 8);
}
