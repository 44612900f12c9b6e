/** Update clients that are programs; the tests of test/clients run those that Debian has with this text. */
import type { Device, DeviceValues } from './device.ts';
import {
  crontabCommand,
  curlText,
  ddclientPassword,
  inadynText,
  netrcText,
  shellWord,
  urlText,
  yamlText,
} from './formats.ts';

function ddclientFile({ authority, host, hosts, secret, isHttps }: DeviceValues, lines: readonly string[]): string {
  return `ssl=${isHttps ? 'yes' : 'no'}
${lines.join('\n')}
protocol=dyndns2
server=${authority}
login=${host}
password=${ddclientPassword(secret)}
${hosts.join(',')}
`;
}

export const DDCLIENT: Device = {
  id: 'ddclient',
  title: 'ddclient',
  page: 'ddclient.md',
  takesSeveral: true,
  sections: (values) => {
    const { url } = values;
    const file = (name: string) => ({ file: name, mode: '0600' });
    return [
      {
        kind: 'text',
        id: 'conf both-3.11',
        title: '3.11 and 4: one file for both families, `/etc/ddclient.conf`',
        ...file('/etc/ddclient.conf'),
        text: ddclientFile(values, [`usev4=webv4, webv4=${url}/myip`, `usev6=webv6, webv6=${url}/myip`]),
      },
      {
        kind: 'text',
        id: 'conf ipv4',
        title: '3.10: `/etc/ddclient.conf`, for IPv4',
        ...file('/etc/ddclient.conf'),
        text: ddclientFile(values, ['cache=/var/cache/ddclient/ddclient.cache', `use=web, web=${url}/myip`]),
      },
      {
        kind: 'text',
        id: 'conf ipv6',
        title: '3.10: `/etc/ddclient6.conf`, for IPv6, with its own cache',
        ...file('/etc/ddclient6.conf'),
        text: ddclientFile(values, [
          'cache=/var/cache/ddclient/ddclient6.cache',
          `use=cmd, cmd='curl -6 -s ${url}/myip'`,
        ]),
      },
    ];
  },
  warnings: [
    'The file contains the token: set owner root and mode 600.',
    '3.10 with `usev4=` and `usev6=` sends IPv4 only, and with `usev6=` alone no address at all. Use `use=`, as above.',
    '3.10 accepts neither `https://` nor `[2001:db8::1]` in `server=`: it would then use members.dyndns.org. 4 without TLS ' +
      'needs `server=http://…`.',
    'Do not use `-daemon=0` with 4, which takes it for 60 seconds and continues to run.',
    'ddclient sends only what differs from its cache, and otherwise every 25 days. `-force` always sends.',
  ],
};

export const INADYN: Device = {
  id: 'inadyn',
  title: 'inadyn',
  page: 'inadyn.md',
  sections: ({ url, authority, host, secret, isHttps }) => {
    const section = (family: string, check: string) => `custom ${family}@dyndns {
    username = ${inadynText(host)}
    password = ${inadynText(secret)}
    hostname = ${inadynText(host)}
${check}    ddns-server = "${authority}"
    ddns-path = "/nic/update?hostname=%h&myip=%i"
${isHttps ? '' : '    ssl = false\n'}}
`;
    const checks = `    checkip-server = "${authority}"
    checkip-path = "/myip"
    checkip-ssl = ${isHttps}
`;
    return [
      {
        kind: 'text',
        id: 'conf inadyn',
        title: '`/etc/inadyn.conf`, owner root, mode 600',
        file: '/etc/inadyn.conf',
        mode: '0600',
        text: `period = 300
allow-ipv6 = true

${section('ipv4', checks)}
${section('ipv6', `    checkip-command = "curl -6 -s ${url}/myip"\n`)}`,
      },
    ];
  },
  warnings: [
    'After a refusal inadyn exits and does not restart by itself: correct the file, then start it again.',
    'Without IPv6, omit the second section and `allow-ipv6`.',
    'If the check of the address fails, inadyn uses ifconfig.me instead of your server.',
  ],
};

