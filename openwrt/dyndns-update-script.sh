#!/bin/sh
# dyndns-update-script.sh: sends the router's current addresses to a dyndns server. POSIX sh; runs under dash and BusyBox ash.
# Needs curl, GNU wget or uclient-fetch (BusyBox wget for a plain http:// server only: it may skip the certificate check).
# The secret is sent in the body of a POST: curl reads it from standard input, the others from a file of mode 0600.
# It is never in an argument, in a URL, in the environment of a child process or in the output.
# Left out on purpose: an option that disables the TLS check, and third-party services that report the address.
# The handling of uclient-fetch (options, exit codes 4, 5 and 8) follows its source; it was not tested on a router.

# Inherited environment variables of these names would export their values, including the secret, to every child process.
unset SERVER SECRET ZONE TTL CA_FILE ULA body encoded masked rest secret_field tail value

# --- Values ---------------------------------------------------------------------------------------------------------
# Edit them here, or leave them empty and use one of the two files that survive an upgrade of this script.
# A later source overrides single values of an earlier one:
#   1. these lines   2. /etc/config/dyndns (UCI, section 'main')   3. $DYNDNS_CONFIG, else /etc/dyndns-update.conf
SERVER=''  # name of the server, used with https://; a port or a path can follow. http:// only in a trusted network
SECRET=''  # the master secret, or a token
ZONE=''    # zone of the records, for example dyndns.example.com
TTL=''     # seconds; empty: the server decides. The option -t overrides it
CA_FILE='' # PEM file with the CA of the server's certificate; empty: the CAs of the system
ULA=''     # yes: use an address in fc00::/7 if the interface has no public one
# --------------------------------------------------------------------------------------------------------------------

VERSION='3.0.0-alpha.1'
DESCRIPTION='Updates the A and AAAA records of this router on a dyndns server.'
PROGRAM=${0##*/}
TIMEOUT_SECONDS=20
LC_ALL=C
export LC_ALL
umask 077
set -u

# Exit codes; 2, 3, 4, 9 and 17 are compatible with earlier versions of the script.
E_REFUSED=1
E_OPTION=2
E_MISSING=3
E_NOT_ALLOWED=4
E_NO_PREFIX_SUPPORT=5
E_NETWORK=6
E_TLS=7
E_CONFIG=8
E_DEVICE=9
E_NO_ADDRESS=10
E_NO_PROGRAM=11
E_RECORD=17

usage() {
  cat <<END
Usage: $PROGRAM [options] <record-name>

$DESCRIPTION

  -4, --ipv4-only          update the A record only
  -6, --ipv6-only          update the AAAA record only
  -d, --device IFACE       interface whose global IPv6 address or prefix is used
  -h, --help               show this text
  -p, --prefix-only        send the IPv6 prefix of the interface instead of addresses
  -s, --short-description  describe the script in one line
  -S, --sleep SECONDS      wait before the update
  -t, --ttl SECONDS        TTL of the records
  -v, --version            show the version

The IPv4 address is the one that the server sees (/myip), never the address of an interface.
<record-name> is relative to the configured zone ('@' is the zone itself), or a full name inside the zone.
Configuration: the top of this script, /etc/config/dyndns, then \$DYNDNS_CONFIG or /etc/dyndns-update.conf; later values win.

Exit codes: 0 success, 1 refused by the server, 2 invalid option, 3 missing argument, 4 argument not allowed,
5 prefix not supported by the server, 6 no connection, 7 TLS failed, 8 configuration, 9 no device given,
10 no address found, 11 no usable program for the transfer, 17 no record name.
END
}

# Replaces every occurrence of the secret in a text by [secret].
mask() {
  rest=$1
  masked=''
  if [ -n "${SECRET:-}" ]; then
    while :; do
      case $rest in
        *"$SECRET"*)
          masked="$masked${rest%%"$SECRET"*}[secret]"
          rest=${rest#*"$SECRET"}
          ;;
        *) break ;;
      esac
    done
  fi
  printf '%s\n' "$masked$rest"
}

warn() {
  printf '%s: %s\n' "$PROGRAM" "$(mask "$1")" >&2
}

# die CODE TEXT: exits. Do not call it inside $(...): it would only exit the subshell.
die() {
  warn "$2"
  exit "$1"
}

