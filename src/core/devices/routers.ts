/** Routers and storage devices with a screen for dynamic DNS; docs/clients says what each row is based on. */
import type { Device, DeviceValues, Section } from './device.ts';
import { curlText, routerosText, shellWord, uciText } from './formats.ts';

/** The fields that nearly every screen has. */
function credential({ host, secret }: DeviceValues, user = 'Username', password = 'Password') {
  return [
    { name: user, value: host },
    { name: password, value: secret },
  ];
}

export const FRITZBOX: Device = {
  id: 'fritzbox',
  title: 'FRITZ!Box',
  aliases: ['avm', 'fritz'],
  page: 'fritzbox.md',
  sections: (values) => {
    const { host, updateUrl } = values;
    const url = updateUrl('<domain>', '&myip=<ipaddr>,<ip6addr>');
    return [
      {
        kind: 'fields',
        id: 'fields account',
        title: 'In Internet > Permit Access > DynDNS (in German: Internet > Freigaben > DynDNS) enter',
        fields: [
          { name: 'Provider', value: 'User-defined (Benutzerdefiniert)', isChoice: true },
          { name: 'Update URL', value: url, text: 'url fritzbox' },
          { name: 'Domain name', value: host },
          ...credential(values, 'User name'),
        ],
      },
      { kind: 'text', id: 'url fritzbox', title: 'Update URL for IPv4 and IPv6 in one request', text: `${url}\n` },
      {
        kind: 'text',
        id: 'url fritzbox-prefix',
        title: 'Update URL with the prefix of the LAN, for machines behind the box',
        text: `${url}&ip6lanprefix=<ip6lanprefix>\n`,
      },
      {
        kind: 'text',
        id: 'url fritzbox-ipv4',
        title: 'Update URL for IPv4 only',
        text: `${updateUrl('<domain>', '&myip=<ipaddr>')}\n`,
      },
    ];
  },
  warnings: [
    'Type `<domain>`, `<ipaddr>` and `<ip6addr>` literally: the box replaces them. The user name must not be empty.',
    'The box does not escape special characters, so use tokens as the server creates them (letters and digits).',
    'If DNS has an AAAA record and the URL does not send `<ip6addr>`, the box reports "verification failed" and sends again.',
    '`<ip6addr>` is the address of the box, never of a machine behind it.',
    'Behind DS-Lite or carrier-grade NAT, others cannot reach the address `<ipaddr>`: use `myip=<ip6addr>`.',
  ],
};

export const OPENWRT: Device = {
  id: 'openwrt',
  title: 'OpenWrt (ddns-scripts)',
  aliases: ['ddnsscripts', 'luci'],
  page: 'openwrt.md',
  sections: (values) => [
    {
      kind: 'text',
      id: 'uci services',
      title:
        'Install `ddns-scripts`, `wget-ssl` and `ca-bundle`, copy `openwrt/ddns-scripts/dyndns.json` to ' +
        '`/usr/share/ddns/custom`, then add to `/etc/config/ddns` a section for each family',
      file: '/etc/config/ddns',
      mode: '0600',
      text: `${uciService('home4', values, 'wan')}\n${uciService('home6', values, 'wan6')}`,
    },
    {
      kind: 'text',
      id: 'sh start',
      title: 'Try one in the foreground, then start the service',
      text:
        '/usr/lib/ddns/dynamic_dns_updater.sh -v 2 -S home4 -- start\n' +
        '/etc/init.d/ddns enable; /etc/init.d/ddns restart\n',
    },
  ],
  warnings: [
    '`use_https` without certificates (`ca-bundle`) fails; do not set `cacert` to `IGNORE`.',
    'With a bare custom URL in place of the service `dyndns`, every reply of status 200 is a success, `nohost` included.',
    "Behind another router, `ip_source 'network'` finds the private address.",
  ],
};

function uciService(name: string, { authority, host, secret, isHttps }: DeviceValues, network: string): string {
  const options: readonly (readonly [string, string])[] = [
    ['enabled', '1'],
    ['service_name', 'dyndns'],
    ['param_opt', authority],
    ...(network === 'wan6' ? ([['use_ipv6', '1']] as const) : []),
    ['lookup_host', host],
    ['domain', host],
    ['username', host],
    ['password', secret],
    ['use_https', isHttps ? '1' : '0'],
    ...(isHttps ? ([['cacert', '/etc/ssl/certs/ca-certificates.crt']] as const) : []),
    ['interface', network],
    ['ip_source', 'network'],
    ['ip_network', network],
  ];
  const lines = options.map(([option, value]) => `\toption ${option} ${uciText(value)}\n`);
  return `config service ${uciText(name)}\n${lines.join('')}`;
}

