#!/bin/sh
# Installs the nodes of network {{network}} that belong to this host: {{nodes}}.
#
#     sudo ./install.sh --first     on a new host: makes the data directories as well, and starts the nodes
#     sudo ./install.sh             later: a new configuration or new units; the nodes are not restarted
#
# It never touches data that is there. What --first has done is noted beside the keys, away from the data: if the data
# is lost, the note is still there, and nothing is made anew.
set -eu
cd "$(dirname "$0")"
etc=/etc/hpaxos/{{network}}
lib=/var/lib/hpaxos/{{network}}
hpaxos=/usr/local/bin/hpaxos
nodes="{{nodes}}"

fail() {
    echo "install.sh: $*" >&2
    exit 1
}

first=no
case "${1-}" in
    --first) first=yes ;;
    '') ;;
    *) fail "unknown argument '$1'; the only one is --first" ;;
esac
[ "$(id -u)" = 0 ] || fail "this needs root: sudo $0 $*"
[ -x "$hpaxos" ] || fail "there is no $hpaxos: put the program there first"
for node in $nodes; do
    [ -e "$node.key" ] || [ -e "$etc/$node.key" ] ||
        fail "there is no key of node $node, neither here as $node.key nor as $etc/$node.key"
    if [ "$first" = no ] && [ ! -e "$etc/$node.initialised" ]; then
        fail "node $node has never been started here: use --first if it has not been anywhere else"
    fi
done

id hpaxos >/dev/null 2>&1 || useradd --system --user-group --no-create-home --shell /usr/sbin/nologin hpaxos
install -d -m 0755 /etc/hpaxos "$etc" /var/lib/hpaxos "$lib"
install -m 0644 network.toml "$etc/network.toml"
for node in $nodes; do
    # Later it may be there alone.
    [ ! -e "$node.key" ] || install -m 0400 -o hpaxos -g hpaxos "$node.key" "$etc/$node.key"
    install -m 0644 "hpaxos-{{network}}-$node.service" /etc/systemd/system/
    install -d -m 0700 -o hpaxos -g hpaxos "$lib/$node"
done
systemctl daemon-reload
[ "$first" = yes ] || exit 0

for node in $nodes; do
    # Whoever was begun before is not begun again: if its data is lost, so is its acceptor (README.md).
    if [ -e "$etc/$node.initialised" ]; then
        echo "node $node has been begun before ($etc/$node.initialised)"
        continue
    fi
    runuser -u hpaxos -- "$hpaxos" storage init --config "$etc/network.toml" --name "$node" \
        --key "$etc/$node.key" --data "$lib/$node/data"
    date -u +%Y-%m-%dT%H:%M:%SZ >"$etc/$node.initialised"
    sync "$etc/$node.initialised" "$etc"
done
for node in $nodes; do
    systemctl enable --now "hpaxos-{{network}}-$node.service"
done
