# The first part of fleet-node, the program that talks for a node: what every subcommand uses.
# All parts are POSIX sh and are joined to one text (node/__init__.py). The node needs sh, coreutils, grep, findutils,
# util-linux, systemctl and ctr.
#
# The caller leaves that text in the shell variable `program` and evaluates it, so that `prepare` can write it into a
# transaction. Nothing else is taken from outside but options and standard input.
set -u
# Where all paths of the node begin. Tests replace this line in the text; it never comes from the environment.
prefix=''
export LC_ALL=C
export PATH="$prefix/usr/local/sbin:$prefix/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
export CONTAINERD_SUPPRESS_DEPRECATION_WARNINGS=1
umask 077
unset IFS
set +f

base=$prefix/var/lib/containerd-fleet
units=$prefix/etc/systemd/system
proc=$prefix/proc
revert=containerd-fleet-revert
unit=containerd.service
# The format of a transaction's directory that this program writes. One without the file `format` is of release 0.1.
format=2
tab=$(printf '\t')
cr=$(printf '\r')
newline='
'
marker=''
program=${program-}

# Exit codes that are the same for every subcommand: 1 it failed, and stderr ends with the reason; 2 it was called
# wrongly. Each subcommand names its others.
fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

usage() {
    printf 'fleet-node: %s\n' "$*" >&2
    exit 2
}

# Print one value: `=BASE64 NAME` of what comes on standard input. A name is one line.
emit() {
    printf '=%s %s\n' "$(base64 -w0)" "$1"
}

# The same of a value that is a word or a few lines.
emit_text() {
    printf '%s' "$2" | emit "$1"
}

# Print a line that no banner, no sudo and no file of the node can imitate: the caller chose the marker at random.
report() {
    [ -z "$marker" ] || printf '@%s %s\n' "$marker" "$*"
}

# Read the values of standard input, `=BASE64 NAME` lines, into files below the directory $1, up to a line `.`.
receive() {
    while read -r received_data received_name; do
        [ "$received_data" != . ] || return 0
        case /$received_name/ in
            *//* | */../* | */./*) fail "a value that arrived has the name '$received_name'" ;;
        esac
        printf '%s' "${received_data#=}" | base64 -d >"$1/$received_name" || return 1
    done
    return 1
}

# A run's name may become a path and a unit's name, and nothing else.
check_run() {
    case $1 in
        current | [0-9]*) ;;
        *) usage "'$1' is not the name of a run" ;;
    esac
    case $1 in
        *[!A-Za-z0-9-]*) usage "'$1' is not the name of a run" ;;
    esac
}

# Return whether a path has no control characters: with a tab or a newline in it, manifests and answers would be misread.
is_plain() {
    case $1 in
        *[[:cntrl:]]*) return 1 ;;
    esac
}

# Print the seconds of this boot: ownership and timers must not follow a clock that somebody sets.
uptime_seconds() {
    cut -d. -f1 "$proc/uptime"
}

boot_id() {
    cat "$proc/sys/kernel/random/boot_id"
}

# Print the sha256 of a file, or "absent".
sum() {
    if [ -e "$1" ]; then sha256sum <"$1" | cut -c1-64; else echo absent; fi
}

# Print mode, owner and group of a file.
permissions() {
    stat -c '%a %u %g' "$1" 2>/dev/null
}

# Print the sockets in the file system that somebody listens on, a line each, from the kernel's own table.
listening() {
    grep ' 00010000 ' "$proc/net/unix" | tr -s ' ' | cut -d' ' -f8-
}