export const UNIFI: Device = {
  id: 'unifi',
  title: 'UniFi',
  aliases: ['ubiquiti', 'udm', 'usg'],
  page: 'unifi.md',
  needsHttps: true,
  sections: (values) => {
    const server = `${values.authority}/nic/update?hostname=%h&myip=%i`;
    return [
      {
        kind: 'fields',
        id: 'fields account',
        title: 'In Settings > Internet > (the WAN) > Dynamic DNS > Create New enter',
        fields: [
          { name: 'Service', value: 'custom', isChoice: true },
          { name: 'Hostname', value: values.host },
          ...credential(values),
          { name: 'Server', value: server, text: 'url unifi' },
        ],
      },
      {
        kind: 'text',
        id: 'url unifi',
        title: 'Server and path are in one field, without `https://`',
        text: `${server}\n`,
      },
    ];
  },
  warnings: [
    'Type `%h` and `%i` literally: inadyn, which the gateway contains, replaces them with host and address.',
    "If the field has a `%`, inadyn appends nothing to the path. The user name above is the host's name because the server takes " +
      'it for the host where `hostname=` arrives empty.',
    'inadyn compares the address with its cache, not with DNS: it may report success although DNS has no address.',
  ],
};

export const OPNSENSE: Device = {
  id: 'opnsense',
  title: 'OPNsense (os-ddclient)',
  page: 'opnsense.md',
  sections: (values) => [
    {
      kind: 'fields',
      id: 'fields account',
      title:
        'Install `os-ddclient`, choose the backend `native` in Services > Dynamic DNS > Settings > General, then in ' +
        'Accounts > Add enter',
      fields: [
        { name: 'Service', value: 'Custom', isChoice: true },
        { name: 'Protocol', value: 'DynDns 2', isChoice: true },
        { name: 'Server', value: values.authority },
        ...credential(values),
        { name: 'Wildcard', value: 'off', isChoice: true },
        { name: 'Hostname(s)', value: values.host },
        { name: 'Check ip method', value: 'Interface [IPv4]; a second account with Interface [IPv6]', isChoice: true },
        { name: 'Interface to monitor', value: 'WAN', isChoice: true },
        { name: 'Force SSL', value: values.isHttps ? 'on' : 'off', isChoice: true },
      ],
    },
    {
      kind: 'text',
      id: 'url opnsense',
      title: 'With the protocol "Custom GET", the server field contains a whole URL',
      text: `${values.updateUrl('__HOSTNAME__', '&myip=__MYIP__')}\n`,
    },
  ],
  warnings: [
    'It takes every reply with status 200 for a success, `nohost` and `dnserr` included. Check the log, or query DNS.',
    'Use one account for each family. Each leaves the address of the other family as it is.',
  ],
};

export const PFSENSE: Device = {
  id: 'pfsense',
  title: 'pfSense',
  page: 'pfsense.md',
  sections: (values) => {
    const url = values.updateUrl(undefined, '&myip=%IP%');
    const match = 'good %IP%|nochg %IP%';
    return [
      {
        kind: 'fields',
        id: 'fields account',
        title: 'In Services > Dynamic DNS > Dynamic DNS Clients > Add enter',
        fields: [
          { name: 'Service Type', value: 'Custom (for IPv6 a second entry: Custom (v6))', isChoice: true },
          { name: 'Interface to monitor', value: 'WAN', isChoice: true },
          { name: 'HTTP API SSL/TLS options', value: 'Verify SSL Certificate Trust', isChoice: true },
          ...credential(values),
          { name: 'Update URL', value: url, text: 'url pfsense' },
          { name: 'Result Match', value: match, text: 'match pfsense' },
        ],
      },
      { kind: 'text', id: 'url pfsense', title: 'Update URL', text: `${url}\n` },
      { kind: 'text', id: 'match pfsense', title: 'Result Match', text: `${match}\n` },
    ];
  },
  warnings: [
    'With an empty Result Match, it takes every reply for a success, `nohost` included. Otherwise the whole reply must equal ' +
      'one of the alternatives; `%IP%` is the address that it sent.',
    'Use one name in each entry: with two names the reply has two lines and matches nothing.',
    'Without a user name it does not send the password either.',
  ],
};

