# $1 ctr  $2 socket  $3 the directories of the hosts.toml files, with colons between them  $4 config.toml's directory  $5 containerd's root  $6 its state:
# the CRI plugins now, the hosts.toml files that are there, the names of the certificates beside them, and what room is left.
timeout 10 "$1" -a "$2" plugins ls 2>/dev/null | emit plugins
timeout 10 "$1" -a "$2" plugins ls -d 'type==io.containerd.grpc.v1,id==cri' 2>/dev/null | emit cri
timeout 10 "$1" -a "$2" version 2>/dev/null | emit versions
roots=$3
certificates=
while [ -n "$roots" ]; do
    root=${roots%%:*}
    case $roots in *:*) roots=${roots#*:} ;; *) roots= ;; esac
    for file in "$root"/*/hosts.toml; do
        [ -f "$file" ] || continue
        emit "file:$file" <"$file"
        readlink -f "$file" | emit "real:$file"
    done
    for file in "$root"/*/*.crt "$root"/*/*.cert "$root"/*/*.key; do
        [ ! -f "$file" ] || certificates=$certificates$file$newline
    done
done
printf '%s' "$certificates" | emit certificates
# One that cannot ask this containerd now, because it is too old for it, will not tell anything later on.
if crictl=$(command -v crictl); then
    if said=$(CONTAINER_RUNTIME_ENDPOINT=unix://$2 timeout 10 "$crictl" info 2>&1 >/dev/null); then
        printf '%s' "$crictl" | emit crictl
    else
        printf '%s: %s' "$crictl" "$(printf '%s\n' "$said" | tail -n 1)" | emit crictl_complaint
    fi
fi

# Instances are counted for each user. One that a child inherited is counted twice here.
{
    find /proc/[0-9]*/fd -uid 0 -lname 'anon_inode:inotify' | wc -l
    cat /proc/sys/fs/inotify/max_user_instances
} 2>/dev/null | emit inotify
shift 3
for directory in "$base" "$@"; do
    place=$directory
    until [ -d "$place" ]; do place=$(dirname "$place"); done
    printf '%s\t%s\n' "$directory" "$(timeout 5 df -B1 --output=avail,itotal,iavail,target "$place" 2>/dev/null | tail -n 1)"
done | emit spaces
exit 0
