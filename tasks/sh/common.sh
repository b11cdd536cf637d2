# Put in front of every script of this folder. The node needs sh, coreutils, util-linux, systemctl and ctr.
set -u
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export CONTAINERD_SUPPRESS_DEPRECATION_WARNINGS=1
umask 077
base=/var/lib/containerd-fleet
unit=containerd.service
units=/etc/systemd/system
revert=containerd-fleet-revert
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

# Seconds of this boot: ownership and timers must not follow a clock that somebody sets.
now() {
    cut -d. -f1 /proc/uptime
}

boot_id() {
    cat /proc/sys/kernel/random/boot_id
}

# Who began a transaction, and when; sets deadline (in seconds of the boot) and boot as well.
whose() {
    owner=somebody since=unknown deadline=0 boot=
    [ ! -f "$base/$1/owner" ] || . "$base/$1/owner"
    printf 'run %s of %s, since %s' "$1" "$owner" "$since"
}

# The sockets in the file system that somebody listens on, a line each, from the kernel's own table.
listening() {
    grep ' 00010000 ' /proc/net/unix | tr -s ' ' | cut -d' ' -f8-
}

# Held around each change of a transaction's state, never longer than one script.
lock() {
    exec 9>>"$base/lock" || fail "cannot write below $base"
    flock -w 20 9 || fail "$base/lock is held by $(whose "$(basename "$(readlink "$base/current")")")"
}

# Removes a transaction's copies beside the live files, and what its arming was cut off at.
unspare() {
    rm -f "$units/$revert-$1.new"
    [ ! -f "$base/$1/manifest" ] || while IFS="$tab" read -r kind before after spare path; do
        rm -f "$spare.before" "$spare.after"
    done <"$base/$1/manifest"
}

# The boot unit and the revert timer of a transaction that has come to its end. The timer last: where this is cut off,
# what it starts does the rest.
disarm() {
    case $(cat "$units/$revert.service" 2>/dev/null) in
        *"$1"*) rm -f "$units/multi-user.target.wants/$revert.service" "$units/$revert.service" ;;
    esac
    rm -f "$base/$1/armed"
    systemctl stop "$revert-$1.timer" 2>/dev/null
}

state() {
    cat "$base/$1/state" 2>/dev/null || echo none
}

# Written ahead of each act.
set_state() {
    printf '%s\n' "$2" >"$base/$1/state.new" && sync "$base/$1/state.new" && mv -f "$base/$1/state.new" "$base/$1/state"
}