export const CURL: Device = {
  id: 'curl',
  title: 'curl with cron',
  aliases: ['cron', 'wget'],
  page: 'curl.md',
  sections: ({ host, secret, updateUrl }) => {
    const url = shellWord(updateUrl());
    return [
      {
        kind: 'text',
        id: 'sh credential',
        title: 'The credential in a file, because every user of the machine can read a command line',
        text: `install -d -m 700 /etc/dyndns-client
( umask 077; printf '%s\\n' ${shellWord(`user = ${curlText(`${host}:${secret}`)}`)} > /etc/dyndns-client/credential )
`,
      },
      {
        kind: 'text',
        id: 'sh update',
        title:
          'One update. Without an address in the request, the server publishes the address that the request comes from',
        text: `curl -sS -K /etc/dyndns-client/credential ${url}\n`,
      },
      {
        kind: 'text',
        id: 'cron crontab',
        title: '`/etc/cron.d/dyndns-update`. cron mails the output, which is empty after a success',
        file: '/etc/cron.d/dyndns-update',
        text: `*/5 * * * * root ${crontabCommand(
          `curl -4 -sS --max-time 60 --retry 2 -K /etc/dyndns-client/credential ${url} 2>&1 | grep -vE '^(good|nochg) '`,
        )}\n`,
      },
    ];
  },
  warnings: [
    'One request changes one family: send another one with `-6` for IPv6.',
    'Do not use `-f`: it hides the word that gives the reason. `-L` is not necessary: update paths never redirect.',
  ],
};

export const DDNS_UPDATER: Device = {
  id: 'ddns-updater',
  title: 'ddns-updater (qdm12)',
  aliases: ['qdm12'],
  page: 'ddns-updater.md',
  needsHttps: true,
  sections: ({ authority, host, secret }) => {
    const entry = (ip_version: string) => ({
      provider: 'custom',
      domain: host,
      url: `https://${urlText(host)}:${urlText(secret)}@${authority}/nic/update?hostname=${urlText(host)}`,
      ipv4key: 'myip',
      ipv6key: 'myipv6',
      success_regex: '^(good|nochg) ',
      ip_version,
    });
    return [
      {
        kind: 'text',
        id: 'json ddns-updater',
        title: '`data/config.json`, with one entry for each family',
        file: 'data/config.json',
        mode: '0600',
        text: `${JSON.stringify({ settings: [entry('ipv4'), entry('ipv6')] }, null, 2)}\n`,
      },
    ];
  },
  warnings: [
    'It accepts only `https://`, with a certificate that the container trusts.',
    'Use two entries. A single entry for both families would also send the last address of the other family.',
    '`success_regex` may match anywhere in the body: keep the `^` and the space.',
  ],
};

export const DDUPDATE: Device = {
  id: 'ddupdate',
  title: 'ddupdate',
  page: 'ddupdate.md',
  needsHttps: true,
  sections: ({ authority, hostname, host, secret }) => [
    {
      kind: 'text',
      id: 'python plugin',
      title: 'A plugin for your own server, `~/.local/share/ddupdate/plugins/dyndns.py`',
      file: '~/.local/share/ddupdate/plugins/dyndns.py',
      text: DDUPDATE_PLUGIN,
    },
    {
      kind: 'text',
      id: 'netrc netrc',
      title: '`~/.netrc`, mode 600',
      file: '~/.netrc',
      mode: '0600',
      text: `machine ${netrcText(hostname)} login ${netrcText(host)} password ${netrcText(secret)}\n`,
    },
    {
      kind: 'text',
      id: 'ini conf',
      title: '`~/.config/ddupdate.conf`',
      file: '~/.config/ddupdate.conf',
      text: `[update]
service-plugin = dyndns
service-options = server=${authority}
address-plugin = ip-disabled
hostname = ${host}
ip-version = all
loglevel = info
`,
    },
  ],
  warnings: [
    'For two hours it sends nothing while the address is the same; `--force` always sends.',
    'Its own plugin `no-ip.com` takes every reply with status 200 for a success, `nohost` included.',
  ],
};