# --- Command line ---------------------------------------------------------------------------------------------------

want_ipv4=yes
want_ipv6=yes
only=''
prefix_only=''
device=''
sleep_seconds=''
ttl_option=''

# need_value OPTION VALUE: a value that starts with '-' is the next option, so the argument is missing.
need_value() {
  case $2 in
    '' | -*) die "$E_MISSING" "option $1 needs an argument" ;;
  esac
}

take_option() { # NAME VALUE
  case $1 in
    4 | ipv4-only) only="${only}4" ;;
    6 | ipv6-only) only="${only}6" ;;
    d | device) device=$2 ;;
    h | help)
      usage
      exit 0
      ;;
    p | prefix-only) prefix_only=yes ;;
    s | short-description)
      printf '%s\n' "$DESCRIPTION"
      exit 0
      ;;
    S | sleep) sleep_seconds=$2 ;;
    t | ttl) ttl_option=$2 ;;
    v | version)
      printf '%s %s\n' "$PROGRAM" "$VERSION"
      exit 0
      ;;
  esac
}

while getopts ':46d:hpsS:t:v-:' option; do
  case $option in
    4 | 6 | h | p | s | v) take_option "$option" '' ;;
    d | S | t)
      need_value "-$option" "$OPTARG"
      take_option "$option" "$OPTARG"
      ;;
    -)
      name=${OPTARG%%=*}
      case $name in
        ipv4-only | ipv6-only | help | prefix-only | short-description | version)
          [ "$name" = "$OPTARG" ] || die "$E_NOT_ALLOWED" "option --$name takes no argument"
          take_option "$name" ''
          ;;
        device | sleep | ttl)
          if [ "$name" = "$OPTARG" ]; then
            eval "value=\${$OPTIND-}"
            OPTIND=$((OPTIND + 1))
          else
            value=${OPTARG#*=}
          fi
          need_value "--$name" "$value"
          take_option "$name" "$value"
          ;;
        *) die "$E_OPTION" "invalid option --$name; see --help" ;;
      esac
      ;;
    :) die "$E_MISSING" "option -$OPTARG needs an argument" ;;
    *) die "$E_OPTION" "invalid option -$OPTARG; see --help" ;;
  esac
done
shift $((OPTIND - 1))

case $only in
  '') ;;
  *4*6* | *6*4*) die "$E_OPTION" 'options -4 and -6 exclude each other; omit both to update both records' ;;
  4*) want_ipv6='' ;;
  *) want_ipv4='' ;;
esac
if [ -n "$prefix_only" ] && [ -n "$only" ]; then
  die "$E_OPTION" 'option -p sends a prefix instead of addresses; omit -4 and -6'
fi

[ -n "${1:-}" ] || die "$E_RECORD" 'no record name given; see --help'
[ $# -eq 1 ] || die "$E_NOT_ALLOWED" "only one record name is allowed; '$2' is one too many (options come first)"
record=$1

is_number() { # at most ten digits
  case $1 in
    '' | *[!0-9]* | ???????????*) return 1 ;;
  esac
}

if [ -n "$sleep_seconds" ] && ! is_number "$sleep_seconds"; then
  die "$E_NOT_ALLOWED" "'$sleep_seconds' is not a number of seconds (option -S)"
fi
if [ -n "$ttl_option" ] && ! is_number "$ttl_option"; then
  die "$E_NOT_ALLOWED" "'$ttl_option' is not a number of seconds (option -t)"
fi
case $device in
  *[!A-Za-z0-9_.:@-]*) die "$E_NOT_ALLOWED" "'$device' is not the name of an interface (option -d)" ;;
esac
if [ -z "$device" ] && [ -n "$want_ipv6$prefix_only" ]; then
  die "$E_DEVICE" 'no device given: IPv6 and -p require -d IFACE (or use -4)'
fi

# --- Configuration --------------------------------------------------------------------------------------------------

