# Put in front of every script of this folder. The node needs sh, coreutils, util-linux, systemctl and ctr.
set -u
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export CONTAINERD_SUPPRESS_DEPRECATION_WARNINGS=1
umask 077
base=/var/lib/containerd-fleet
unit=containerd.service
tab=$(printf '\t')
newline='
'

# One answer: a name, and what comes on standard input in base64 (the wire of tasks/wire.py).
emit() {
    printf '=%s %s\n' "$(base64 -w0)" "$1"
}

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# The sha256 of a file, or "absent".
sum() {
    if [ -e "$1" ]; then sha256sum <"$1" | cut -c1-64; else echo absent; fi
}

# Held around each change of a transaction's state, never longer than one script.
lock() {
    exec 9>>"$base/lock" || fail "cannot write below $base"
    flock -w 20 9 || fail "another run holds $base/lock"
}

state() {
    cat "$base/$1/state" 2>/dev/null || echo none
}

# Written ahead of each act.
set_state() {
    printf '%s\n' "$2" >"$base/$1/state.new" && sync "$base/$1/state.new" && mv -f "$base/$1/state.new" "$base/$1/state"
}
