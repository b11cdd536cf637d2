# The sandbox test: a second containerd loads the candidate, on a read-only view of the node in which its own
# directories are empty and its network is cut off. Nothing of it stays.

# Print what it answered, each name with `candidate.` in front: plugins, details, alive and log, or `failure` where no
# sandbox can be made. Where a plugin of CRI is not ok the live files are tried too (`live.`): the caller can tell the
# candidate's fault from the sandbox's.
test_in_sandbox() {
    txn=$base/$opt_run
    read_recorded "$txn"
    attempt candidate
    is_attempt_ok && return
    [ ! -s "$txn/manifest" ] || attempt live
}

attempt() {
    errors=$txn/sandbox.$1
    attempted=$(start_sandbox "$1" 2>"$errors") || attempted="=$(tail -n 1 "$errors" | base64 -w0) failure"
    rm -f "$errors"
    printf '%s\n' "$attempted" | while read -r value name; do
        case $value in
            =*) printf '%s %s.%s\n' "$value" "$1" "$name" ;;
        esac
    done
}

is_attempt_ok() {
    rows=$(printf '%s\n' "$attempted" | grep ' plugins$' | cut -d' ' -f1 | cut -c2- | base64 -d | tr -s ' \t' ' ')
    for plugin in $(printf '%s' "$plugins"); do
        printf '%s\n' "$rows" | grep -q "^${plugin%/*} ${plugin##*/} .*ok *$" || return 1
    done
    printf '%s\n' "$attempted" | grep -q ' alive$'
}

# This program goes through standard input: systemd replaces variables in a command line. In braces, the shell reads it
# whole before it begins.
start_sandbox() {
    systemd=$(systemctl --version 2>/dev/null | head -n 1 | cut -d ' ' -f 2)
    systemd=${systemd%%[!0-9]*}
    command -v systemd-run >/dev/null || fail "systemd-run is not installed here"
    # PrivateMounts= came with systemd 239, CollectMode= with 236, --pipe with 235.
    [ "${systemd:-0}" -ge 239 ] || fail "systemd ${systemd:-of unknown version} is too old for a sandbox (239 or later)"
    printf '{\n%s\n} </dev/null\n' "$program" |
        systemd-run --quiet --collect --wait --pipe --unit="containerd-fleet-sandbox-$opt_run-$1" \
            -p PrivateNetwork=yes -p PrivateMounts=yes -p MountFlags=slave -p ProtectSystem=strict \
            -p ProtectHome=read-only -p ProtectControlGroups=yes -p RuntimeMaxSec="$((opt_sandbox + 10))" \
            -p KillMode=control-group -p KillSignal=SIGKILL -p TimeoutStopSec=5 \
            /bin/sh -s sandbox --run "$opt_run" --files "$1" --sandbox "$opt_sandbox"
    status=$?
    case $status in
        # EXIT_NETWORK and EXIT_NAMESPACE of systemd.exec(5).
        225 | 226) fail "systemd cannot make namespaces here: no privileges for them, or a kernel without them" ;;
    esac
    return "$status"
}

# sandbox --run RUN --files candidate|live --sandbox SECONDS: what runs in that unit.
run_sandbox() {
    if ! is_alone mnt || ! is_alone net; then fail "systemd makes no namespaces here: no privileges for them"; fi
    txn=$base/$opt_run
    read_recorded "$txn"
    covers=$(cat "$txn/covers") needed=$(cat "$txn/needed")
    # One tmpfs has what every covered directory holds, at the same path. It waits here until /run itself is covered.
    stage=$prefix/run/systemd
    mount -t tmpfs -o mode=0755,size=256m tmpfs "$stage" 2>/dev/null || fail "root may not mount anything here"
    set -f
    IFS=$newline
    [ "$opt_files" = live ] || load_candidate
    cover_directories
    lend_addresses >/dev/null 2>&1
    try_containerd
    exit 0
}

