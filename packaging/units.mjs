/**
 * The systemd units of the Debian packages, derived from those of deploy/systemd: paths of the package, the user `dyndns` instead
 * of one that exists only while the service runs, no credentials, so that a start needs nothing but the configuration, and port 53.
 */
const PORT_53 = 'CAP_NET_BIND_SERVICE';

const CREDENTIALS = ['LoadCredential', 'SetCredential'];

/** Directive -> its lines in the package; the comment above it is replaced, too. Each must be in the unit. */
const CHANGED = {
  DynamicUser: ['# The configuration is root:dyndns with mode 640; the data belong to this user.', 'User=dyndns'],
  Group: ['Group=dyndns'],
  PrivateUsers: [],
  CapabilityBoundingSet: [
    '# Port 53 for zones that dyndns serves itself. It needs the user namespace of the machine (no PrivateUsers=).',
    `CapabilityBoundingSet=${PORT_53}`,
  ],
  AmbientCapabilities: [`AmbientCapabilities=${PORT_53}`],
};

/** @param node the path of the Node.js that runs dyndns */
export function packagedUnit(text, node) {
  const missing = new Set(Object.keys(CHANGED));
  const lines = [];
  let comment = [];
  for (const line of withoutHeader(text).split('\n')) {
    if (line.startsWith('#')) {
      comment.push(line);
      continue;
    }
    const directive = line.split('=')[0];
    if (!CREDENTIALS.includes(directive)) {
      const changed = CHANGED[directive];
      missing.delete(directive);
      lines.push(...(changed ?? [...comment, line]));
    }
    comment = [];
  }
  if (missing.size > 0) throw new Error(`A unit of deploy/systemd has no ${[...missing].join(', ')}.`);
  const body = lines.join('\n').replaceAll(/\n{3,}/g, '\n\n');
  return `# Installed by the package. Changes belong into a drop-in: systemctl edit ${text.includes('%i') ? 'dyndns@.service' : 'dyndns'}

${body}`
    .replaceAll('/usr/bin/node', node)
    .replaceAll('file:/usr/local/lib/node_modules/dyndns/', 'file:/usr/share/doc/dyndns/')
    .replaceAll('/usr/local/lib/node_modules/dyndns/', '/usr/lib/dyndns/')
    .replaceAll(/^Documentation=/gm, 'Documentation=man:dyndns(1) ');
}

/** The comment at the top tells how to install the file by hand. */
function withoutHeader(text) {
  return text.slice(text.indexOf('\n\n') + 2);
}
