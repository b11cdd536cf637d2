# Three words for each cache: container, address, port. What is to be known of it besides what Docker says, and of the
# machine's addresses. A registry that is no proxy begins an upload; nothing else changes.
kept=/var/lib/containerd-fleet-caches running=/run/containerd-fleet

# The whole answer to a request: $1 method  $2 path.
ask() {
    # shellcheck disable=SC2016
    timeout 5 bash -c '
        exec 3<>"/dev/tcp/$1/$2" &&
            printf "%s %s HTTP/1.0\r\nHost: cache\r\nContent-Length: 0\r\n\r\n" "$3" "$4" >&3 && cat <&3
    ' bash "$address" "$port" "$1" "$2" 2>/dev/null
}

# The catalog, page by page: more than 1000 at once are refused (CVE-2023-2253).
catalog() {
    page=0 path='/v2/_catalog?n=1000'
    while [ -n "$path" ] && [ "$page" -lt 100 ]; do
        said=$(ask GET "$path")
        printf '%s' "$said" | emit "catalog:$container:$page"
        path=$(printf '%s\n' "$said" | sed -n 's/^[Ll]ink: <\([^>]*\)>; *rel="next".*/\1/p' | head -n 1)
        page=$((page + 1))
    done
}

ip -j -4 addr show 2>/dev/null | emit addresses
ip -j route show default 2>/dev/null | emit routes
for file in /etc/netplan/*.yaml /etc/netplan/*.yml /etc/systemd/network/*.network /run/systemd/network/*.network \
    /etc/network/interfaces /etc/network/interfaces.d/*; do
    [ ! -f "$file" ] || emit "net:$file" <"$file"
done
while [ "$#" -gt 0 ]; do
    container=$1 address=$2 port=$3
    shift 3
    docker container inspect "$container" >/dev/null 2>&1 || continue
    # A collection, a restart or a deploy stops it for a while.
    [ ! -e "$kept/stopped/$container" ] || flock -n "$running/lock" true || emit "busy:$container" <"$running/busy"
    answer=$(ask GET /v2/)
    printf '%s' "$answer" | emit "answer:$container"
    if [ -n "$answer" ]; then
        ask POST /v2/containerd-fleet/probe/blobs/uploads/ | emit "upload:$container"
        catalog
    fi
    docker logs "$container" 2>&1 | grep -o 'Registry configured as a proxy cache to [^ "]*' | tail -n 1 | emit "proxied:$container"
    data=$(docker container inspect -f '{{range .Mounts}}{{if eq .Destination "/var/lib/registry"}}{{.Source}}{{end}}{{end}}' "$container")
    if [ -d "$data" ]; then
        df --output=pcent "$data" | tail -n 1 | tr -d ' %' | emit "disk:$container"
        df --output=ipcent "$data" | tail -n 1 | tr -d ' %-' | emit "inodes:$container"
        state=$data/scheduler-state.json
        if [ -f "$state" ]; then
            # It is written in place.
            [ "$(tail -c 1 "$state")" = '}' ] || sleep 1
            emit "state:$container" <"$state"
            printf '%s' "$(($(date +%s) - $(stat -c %Y "$state")))" | emit "age:$container"
        fi
    fi
    if read -r at how 2>/dev/null <"$kept/$container.gc"; then
        printf '%s' "$how" | emit "gc:$container"
        printf '%s' "$(($(date +%s) - at))" | emit "gcage:$container"
    fi
done
exit 0
