# What the scripts of this directory share. Written by containerd-fleet (caches deploy).
# They are told a container; exit code 0 done, 1 failed, 2 skipped, 4 refused by a maintenance lock. What they do is in
# syslog.
set -u
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
running=/run/containerd-fleet
kept=/var/lib/containerd-fleet-caches
umask 022
mkdir -p "$running" "$kept/stopped" || exit 1
# Whoever listened may have gone: that ends no script half-way.
trap '' PIPE

say() {
    logger -t containerd-fleet-caches -- "$container: $*" 2>/dev/null
    printf '%s: %s\n' "$container" "$*" 2>/dev/null || :
}

skip() {
    say "skipped: $*" >&2
    exit 2
}

broken() {
    say "failed: $*" >&2
    exit 1
}

# One thing at a time: collections, restarts, deploys. $1 what  $2 how many seconds to wait for another.
take() {
    touch "$running/lock" || broken "cannot write $running/lock"
    exec 8>>"$running/lock"
    flock -w "$2" 8 || skip "$(cat "$running/busy") is at work"
    printf '%s\n' "$1" >"$running/busy"
}

# Whether a run has a maintenance lock: sets until and who. Each run has a file in $running/hold.d, which has the second
# (since the epoch) until when, and whose it is. One that lasts more than a day is a mistake (caches/locks.py).
locked() {
    for lock in "$running/hold.d"/*; do
        until=
        case ${lock##*/} in *[!A-Za-z0-9._-]*) continue ;; esac
        { read -r until who <"$lock"; } 2>/dev/null
        case $until in '' | *[!0-9]* | ???????????*) continue ;; esac
        [ "$until" -le "$(date +%s)" ] || [ "$until" -gt "$(($(date +%s) + 86400))" ] || return 0
    done
    return 1
}

# What stops or replaces a cache that runs asks this first. A stopped one may be started at any time.
respect_lock() {
    locked || return 0
    say "skipped: maintenance lock of $who until $(date -u -d "@$until" +%H:%M) UTC" >&2
    exit 4
}

running() {
    [ "$(property '{{.State.Status}}')" = running ]
}

# Exit code 0: there is a container of this name. 1: there is none. 2: Docker does not answer.
exists() {
    names=$(docker ps -a --format '{{.Names}}' 2>/dev/null) || return 2
    printf '%s\n' "$names" | grep -qxF -- "$1"
}

# Only what was deployed here is looked after.
ours() {
    label=$(docker container inspect -f '{{index .Config.Labels "containerd-fleet.cache"}}' "$container" 2>&1) ||
        broken "$(printf '%s\n' "$label" | reason)"
    [ -n "$label" ] || broken "it was not deployed by containerd-fleet"
}

# Of what docker says (standard input): why it failed.
reason() {
    grep -v -e '^[[:space:]]*$' -e "docker run --help" -e '^Error: failed to start containers' | tail -n 1 | cut -c1-300
}

property() {
    docker container inspect -f "$1" "$container" 2>/dev/null
}

# Where the data is on this machine.
data() {
    property '{{range .Mounts}}{{if eq .Destination "/var/lib/registry"}}{{.Source}}{{end}}{{end}}'
}

# What decides whether the registry boots, as options of docker run.
surroundings() {
    property '{{range .Config.Env}}-e{{println}}{{println .}}{{end}}{{range .HostConfig.ExtraHosts}}--add-host{{println}}{{println .}}{{end}}'
    printf '%s\n' --network "$(property '{{.HostConfig.NetworkMode}}')" --volumes-from "$container:ro"
}

# Whether a registry of these options ($1 image, then the options) boots now; sets why. It is tried, since it panics at
# boot when its upstream does not answer (distribution#4038) or scheduler-state.json does not parse (distribution#4478).
boots() {
    trial=$container.trial
    image=$1
    shift
    docker rm -f "$trial" >/dev/null 2>&1
    why=$(docker run -d --name "$trial" "$@" "$image" 2>&1 >/dev/null) || { drop_trial && return 1; }
    seconds=${BOOT_SECONDS:-20}
    why="no answer from the upstream within $seconds s"
    tries=0
    while [ "$tries" -lt "$((seconds * 4))" ]; do
        up=$(docker container inspect -f '{{.State.Running}}' "$trial" 2>/dev/null)
        if docker logs "$trial" 2>&1 | grep -q 'listening on'; then why= && break; fi
        if [ "$up" != true ]; then
            # "num errors=0" of an upload purge is none.
            why=$(docker logs "$trial" 2>&1 | grep -Ev 'level=(debug|info|warning)' | grep -m 1 -E '^panic:|level=fatal|rror' |
                cut -c1-300)
            why=${why:-it ends at once}
            break
        fi
        sleep 0.25
        tries=$((tries + 1))
    done
    drop_trial
    [ -z "$why" ]
}

drop_trial() {
    docker rm -f "$trial" >/dev/null 2>&1
    why=$(printf '%s\n' "$why" | reason)
}