# Reads one option of the section 'main' of a UCI file without the program uci.
uci_file_value() { # FILE OPTION
  section=''
  while read -r word key value || [ -n "$word" ]; do
    case $word in
      config)
        section=${value#[\'\"]}
        section=${section%[\'\"]}
        ;;
      option)
        key=${key#[\'\"]}
        key=${key%[\'\"]}
        if [ "$section" = main ] && [ "$key" = "$2" ]; then
          case $value in
            \'*) value=${value#\'} value=${value%%\'*} ;;
            \"*) value=${value#\"} value=${value%%\"*} ;;
            *) value=${value%%[[:space:]]*} ;;
          esac
          printf '%s\n' "$value"
          return
        fi
        ;;
    esac
  done <"$1"
}

uci_value() { # OPTION
  if command -v uci >/dev/null 2>&1; then
    uci -q -c "$uci_directory" get "dyndns.main.$1"
  else
    uci_file_value "$uci_directory/dyndns" "$1"
  fi
}

# The environment can change both paths, for tests and for systems with other paths.
uci_directory=${DYNDNS_UCI_DIR:-/etc/config}
address_table=${DYNDNS_ADDRESS_TABLE:-/proc/net/if_inet6}
if [ -r "$uci_directory/dyndns" ]; then
  value=$(uci_value server) && SERVER=${value:-$SERVER}
  value=$(uci_value secret) && SECRET=${value:-$SECRET}
  value=$(uci_value zone) && ZONE=${value:-$ZONE}
  value=$(uci_value ttl) && TTL=${value:-$TTL}
  value=$(uci_value ca_file) && CA_FILE=${value:-$CA_FILE}
  value=$(uci_value ula) && ULA=${value:-$ULA}
fi

config_file=${DYNDNS_CONFIG:-/etc/dyndns-update.conf}
case $config_file in
  */*) ;;
  *) config_file="./$config_file" ;;
esac
if [ -r "$config_file" ]; then
  # shellcheck source=/dev/null
  . "$config_file"
elif [ -n "${DYNDNS_CONFIG:-}" ]; then
  die "$E_CONFIG" "the configuration file '$config_file' (DYNDNS_CONFIG) cannot be read"
elif [ -e "$config_file" ]; then
  die "$E_CONFIG" "the configuration file '$config_file' cannot be read"
fi

[ -n "$SERVER" ] || die "$E_CONFIG" 'SERVER is not configured'
[ -n "$SECRET" ] || die "$E_CONFIG" 'SECRET is not configured'
[ -n "$ZONE" ] || die "$E_CONFIG" 'ZONE is not configured'
case $SECRET in
  *[!!-~]*) die "$E_CONFIG" 'SECRET must consist of printable ASCII characters without spaces' ;;
esac
case $SERVER in
  *[!]A-Za-z0-9.:/_~[-]*) die "$E_CONFIG" "SERVER '$SERVER' is not a server name or URL" ;;
  https://?* | http://?*) ;;
  *://*) die "$E_CONFIG" "SERVER '$SERVER' must use https:// (or http:// in a trusted network)" ;;
  *) SERVER="https://$SERVER" ;;
esac
SERVER=${SERVER%/}
[ -z "$CA_FILE" ] || [ -r "$CA_FILE" ] || die "$E_CONFIG" "CA_FILE '$CA_FILE' cannot be read"
TTL=${ttl_option:-$TTL}
[ -z "$TTL" ] || is_number "$TTL" || die "$E_CONFIG" "TTL '$TTL' is not a number of seconds"

# The record name relative to the zone, '@' for the zone itself. Names are compared case-insensitively (RFC 4343 section 3).
lower_case() {
  printf '%s\n' "$1" | tr '[:upper:]' '[:lower:]'
}
ZONE=$(lower_case "${ZONE%.}")
record=$(lower_case "$record")
case $ZONE in
  *[!a-z0-9._-]*) die "$E_CONFIG" "ZONE '$ZONE' is not a valid zone name; write internationalized names in their xn-- form" ;;
esac
case $record in
  *[!a-z0-9._*@-]*)
    die "$E_NOT_ALLOWED" "'$record' is not a valid record name; write internationalized names in their xn-- form"
    ;;
  "$ZONE" | "$ZONE.") record='@' ;;
  *".$ZONE") record=${record%".$ZONE"} ;;
  *".$ZONE.") record=${record%".$ZONE."} ;;
  *.) die "$E_NOT_ALLOWED" "'$record' is not in the zone '$ZONE'" ;;
esac

# --- Transfer -------------------------------------------------------------------------------------------------------

find_transport() {
  wget_text=''
  if command -v curl >/dev/null 2>&1; then
    transport=curl
    return
  fi
  if command -v wget >/dev/null 2>&1; then
    wget_text=$(wget --version 2>&1 </dev/null)
  fi
  # On OpenWrt wget is often a link to uclient-fetch; its usage text identifies it.
  case $wget_text in
    *'GNU Wget '*) transport=gnu_wget ;;
    *'--ca-certificate=<cert>'*) transport=uclient uclient=wget ;;
    *)
      if command -v uclient-fetch >/dev/null 2>&1; then
        transport=uclient uclient=uclient-fetch
      elif [ -z "$wget_text" ]; then
        die "$E_NO_PROGRAM" 'neither curl nor wget nor uclient-fetch is installed'
      else
        transport=busybox_wget
      fi
      ;;
  esac
  # BusyBox wget checks certificates only if it was built with openssl support and finds openssl; otherwise it skips the check.
  case $transport:$SERVER in
    busybox_wget:https://*)
      die "$E_NO_PROGRAM" 'this wget may not check TLS certificates; install curl, GNU wget, or uclient-fetch with a libustream package and ca-bundle'
      ;;
  esac
}

# Percent-encodes a text of printable ASCII for a form body.
encode() {
  rest=$1
  encoded=''
  while [ -n "$rest" ]; do
    tail=${rest#?}
    character=${rest%"$tail"}
    case $character in
      [A-Za-z0-9._~-]) encoded="$encoded$character" ;;
      *) encoded="$encoded$(printf '%%%02X' "'$character")" ;;
    esac
    rest=$tail
  done
  printf '%s\n' "$encoded"
}

# request PATH [BODY] [FAMILY]: GET, or POST with a body. FAMILY is 4 or empty.
# Sets `status` (HTTP status; 000: no reply) and writes the text of the reply to $work/reply (empty for errors with
# uclient-fetch and BusyBox wget, which discard it). On failure it exits with 6 or 7; if `tolerant` is set, it returns 6.
request() {
  url=$SERVER$1
  body=${2:-}
  family=${3:+"-$3"}
  : >"$work/reply"
  : >"$work/error"
  status=000
  failure=$E_NETWORK
  "request_by_$transport" || failure=$?
  case $status in
    [1-9][0-9][0-9]) return 0 ;;
  esac
  reason=$(tr -cd '\n\040-\176' <"$work/error" | sed -n '/[^ ]/{p;q;}')
  if [ "$failure" -eq "$E_TLS" ]; then
    die "$E_TLS" "TLS with $SERVER failed: ${reason:-the certificate was not accepted}"
  fi
  warn "no answer from $url${family:+ over IPv$3}: ${reason:-unknown reason}"
  [ -n "${tolerant:-}" ] || exit "$failure"
  return "$failure"
}

request_by_curl() {
  # -q: ignores ~/.curlrc, which could contain "insecure". --proto: allows only HTTP and HTTPS.
  set -- -q -sS --proto '=http,https' --globoff --max-time "$TIMEOUT_SECONDS" -o "$work/reply" -w '%{http_code}'
  [ -z "$family" ] || set -- "$@" "$family"
  [ -z "$CA_FILE" ] || set -- "$@" --cacert "$CA_FILE"
  if [ -n "$body" ]; then
    # A form body contains neither quotes nor backslashes, so it needs no escaping in curl's configuration.
    status=$(curl "$@" -K - "$url" 2>"$work/error" <<END
data = "$body"
END
    )
  else
    status=$(curl "$@" "$url" 2>"$work/error" </dev/null)
  fi
  code=$?
  [ "$code" -eq 0 ] || status=000
  case $code in
    35 | 51 | 53 | 54 | 58 | 59 | 60 | 66 | 77 | 80 | 82 | 83 | 90 | 91) return "$E_TLS" ;;
  esac
  return "$E_NETWORK"
}

# Writes the body to a file for wget and uclient-fetch, without a newline, which would become part of the last value.
write_body() {
  printf '%s' "$body" >"$work/body"
}

request_by_gnu_wget() {
  # --no-config: ignores ~/.wgetrc and /etc/wgetrc, which could contain "check_certificate = off".
  # -S: prints the header fields on standard error: the only source of the status of replies that wget discards (401, 301).
  set -- --no-config -nv -S --tries=1 --timeout="$TIMEOUT_SECONDS" --max-redirect=0 --content-on-error -O "$work/reply"
  [ -z "$family" ] || set -- "$@" "$family"
  [ -z "$CA_FILE" ] || set -- "$@" --ca-certificate="$CA_FILE"
  if [ -n "$body" ]; then
    write_body
    set -- "$@" --post-file="$work/body"
  fi
  code=0
  wget "$@" "$url" 2>"$work/error" </dev/null || code=$?
  rm -f "$work/body"
  case $code in
    0 | 6 | 8) status=$(status_in_error) ;;
    5) return "$E_TLS" ;;
  esac
  return "$E_NETWORK"
}

request_by_uclient() {
  set -- -T "$TIMEOUT_SECONDS" -O "$work/reply"
  [ -z "$family" ] || set -- "$@" "$family"
  [ -z "$CA_FILE" ] || set -- "$@" --ca-certificate="$CA_FILE"
  if [ -n "$body" ]; then
    write_body
    set -- "$@" --post-file="$work/body"
  fi
  code=0
  "$uclient" "$@" "$url" 2>"$work/error" </dev/null || code=$?
  rm -f "$work/body"
  case $code in
    0) status=200 ;;
    5) return "$E_TLS" ;;
    8) status=$(status_in_error) ;;
  esac
  drop_uclient_progress
  return "$E_NETWORK"
}

# uclient-fetch prints its progress and its errors on standard error.
drop_uclient_progress() {
  sed '/^Downloading /d;/^Connecting to /d;/^Writing to /d' "$work/error" >"$work/error.filtered"
  cat "$work/error.filtered" >"$work/error"
}

request_by_busybox_wget() {
  # There is no option for the address family; the caller checks the form of the answer.
  set -- wget -q -O "$work/reply"
  case $wget_text in
    *'-T SEC'*) set -- "$@" -T "$TIMEOUT_SECONDS" ;;
    *) if command -v timeout >/dev/null 2>&1; then set -- timeout "$TIMEOUT_SECONDS" "$@"; fi ;;
  esac
  if [ -n "$body" ]; then
    write_body
    set -- "$@" --post-file "$work/body"
  fi
  code=0
  "$@" "$url" 2>"$work/error" </dev/null || code=$?
  rm -f "$work/body"
  if [ "$code" -eq 0 ]; then
    status=200
  else
    status=$(status_in_error)
  fi
  return "$E_NETWORK"
}

# The HTTP status in messages such as "HTTP error 456" and "server returned error: HTTP/1.1 456 unknown", or 000.
status_in_error() {
  found=$(sed -n 's/.*HTTP error \([1-9][0-9][0-9]\).*/\1/p;s/.*HTTP\/1\.[01] \([1-9][0-9][0-9]\).*/\1/p' "$work/error" | sed -n '$p')
  printf '%s\n' "${found:-000}"
}

# The reply, safe to print: printable ASCII, at most twenty lines, without the secret.
reply_text() {
  mask "$(tr -cd '\n\040-\176' <"$work/reply" | sed -n '1,20p')"
}

# Explains the status of a refusal, for transfer programs that discard the text of the reply.
status_meaning() {
  case $status in
    30[12378]) printf '%s\n' 'the server redirects; set SERVER to its final https:// address' ;;
    401 | 403) printf '%s\n' 'the secret was not accepted' ;;
    404) printf '%s\n' 'there is no dyndns server at this address' ;;
    452) printf '%s\n' 'an internal error of the server' ;;
    453) printf '%s\n' 'the name is invalid, or not in a zone of the server' ;;
    454) printf '%s\n' 'the address was not accepted' ;;
    455) printf '%s\n' 'the configuration of the server is invalid' ;;
    456) printf '%s\n' 'wrong secret, or a parameter that is not allowed (the TTL?)' ;;
    512) printf '%s\n' 'the nameserver did not accept the update' ;;
    429 | 503) printf '%s\n' 'the server is busy; try again later' ;;
    *) printf '%s\n' 'no explanation was given' ;;
  esac
}

