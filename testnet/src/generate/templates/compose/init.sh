#!/bin/sh
# Makes the data directories of network {{network}}: once, before its first start. Uses the command in $COMPOSE, or
# else `docker compose`.
#
# Each node that it has done is noted in this directory, away from the volumes: if a volume is lost, the note is still
# there, and nothing is made anew. (A node refuses to begin anew by itself.)
set -eu
cd "$(dirname "$0")"
compose=${COMPOSE:-docker compose}

for node in {{nodes}}; do
    # If its volume is lost, so is its acceptor (README.md).
    if [ -e "$node.initialised" ]; then
        echo "init.sh: node $node has been made before ($node.initialised)"
        continue
    fi
    $compose --profile init run --rm --no-deps "$node-init"
    date -u +%Y-%m-%dT%H:%M:%SZ >"$node.initialised"
done
