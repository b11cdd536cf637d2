# $1 ctr  $2 socket  $3 the directory of the hosts.toml files: the CRI plugins now, and the files that are there.
timeout 10 "$1" -a "$2" plugins ls 2>/dev/null | emit plugins
timeout 10 "$1" -a "$2" plugins ls -d 'type==io.containerd.grpc.v1,id==cri' 2>/dev/null | emit cri
timeout 10 "$1" -a "$2" version 2>/dev/null | emit versions
for file in "$3"/*/hosts.toml; do
    [ -f "$file" ] || continue
    emit "file:$file" <"$file"
    readlink -f "$file" | emit "real:$file"
done
exit 0
