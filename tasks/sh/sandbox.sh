# Runs in the unit of prove.sh, with these set in front of it:
#   staged  the directory of a transaction whose files are loaded, or nothing: the live files are
#   seconds  how long containerd may take
#   binary ctr socket config  of the live daemon
#   plugins  filters that name the plugins whose failure is told, one a line
#   covers  directories that are empty here  needed  files that stay, there or elsewhere; a path a line
# Without `binary` it only says whether a sandbox can be made.

# Whether systemd gave this unit a namespace of its own; where it may not, it goes on without and says nothing.
alone() {
    outside=$(readlink "/proc/1/ns/$1") && [ "$(readlink "/proc/self/ns/$1")" != "$outside" ]
}
alone mnt && alone net || fail "systemd makes no namespaces here: no privileges for them"

# One tmpfs has what every covered directory holds, at the same path. It waits here until /run itself is covered.
stage=/run/systemd
mount -t tmpfs -o mode=0755,size=256m tmpfs "$stage" 2>/dev/null || fail "root may not mount anything here"
[ -n "${binary:-}" ] || exit 0
set -f
IFS=$newline

# A path of whose directories none is a link.
place() {
    printf '%s/%s\n' "$(readlink -f "$(dirname "$1")")" "$(basename "$1")"
}

# Has a file stay, although a directory above it is covered.
keep() {
    [ -f "$1" ] && [ ! -e "$stage$1" ] || return 0
    mkdir -p "$stage$(dirname "$1")" && : >"$stage$1" && mount --bind "$1" "$stage$1"
}

# Puts a writable copy of a directory in its place.
copy() {
    mkdir -p "$stage/copies$1" && cp -a "$1/." "$stage/copies$1" && mount --bind "$stage/copies$1" "$1"
}

# A file that is not there yet needs a place to be bound to: the live file system must not get one.
load() {
    if [ ! -e "$2" ]; then
        there=$(dirname "$2")
        while [ ! -d "$there" ]; do there=$(dirname "$there"); done
        [ "$there" != / ] && copy "$there" && mkdir -p "$(dirname "$2")" && : >"$2" || return 1
    fi
    mount --bind "$1" "$2" 2>/dev/null
}

if [ -n "$staged" ]; then
    number=0
    while IFS="$tab" read -r kind before after spare path; do
        number=$((number + 1))
        [ "$kind" != config ] || load "$staged/after/$number" "$path" || fail "$path cannot be bound"
    done <"$staged/manifest"
fi

# Those that are there, without links, parents first.
resolved=$(for directory in $covers; do readlink -e "$directory"; done | sort -u)
umask 022
for directory in $resolved; do
    case $directory in
        / | /bin | /boot | /dev | /dev/* | /etc | /lib | /lib64 | /proc | /proc/* | /sbin | /sys | /sys/* | /usr)
            fail "$directory, which the configuration names, cannot be hidden"
            ;;
    esac
    mkdir -p "$stage$directory" && chmod "$(stat -c %a "$directory")" "$stage$directory" || exit 1
done
mkdir -p "$stage/run/systemd/system" "$stage/run/containerd-fleet" || exit 1
# As it is named, and as it is: a link may be covered, or lead to what is.
for path in $needed; do
    keep "$path"
    keep "$(place "$path")"
done
for directory in $resolved; do
    case $directory in /run | /run/*) continue ;; esac
    mount --rbind "$stage$directory" "$directory" 2>/dev/null || fail "$directory cannot be hidden"
done
mount --rbind "$stage/run" /run 2>/dev/null || fail "/run cannot be hidden"

# Of the node's own network there is what can be listened on, and a default route where the node has one: CRI takes the
# address behind that where it is told none.
outside() {
    nsenter --target 1 --net ip "$@"
}
if command -v ip >/dev/null; then
    {
        outside -o addr show scope global | while IFS=' ' read -r number device family address rest; do
            echo "addr add ${address%/*} dev lo"
        done
        [ -z "$(outside -4 route show default)" ] || echo "route add default dev lo"
        [ -z "$(outside -6 route show default)" ] || echo "-6 route add default dev lo"
    } | ip -force -batch -
fi >/dev/null 2>&1

own=/run/containerd-fleet
"$binary" --config "$config" --address "$socket" --root "$own/root" --state "$own/state" </dev/null >"$own/log" 2>&1 &
pid=$!
now() { cut -d . -f 1 /proc/uptime; }
deadline=$(($(now) + seconds))
rows=
until [ -S "$socket" ] && rows=$(timeout 5 "$ctr" -a "$socket" plugins ls 2>/dev/null) && [ -n "$rows" ]; do
    kill -0 "$pid" 2>/dev/null || break
    [ "$(now)" -lt "$deadline" ] || break
    sleep 0.02
done
printf '%s\n' "$rows" | emit plugins
set --
for plugin in $plugins; do set -- "$@" "$plugin"; done
[ -z "$rows" ] || timeout 5 "$ctr" -a "$socket" plugins ls -d "$@" 2>/dev/null | emit details
# CRI opens its ports once it is loaded, and the daemon exits where it cannot.
[ -z "$rows" ] || sleep 0.1
if kill -KILL "$pid" 2>/dev/null; then echo yes | emit alive; fi
wait "$pid" 2>/dev/null
# Not the whole: containerd writes its configuration there, credentials and all.
grep -E '^(containerd|panic|fatal error): |level"?[=:]"?(error|fatal|panic)' "$own/log" | tail -n 20 | emit log
exit 0