refused() {
  text=$(reply_text)
  case $text in
    '' | *'<'*) text=$(status_meaning) ;;
  esac
  die "$E_REFUSED" "the server refused (HTTP $status): $text"
}

# --- Addresses ------------------------------------------------------------------------------------------------------

# Four decimal numbers from 0 to 255 without leading zeros.
is_ipv4() {
  case $1 in
    *[!0-9.]* | *..* | .* | *. | *.*.*.*.*) return 1 ;;
    *.*.*.*) ;;
    *) return 1 ;;
  esac
  remaining=$1.
  while [ -n "$remaining" ]; do
    octet=${remaining%%.*}
    remaining=${remaining#*.}
    case $octet in
      ????* | 0?*) return 1 ;;
    esac
    [ "$octet" -le 255 ] || return 1
  done
}

# Requests the client's address from the server over IPv4. Sets `ipv4`, or returns an exit code.
find_ipv4() {
  ipv4=''
  request /myip '' 4 || return
  [ "$status" = 200 ] || refused
  ipv4=$(tr -d '\r' <"$work/reply" | sed -n 1p)
  is_ipv4 "$ipv4" && return
  warn "the server's /myip did not return an IPv4 address but '$(reply_text | sed -n '1s/^\(.\{0,60\}\).*/\1/p')'"
  ipv4=''
  return "$E_NO_ADDRESS"
}

