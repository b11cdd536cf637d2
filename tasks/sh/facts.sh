# What the node is and runs, in one reading: each option is one thing more to look at, and with any of them nothing else
# is read. `answered` says what was looked at: a line each, the option's name and its value.
#   --import PATTERN   files that containerd may load    --root DIR   the hosts.toml files below it
#   --exists PATH      whether it is there               --space DIR  what is free where it lies
#   --socket PATH      containerd's plugins and version, as it answers there

set -f
IFS=$newline
answered=
spaces=
# $1 an option's name  $2 its value: fails where that was looked at already.
once() {
    case $newline$answered in *"$newline$1 $2$newline"*) return 1 ;; esac
    answered=$answered"$1 $2$newline"
}

# $1 file  $2 what it is emitted as: its text, where it leads, its last change in seconds since the epoch.
file() {
    emit "$2:$1" <"$1"
    readlink -f "$1" | emit "real:$1"
    stat -L -c %.3Z "$1" | emit "changed:$1"
}

# The strings of all arrays `imports` in a file, a line each, made absolute. What no such scan finds is asked for later.
imports_of() {
    directory=$(dirname "$1")
    grep -v '^[[:blank:]]*#' "$1" | tr '\n' ' ' | grep -oiE "imports[\"']?[[:blank:]]*=[[:blank:]]*\[[^]]*\]" |
        grep -oE "\"[^\"]*\"|'[^']*'" | tr -d "\"'" | while read -r name; do
        case $name in /*) printf '%s\n' "$name" ;; ?*) printf '%s\n' "$directory/$name" ;; esac
    done
}

# The values of all keys `config_path` in a file, which may have several directories with colons between them.
roots_of() {
    grep -v '^[[:blank:]]*#' "$1" | grep -oE "config_path[\"']?[[:blank:]]*=[[:blank:]]*(\"[^\"]*\"|'[^']*')" |
        grep -oE "(\"[^\"]*\"|'[^']*')\$" | tr -d "\"'" | tr ':' '\n' | grep '^/'
}

# $1 file: reads what it imports, and what that imports; `roots` gets the directories of hosts.toml files that they name.
scan() {
    roots=$roots$newline$(roots_of "$1")
    for pattern in $(imports_of "$1"); do
        [ "${#answered}" -lt 16384 ] && once import "$pattern" || continue
        for each in $(matching "$pattern"); do
            file "$each" file
            scan "$each"
        done
    done
}

# The files that a path or a pattern names, a line each.
matching() {
    set +f
    for path in $1; do
        [ ! -f "$path" ] || printf '%s\n' "$path"
    done
}

read_root() {
    once root "$1" || return 0
    for each in $(matching "$1/*/hosts.toml"); do
        file "$each" hosts
    done
}

space() {
    once space "$1" || return 0
    place=$1
    until [ -d "$place" ]; do place=$(dirname "$place"); done
    left=$(timeout 5 df -B1 --output=avail,itotal,iavail,target "$place" 2>/dev/null | tail -n 1)
    spaces=$spaces$1$tab$left$newline
}

# $1 socket: what answers there now, and a crictl that can ask it: one that cannot will not tell anything later on either.
ask() {
    once socket "$1" || return 0
    told= complaint= crictl=
    [ -S "$1" ] && crictl=$(command -v crictl) && {
        told=$(CONTAINER_RUNTIME_ENDPOINT=unix://$1 timeout 10 "$crictl" info 2>&1 >/dev/null) || {
            complaint="$crictl: $(printf '%s\n' "$told" | tail -n 1)"
            crictl=
        }
    }
    printf '%s' "$crictl" | emit crictl
    printf '%s' "$complaint" | emit crictl_complaint
    answer "$1" plugins ls | emit plugins
    answer "$1" plugins ls -d 'type==io.containerd.grpc.v1,id==cri' | emit cri
    answer "$1" version | emit versions
}

# $1 socket, then what ctr asks there; nothing where nobody listens: ctr would wait for it.
answer() {
    socket=$1
    shift
    [ ! -S "$socket" ] || timeout 10 "$ctr" -a "$socket" "$@" 2>/dev/null
}