# Return whether systemd gave this unit a namespace of its own; where it may not, it goes on without and says nothing.
is_alone() {
    outside=$(readlink "$proc/1/ns/$1") && [ "$(readlink "$proc/self/ns/$1")" != "$outside" ]
}

load_candidate() {
    number=0
    while next_file; do
        number=$((number + 1))
        [ "$kind" != config ] || load "$txn/after/$number" "$path" || fail "$path cannot be bound"
    done <"$txn/manifest"
}

# A file that is not there yet needs a place to be bound to: the live file system must not get one.
load() {
    if [ ! -e "$2" ]; then
        parent=$(existing_parent "$2")
        [ "$parent" != / ] && copy_directory "$parent" && mkdir -p "$(dirname "$2")" && : >"$2" || return 1
    fi
    mount --bind "$1" "$2" 2>/dev/null
}

# Put a writable copy of a directory in its place.
copy_directory() {
    mkdir -p "$stage/copies$1" && cp -a "$1/." "$stage/copies$1" && mount --bind "$stage/copies$1" "$1"
}

# Hide the directories that containerd writes to, parents first, and keep the files in them that it reads.
cover_directories() {
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
        keep "$(readlink -f "$(dirname "$path")")/$(basename "$path")"
    done
    for directory in $resolved; do
        case $directory in
            /run | /run/*) continue ;;
        esac
        mount --rbind "$stage$directory" "$directory" 2>/dev/null || fail "$directory cannot be hidden"
    done
    mount --rbind "$stage/run" "$prefix/run" 2>/dev/null || fail "/run cannot be hidden"
}

# Have a file stay, although a directory above it is covered.
keep() {
    [ -f "$1" ] && [ ! -e "$stage$1" ] || return 0
    mkdir -p "$stage$(dirname "$1")" && : >"$stage$1" && mount --bind "$1" "$stage$1"
}

# Of the node's own network there is what can be listened on, and a default route where the node has one: CRI takes the
# address behind that where it is told none.
lend_addresses() {
    command -v ip || return 0
    {
        outside_ip -o addr show scope global | while IFS=' ' read -r _ _ _ address _; do
            echo "addr add ${address%/*} dev lo"
        done
        [ -z "$(outside_ip -4 route show default)" ] || echo "route add default dev lo"
        [ -z "$(outside_ip -6 route show default)" ] || echo "-6 route add default dev lo"
    } | ip -force -batch -
}

outside_ip() {
    nsenter --target 1 --net ip "$@"
}

try_containerd() {
    sandbox=$prefix/run/containerd-fleet
    "$binary" --config "$config" --address "$socket" --root "$sandbox/root" --state "$sandbox/state" \
        </dev/null >"$sandbox/log" 2>&1 &
    daemon=$!
    deadline=$(($(uptime_seconds) + opt_sandbox))
    rows=''
    until [ -S "$socket" ] && rows=$(timeout 5 "$ctr" -a "$socket" plugins ls 2>/dev/null) && [ -n "$rows" ]; do
        kill -0 "$daemon" 2>/dev/null && [ "$(uptime_seconds)" -lt "$deadline" ] || break
        sleep 0.02
    done
    printf '%s\n' "$rows" | emit plugins
    if [ -n "$rows" ]; then
        ask_details | emit details
        # CRI opens its ports once it is loaded, and the daemon exits where it cannot.
        sleep 0.1
    fi
    if kill -KILL "$daemon" 2>/dev/null; then emit_text alive yes; fi
    wait "$daemon" 2>/dev/null
    # Not the whole: containerd writes its configuration there, credentials and all.
    grep -E '^(containerd|panic|fatal error): |level"?[=:]"?(error|fatal|panic)' "$sandbox/log" | tail -n 20 | emit log
}

ask_details() {
    set --
    IFS=' '
    for plugin in $plugins; do set -- "$@" "type==${plugin%/*},id==${plugin##*/}"; done
    timeout 5 "$ctr" -a "$socket" plugins ls -d "$@" 2>/dev/null
}