export const SYNOLOGY: Device = {
  id: 'synology',
  title: 'Synology DSM',
  aliases: ['dsm', 'diskstation'],
  page: 'synology.md',
  sections: (values) => {
    const url = values.updateUrl('__HOSTNAME__', '&myip=__MYIP__&username=__USERNAME__&password=__PASSWORD__');
    return [
      {
        kind: 'fields',
        id: 'fields provider',
        title: 'In Control Panel > External Access > DDNS > Customize Provider enter',
        fields: [
          { name: 'Service Provider', value: 'dyndns' },
          { name: 'Query URL', value: url, text: 'url synology' },
        ],
      },
      { kind: 'text', id: 'url synology', title: 'Query URL', text: `${url}\n` },
      {
        kind: 'fields',
        id: 'fields account',
        title: 'Then choose Add, and enter',
        fields: [
          { name: 'Service provider', value: '*dyndns', isChoice: true },
          { name: 'Hostname', value: values.host },
          { name: 'Username/Email', value: values.host, note: 'must not be empty' },
          { name: 'Password/Key', value: values.secret },
        ],
      },
    ];
  },
  warnings: [
    'Type the words in capitals literally: DSM replaces them.',
    'It supports only IPv4. For IPv6, use the task planner with curl and `-6`.',
    'The URL contains the token, and a reverse proxy in front of the server logs it. dyndns itself does not.',
  ],
};

export const ASUS: Device = {
  id: 'asus',
  title: 'ASUS (Asuswrt-Merlin)',
  aliases: ['merlin', 'asuswrt', 'asuswrtmerlin'],
  page: 'asus.md',
  sections: ({ host, secret, updateUrl }) => [
    {
      kind: 'fields',
      id: 'fields system',
      title: 'In Administration > System set',
      fields: [
        { name: 'Enable JFFS custom scripts and configs', value: 'Yes', isChoice: true },
        { name: 'Enable SSH', value: 'LAN only', isChoice: true },
      ],
    },
    {
      kind: 'text',
      id: 'sh merlin',
      title: 'Save this script as `/jffs/scripts/ddns-start`, then run `chmod 700 /jffs/scripts/ddns-start`',
      file: '/jffs/scripts/ddns-start',
      mode: '0700',
      text: `#!/bin/sh
reply=$(printf '%s\\n' ${shellWord(`user = ${curlText(`${host}:${secret}`)}`)} |
  curl -sS --max-time 60 -K - "${updateUrl(undefined, '&myip=$1')}")
logger -t ddns-start "$reply"
case $reply in
  good*|nochg*) /sbin/ddns_custom_updated 1 ;;
  *) /sbin/ddns_custom_updated 0 ;;
esac
`,
    },
    {
      kind: 'fields',
      id: 'fields account',
      title: 'In WAN > DDNS set',
      fields: [
        { name: 'Enable the DDNS Client', value: 'Yes', isChoice: true },
        { name: 'Server', value: 'Custom', isChoice: true },
        { name: 'Host Name', value: host },
      ],
    },
  ],
  warnings: [
    "ASUS's own firmware supports only fixed providers: these settings need Asuswrt-Merlin.",
    'The script sends IPv4. For IPv6, add a second `curl` with `-6` and without `&myip=`.',
  ],
};

export const MIKROTIK: Device = {
  id: 'mikrotik',
  title: 'MikroTik RouterOS',
  aliases: ['routeros'],
  page: 'mikrotik.md',
  sections: ({ url, host, secret, isHttps }): readonly Section[] => [
    {
      kind: 'text',
      id: 'routeros script',
      title: 'Enter in a terminal; the script runs every five minutes',
      text: `/system script add name=dyndns policy=read,test,write source={
  :local host ${routerosText(host)}
  :local url (${routerosText(`${url}/nic/update?hostname=`)} . $host)
  :do {
    :local reply [/tool fetch url=$url user=$host password=${routerosText(secret)} ${
      isHttps ? 'mode=https check-certificate=yes' : 'mode=http'
    } output=user as-value]
    :log info ("dyndns: " . ($reply->"data"))
  } on-error={ :log warning "dyndns: no update" }
}
/system scheduler add name=dyndns interval=5m on-event=dyndns start-time=startup
`,
    },
  ],
  warnings: [
    'In the terminal, `?` shows help, even in strings: hence `\\?`.',
    '`check-certificate=yes` needs the certificate authority in System > Certificates.',
    'A status other than 200 ends `fetch` with an error and without the reply: the log then has only "no update".',
    'The script contains the token: every user who may read scripts can read it.',
  ],
};