# Sets what the daemon's process says: its program, and its command line.
process() {
    binary=$(readlink "/proc/$1/exe")
    case $binary in *" (deleted)") echo yes | emit replaced ;; esac
    binary=${binary% (deleted)}
    tr '\0' '\n' <"/proc/$1/environ" | grep -iE '^(HTTP|HTTPS|NO)_PROXY=' | emit environment
    last=
    for word in $(tr '\0' '\n' <"/proc/$1/cmdline"); do
        case $last in
            -c | --config | -config) config=$word ;;
            -a | --address | -address) address=$word ;;
            --root | -root) root=$word ;;
            --state | -state) state=$word ;;
        esac
        case $word in
            -c=* | --config=* | -config=*) config=${word#*=} ;;
            -a=* | --address=* | -address=*) address=${word#*=} ;;
            --root=* | -root=*) root=${word#*=} ;;
            --state=* | -state=*) state=${word#*=} ;;
        esac
        last=$word
    done
}

# The active units that systemd restarts or stops together with containerd's.
bound() {
    systemctl show "$unit" -p BoundBy,ConsistsOf,RequiredBy --value | tr ' ' '\n' | sort -u | while read -r other; do
        case $other in ?*) [ "$(systemctl is-active "$other")" != active ] || printf '%s\n' "$other" ;; esac
    done
}

machine() {
    shown=LoadState,ActiveState,MainPID,NeedDaemonReload,KillMode,ExecMainStartTimestampMonotonic,FragmentPath
    systemctl show "$unit" -p "$shown" | emit unit
    systemctl --version 2>/dev/null | head -n 1 | emit systemd
    systemctl is-active kubelet.service 2>/dev/null | emit kubelet
    bound | emit bound
    # Directories of distributions that bring a containerd of their own.
    for directory in /var/lib/rancher/rke2 /var/lib/rancher/k3s /var/lib/k0s /var/snap/microk8s /system/etc; do
        [ ! -d "$directory" ] || printf '%s\n' "$directory"
    done | emit distributions
    # Instances are counted for each user. One that a child inherited is counted twice here.
    {
        find /proc/[0-9]*/fd -uid 0 -lname 'anon_inode:inotify' | wc -l
        cat /proc/sys/fs/inotify/max_user_instances
    } 2>/dev/null | emit inotify
    [ -L "$base/current" ] || return 0
    run=$(basename "$(readlink "$base/current")")
    printf '%s' "$run" | emit run
    (state "$run") | emit run_state
    [ ! -f "$base/$run/owner" ] || emit run_owner <"$base/$run/owner"
}

config=/etc/containerd/config.toml address= root= state= binary=
pid=$(systemctl show "$unit" -p MainPID --value)
[ "${pid:-0}" -le 0 ] || process "$pid"
[ -x "$binary" ] || binary=$(command -v containerd) || binary=
ctr=$(dirname "$binary")/ctr
[ -x "$ctr" ] || ctr=$(command -v ctr) || ctr=

if [ $# -eq 0 ]; then
    machine
    for name in address root state binary ctr; do
        eval "printf %s \"\$$name\"" | emit "$name"
    done
    [ -z "$binary" ] || "$binary" --version 2>/dev/null | emit version
    real=$(readlink -f "$config") || real=$config
    printf '%s' "$config" | emit config_file
    printf '%s' "$real" | emit config_real
    roots=/etc/containerd/certs.d
    if [ -f "$config" ]; then
        file "$config" file
        scan "$config"
        for place in $roots; do read_root "$place"; done
    fi
    # In this order: the time between the two makes the daemon look younger, so that no file looks newer than it is.
    cut -d' ' -f1 /proc/uptime | emit uptime
    date +%s.%3N | emit now
    [ -z "$ctr" ] || ask "${address:-/run/containerd/containerd.sock}"
    space "$base"
    space "$(dirname "$real")"
    space "${root:-/var/lib/containerd}"
    space "${state:-/run/containerd}"
fi
while [ $# -gt 1 ]; do
    case $1 in
        --import) once import "$2" && for each in $(matching "$2"); do file "$each" file; done ;;
        --exists) [ ! -e "$2" ] || printf '%s' "$2" | emit "exists:$2" ;;
        --root) read_root "$2" ;;
        --space) space "$2" ;;
        --socket) ask "$2" ;;
    esac
    shift 2
done
printf '%s' "$spaces" | emit spaces
printf '%s' "$answered" | emit answered
exit 0
