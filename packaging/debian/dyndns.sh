#!/bin/sh
# The command dyndns, run by the Node.js of this package.
here=$(dirname "$(readlink -f "$0")")
exec "$here/node" "$here/dyndns.js" "$@"