const DDUPDATE_PLUGIN = `"""ddupdate plugin for a dyndns server of your own."""
from ddupdate.ddplugin import ServiceError, ServicePlugin
from ddupdate.ddplugin import dict_of_opts, get_response, http_basic_auth_setup


class DyndnsPlugin(ServicePlugin):
    """Option: server=NAME. ~/.netrc: machine NAME login HOSTNAME password TOKEN"""

    _name = 'dyndns'
    _oneliner = 'Updates on a dyndns server of your own'

    def register(self, log, hostname, ip, options):
        server = dict_of_opts(options)['server']
        url = 'https://%s/nic/update?hostname=%s' % (server, hostname)
        addresses = [text for text in (ip.v4, ip.v6) if text] if ip else []
        if addresses:
            url += '&myip=' + ','.join(addresses)
        http_basic_auth_setup(url)
        reply = get_response(log, url).strip()
        if not reply.startswith(('good', 'nochg')):
            raise ServiceError('The server says ' + reply)
`;

export const HOME_ASSISTANT: Device = {
  id: 'home-assistant',
  title: 'Home Assistant (rest_command)',
  aliases: ['hass'],
  page: 'home-assistant.md',
  sections: ({ host, secret, updateUrl }) => [
    {
      kind: 'text',
      id: 'yaml rest-command',
      title: 'In `configuration.yaml`',
      file: 'configuration.yaml',
      text: `rest_command:
  dyndns_update:
    url: ${yamlText(updateUrl())}
    username: ${yamlText(host)}
    password: !secret dyndns_token
`,
    },
    {
      kind: 'text',
      id: 'yaml rest-command-secrets',
      title: 'In `secrets.yaml`',
      file: 'secrets.yaml',
      mode: '0600',
      text: `dyndns_token: ${yamlText(secret)}\n`,
    },
    {
      kind: 'text',
      id: 'yaml automation',
      title:
        'Restart Home Assistant, and add this automation (Settings > Automations > Create automation > Edit in YAML). It ' +
        'updates every five minutes and after a start, and notifies you when the server refuses the update',
      text: `alias: ${yamlText(`Update the address of ${host}`)}
triggers:
  - trigger: homeassistant
    event: start
  - trigger: time_pattern
    minutes: /5
actions:
  - action: rest_command.dyndns_update
    response_variable: reply
  - if: "{{ reply.status != 200 or reply.content.split()[0] not in ['good', 'nochg'] }}"
    then:
      - action: persistent_notification.create
        data:
          notification_id: dyndns
          title: dyndns
          message: "{{ reply.status }} {{ reply.content }}"
mode: single
`,
    },
  ],
  warnings: [
    'Without an address in the URL, the server publishes the address that Home Assistant connects from, and does not change the ' +
      'other family.',
    'Home Assistant accepts only certificates of authorities that it knows.',
  ],
};

/** Every other client of dyndns2. */
export const OTHER: Device = {
  id: 'other',
  title: 'another client of dyndns2',
  aliases: ['any', 'dyndns2', 'url', 'custom'],
  page: 'README.md',
  sections: ({ host, secret, authority, updateUrl }) => [
    {
      kind: 'fields',
      id: 'fields account',
      title: 'For another client, which may call the protocol DynDNS, dyndns.org or "custom", enter',
      fields: [
        { name: 'Server', value: authority },
        { name: 'Path', value: '/nic/update' },
        { name: 'Host', value: host },
        { name: 'User name', value: host },
        { name: 'Password', value: secret },
      ],
    },
    {
      kind: 'text',
      id: 'url any',
      title: 'If it needs a whole URL',
      text: `${updateUrl(undefined, '&myip=203.0.113.45')}\n`,
    },
  ],
  warnings: [
    'The server ignores the user name, but enter the name of the host: some clients do not send the host, and the server then ' +
      'takes it from there.',
    'If the client has no field for a password, add `&password=TOKEN` to the URL.',
  ],
};
