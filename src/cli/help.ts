/**
 * The help of the command line, on one screen of 80 columns: commands by what they are for, examples, exit codes. A test
 * compares it with the table of commands. Options of each command: `dyndns help COMMAND`.
 */
export const HELP = `Usage: dyndns [-c FILE] COMMAND [OPTIONS]

A dynamic-DNS server: takes a changed address over HTTP and changes DNS.

Run
  quickstart            try it: serves a zone from a folder that it creates
  setup                 set up a zone in a browser, then run the server
  init                  write a configuration, and print the next steps
  serve                 run the server
  reload                make the running server read its configuration again
Change names
  update NAME [IP...]   publish addresses of a name
  delete NAME           remove the addresses of a name
Clients
  token                 credentials: create, list, rotate, revoke
  host                  settings of single hosts: TTL, members, leases
  user                  users of the HTTP API: roles, quotas, management keys
  webhook               send a test to the receivers of notices
Zones
  zone                  zones that dyndns serves: list, export, import, repair
Find out
  status                listeners, zones, secondaries, pending updates
  health                whether the server is ready, by the exit code
  check                 try an update in each zone
  doctor [ZONE]         find problems, from the parent zone to the proxy
  history NAME, --all   changes, refusals and failures
  config [--check]      the configuration as it applies; is it valid?
Data
  backup FILE           copy the databases, also while the server runs
  restore FILE          put a backup in place

--remote URL            act on a server elsewhere, with --key-file FILE
-c, --config FILE       else dyndns_CONFIG_FILE, .dyndns.yml, /etc/dyndns.yml
-v, --version
-h, --help              of a command: dyndns help COMMAND
                        options of the configuration: dyndns help config

dyndns init --zone dyn.example.com --nameserver embedded --address 192.0.2.1
dyndns token create router --host home.dyn.example.com
dyndns history --all --outcome refused --since 1h

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 130 interrupted
`;