# The same for a container that is there.
boots_again() {
    old_ifs=$IFS
    IFS='
'
    set -f
    # shellcheck disable=SC2046
    set -- $(surroundings)
    set +f
    IFS=$old_ifs
    boots "$(property '{{.Image}}')" "$@"
}

# Until nothing has been cached for some seconds: 2.x writes scheduler-state.json five seconds after a fill, and what it
# had no time to write down never expires.
settle() {
    tries=0
    while docker logs --since 7s "$container" 2>&1 | grep -q 'Adding new scheduler entry'; do
        tries=$((tries + 1))
        [ "$tries" -lt 60 ] || return 1
        sleep 1
    done
}

# The status of a request ($1 method, $2 path) to the cache.
status() {
    place=$(docker port "$container" 5000/tcp 2>/dev/null | head -n 1)
    address=${place%:*}
    address=${address#[}
    address=${address%]}
    case $address in 0.0.0.0 | ::) address=127.0.0.1 ;; esac
    # shellcheck disable=SC2016
    timeout 5 bash -c '
        exec 3<>"/dev/tcp/$1/$2" &&
            printf "%s %s HTTP/1.1\r\nHost: cache\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" "$3" "$4" >&3 &&
            read -r _ code _ <&3 && printf "%s" "$code"
    ' bash "$address" "${place##*:}" "$1" "$2" 2>/dev/null
}

uptime_seconds() {
    cut -d. -f1 /proc/uptime
}

# Waits for the cache to serve, for a minute.
serves() {
    end=$(($(uptime_seconds) + 60))
    until case $(status GET /v2/) in 200 | 401) ;; *) false ;; esac do
        [ "$(uptime_seconds)" -lt "$end" ] || return 1
        sleep 0.5
    done
}

# A registry that is no proxy takes uploads.
proxies() {
    [ "$(status POST /v2/containerd-fleet/probe/blobs/uploads/)" = 405 ]
}

# Whether the state of the scheduler ($1) is whole: one JSON object, or not there yet. 2.x writes it in place. What the
# registry writes has no blanks and braces inside its strings.
whole() {
    [ -e "$1" ] || return 0
    opened=$(tr -cd '{' <"$1" | wc -c)
    closed=$(tr -cd '}' <"$1" | wc -c)
    first=$(tr -d '[:space:]' <"$1" | head -c 1)
    last=$(tr -d '[:space:]' <"$1" | tail -c 1)
    [ "$opened" -gt 0 ] && [ "$opened" -eq "$closed" ] && [ "$first$last" = '{}' ] &&
        ! tr -d '[:space:]' <"$1" | grep -qa '[:,][,}]' || [ "$(tr -d '[:space:]' <"$1")" = null ]
}

# Stops the container, so that back (or, if this script dies, cache-guard) starts it again. $1 the configuration of one
# that is to be replaced. What is done at the exit is $at_exit, or back alone.
away() {
    state=$(data)/scheduler-state.json copy=$kept/$container.state
    rm -f "$copy"
    # A copy that is not whole would be put back.
    [ ! -e "$state" ] || cp -p "$state" "$copy" || { rm -f "$copy" && broken "$state cannot be kept below $kept"; }
    printf '%s' "${1:-}" >"$kept/stopped/$container" || broken "cannot write below $kept"
    sync "$kept/stopped/$container"
    trap '"${at_exit:-back}"' EXIT
    trap 'exit 1' HUP INT TERM
    ! exists "$container" || docker stop -t 30 "$container" >/dev/null || broken "it does not stop"
}

# The one way back: whatever has happened, the container that ran before runs again.
back() {
    trap '' HUP INT TERM
    docker rm -f "$container.gc" "$container.trial" >/dev/null 2>&1
    exists "$container.before"
    waits=$?
    # Without a configuration that was to be replaced, a predecessor that is there still is a leftover.
    if [ "$waits" -eq 0 ] && [ -s "$kept/stopped/$container" ]; then
        docker rm -f "$container" >/dev/null 2>&1
        config=$(cat "$kept/stopped/$container")
        [ ! -e "$config.before" ] || mv -fT "$config.before" "$config"
        docker rename "$container.before" "$container"
    fi
    exists "$container"
    case $waits$? in
    2? | ?2) say "failed: Docker does not answer; the next minute tries again" && return 1 ;;
    ?0) begin || return 1 ;;
    esac
    rm -f "$kept/stopped/$container" "$kept/$container.state"
    trap - EXIT HUP INT TERM
}

# Starts the container, on a state that lets it boot.
begin() {
    state=$(data)/scheduler-state.json copy=$kept/$container.state
    if ! whole "$state" && [ -e "$copy" ] && whole "$copy"; then
        say "$state was cut short: the one from before is put back"
        cp -p "$copy" "$state"
    elif ! whole "$state"; then
        say "$state is not whole, and there is no whole copy of it"
    fi
    said=$(docker start "$container" 2>&1 >/dev/null) && return
    say "failed: it does not start, the next minute tries again: $(printf '%s\n' "$said" | reason)"
    return 1
}