# Prints "ADDRESS/LENGTH WORD..." for each IPv6 address of the interface. Reads the output of ip of iproute2 and of BusyBox
# (which calls a temporary address "secondary"). Without ip it reads the kernel's table; ifconfig does not print the flags.
list_ipv6() {
  if command -v ip >/dev/null 2>&1 && ip -6 addr show dev "$device" 2>/dev/null >"$work/interface"; then
    sed -n 's/^ *inet6 //p' "$work/interface"
  elif [ -r "$address_table" ]; then
    list_ipv6_of_kernel <"$address_table"
  fi
}

# Lines such as "20010db8000000000000000000000001 02 3c 00 a0 br-lan": address, index, length, scope, flags (all hexadecimal),
# interface. Scope 00 is global; the flags are those of Linux's if_addr.h.
list_ipv6_of_kernel() {
  while read -r digits _ length scope flags name; do
    case $name:$scope in
      "$device:00") ;;
      *) continue ;;
    esac
    words='scope global'
    [ $((0x$flags & 0x01)) -eq 0 ] || words="$words temporary"
    [ $((0x$flags & 0x04)) -eq 0 ] || words="$words optimistic"
    [ $((0x$flags & 0x08)) -eq 0 ] || words="$words dadfailed"
    [ $((0x$flags & 0x20)) -eq 0 ] || words="$words deprecated"
    [ $((0x$flags & 0x40)) -eq 0 ] || words="$words tentative"
    printf '%s/%s %s\n' "$(printf '%s\n' "$digits" | sed 's/..../&:/g;s/:$//')" "$((0x$length))" "$words"
  done
}

