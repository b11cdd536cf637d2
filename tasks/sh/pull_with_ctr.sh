# In front of pull.sh. $1 the directory of hosts.toml files, or empty  $2 a port that must be closed here, or empty
# Without a directory: one of its own, of what is on standard input, a line each: DIRECTORY, tab, hosts.toml in base64.
# Pulls with ctr into a namespace of its own, which is gone afterwards.
space=containerd-fleet-verify

there() {
    timeout 20 "$ctr" -a "$socket" namespaces ls -q 2>/dev/null | grep -qx "$space"
}

# What no image holds any more goes with it; what an interrupted pull left is taken away piece by piece.
clean() {
    for attempt in 1 2 3; do
        there || return 0
        in_space images ls -q | while read -r each; do in_space images rm --sync "$each"; done
        in_space leases ls -q | while read -r each; do in_space leases rm --sync "$each"; done
        in_space snapshots ls | tail -n +2 | while read -r each rest; do in_space snapshots rm "$each"; done
        in_space content ls -q | while read -r each; do in_space content rm "$each"; done
        timeout 20 "$ctr" -a "$socket" namespaces rm "$space" 2>/dev/null
    done >/dev/null
    ! there
}

prepare() {
    if [ -n "$2" ] && grep -q ":$(printf %04X "$2") [0-9A-F]*:0000 0A " /proc/net/tcp /proc/net/tcp6 2>/dev/null; then
        fail "something listens on port $2 here"
    fi
    clean || fail "the namespace $space of an earlier verification cannot be removed: look at it with $ctr -n $space"
    hosts=$1
    if [ -z "$hosts" ]; then
        hosts=$work/hosts
        while IFS="$tab" read -r directory text; do
            mkdir -p "$hosts/$directory" && printf '%s' "$text" | base64 -d >"$hosts/$directory/hosts.toml" ||
                fail "no room below /run"
        done
    fi
    # ctr of 1.x asks registries by itself, and is to do so through the proxy that containerd has in its environment.
    pid=$(systemctl show "$unit" -p MainPID --value)
    set -f
    IFS=$newline
    for setting in $(tr '\0' '\n' <"/proc/${pid:-0}/environ" 2>/dev/null | grep -iE '^(http|https|no)_proxy='); do
        export "${setting?}"
    done
    unset IFS
}

ask() {
    exec timeout -k 2 "$seconds" "$ctr" -a "$socket" -n "$space" images pull --hosts-dir "$hosts" "$image"
}

undo() {
    clean || say_left "the namespace $space is left here: look at it with $ctr -n $space"
}