# Selects from the lines of list_ipv6: public before fc00::/7 (only with ULA=yes), permanent before temporary before
# deprecated (RFC 4862 section 5.5.4, RFC 8981 section 3); the first of equals. LONGEST is the maximum prefix length.
choose_ipv6() { # LONGEST
  best=''
  best_rank=99
  while read -r address words; do
    case " $words " in
      *' tentative '* | *' dadfailed '* | *' optimistic '*) continue ;;
      *' scope global '*) ;;
      *) continue ;;
    esac
    length=${address#*/}
    if [ "$length" = "$address" ]; then # "ADDRESS peer OTHER/LENGTH"
      length=128
    fi
    is_number "$length" || continue
    [ "$length" -le "$1" ] || continue
    case $address in
      [23]???:*) rank=1 ;;
      [fF][cCdD]??:*)
        [ "$ULA" = yes ] || continue
        rank=4
        ;;
      *) continue ;;
    esac
    case " $words " in
      *' deprecated '*) rank=$((rank + 2)) ;;
      *' temporary '* | *' secondary '*) rank=$((rank + 1)) ;;
    esac
    if [ "$rank" -lt "$best_rank" ]; then
      best_rank=$rank
      best=${address%%/*}/$length
    fi
  done
  [ -z "$best" ] || printf '%s\n' "$best"
}

# The network of ADDRESS/LENGTH with a length of at most 64: "2001:db8:0:10:1::1/60" gives "2001:db8:0:10::/60".
network_of() {
  whole_length=${1#*/}
  length=$whole_length
  address=${1%/*}
  left=${address%%::*}
  right=''
  case $address in
    *::*) right=${address#*::} ;;
  esac
  old_ifs=$IFS
  IFS=:
  # shellcheck disable=SC2086 # split at the colons
  set -- $right
  zeros=$((8 - $#))
  # shellcheck disable=SC2086 # split at the colons
  set -- $left
  zeros=$((zeros - $#))
  while [ "$zeros" -gt 0 ]; do
    set -- "$@" 0
    zeros=$((zeros - 1))
  done
  # shellcheck disable=SC2086 # split at the colons
  set -- "$@" $right
  IFS=$old_ifs
  network=''
  for group in "$1" "$2" "$3" "$4"; do
    if [ "$length" -ge 16 ]; then
      bits=16
    else
      bits=$length
    fi
    length=$((length - bits))
    network="$network$(printf '%x' $((0x$group & (0xffff << (16 - bits)) & 0xffff))):"
  done
  printf '%s:/%s\n' "$network" "$whole_length"
}

# --- Main -----------------------------------------------------------------------------------------------------------

find_transport
work=''
# shellcheck disable=SC2317 # called by the trap
clean_up() {
  [ -z "$work" ] || rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
work=$(mktemp -d "${TMPDIR:-/tmp}/dyndns-update.XXXXXX") || die "$E_CONFIG" 'a temporary directory could not be created'

[ -z "$sleep_seconds" ] || sleep "$sleep_seconds"

secret_field="secret=$(encode "$SECRET")"

# Sends the prefix of the interface; the server moves the AAAA records of the host and its members to it.
update_prefix() {
  found=$(list_ipv6 | choose_ipv6 64)
  [ -n "$found" ] || die "$E_NO_ADDRESS" "the interface '$device' has no global IPv6 prefix of 64 bits or fewer"
  prefix=$(network_of "$found")
  if [ "$record" = '@' ]; then
    host=$ZONE
  else
    host=$record.$ZONE
  fi
  request /nic/update "$secret_field&hostname=$(encode "$host")&ipv6prefix=$(encode "$prefix")${TTL:+&ttl=$TTL}"
  text=$(reply_text)
  case $status:$text in
    200:good\ *:* | 200:nochg\ *:*) printf '%s (prefix %s)\n' "$text" "$prefix" ;;
    200:badauth* | 200:nohost* | 200:notfqdn* | 200:numhost* | 200:!* | 200:abuse* | 200:dnserr* | 200:badagent* | 200:911*) refused ;;
    2??:* | 400:* | 404:* | 405:* | 415:* | 501:*)
      die "$E_NO_PREFIX_SUPPORT" "the server does not accept prefixes at /nic/update (HTTP $status); use -6 instead of -p"
      ;;
    *) refused ;;
  esac
}

update_addresses() {
  missing=0
  addresses=''
  if [ -n "$want_ipv4" ]; then
    tolerant=$want_ipv6
    if find_ipv4; then
      addresses="$addresses&ipv4=$ipv4"
    else
      missing=$?
    fi
    tolerant=''
  fi
  if [ -n "$want_ipv6" ]; then
    found=$(list_ipv6 | choose_ipv6 128)
    if [ -n "$found" ]; then
      addresses="$addresses&ipv6=$(encode "${found%/*}")"
    else
      warn "the interface '$device' has no global IPv6 address"
      missing=$E_NO_ADDRESS
    fi
  fi
  # Without an address parameter the server would use the client's address, of either family.
  [ -n "$addresses" ] || exit "$missing"
  request /update-by-query "$secret_field&zone_name=$(encode "$ZONE")&record_name=$(encode "$record")$addresses${TTL:+&ttl=$TTL}"
  case $status:$(reply_text) in
    200:UPDATED:* | 200:UNCHANGED:*) reply_text ;;
    200:*) die "$E_REFUSED" "unexpected answer from $SERVER: $(reply_text | sed -n '1s/^\(.\{0,80\}\).*/\1/p')" ;;
    *) refused ;;
  esac
  # The available family is published; the exit code reports the missing one.
  exit "$missing"
}

if [ -n "$prefix_only" ]; then
  update_prefix
else
  update_addresses
fi
