# $1 run  $2 ctr  $3 socket  $4 containerd  $5 config.toml  $6 seconds to wait
# then the plugins that must be ok, each as TYPE/ID.
run=$1 ctr=$2 socket=$3 binary=$4 config=$5 seconds=$6
shift 6
lock
case $(state "$run") in
    armed | swapping | restarting | verifying) set_state "$run" verifying || exit 1 ;;
    confirmed) ;;
    *) fail "the transaction is $(state "$run") by now: somebody else acted on it" ;;
esac
exec 9>&-
while IFS="$tab" read -r kind before after spare path; do
    [ "$(sum "$path")" = "$after" ] || printf '%s\n' "$path"
done <"$base/$run/manifest" | emit changed

# Whether every plugin has a row: then what the rows say is final, be it ok or not.
settled() {
    for plugin; do
        case $newline$rows in
            *"$newline${plugin%/*} ${plugin##*/} "*) ;;
            *) return 1 ;;
        esac
    done
}

until rows=$(timeout 5 "$ctr" -a "$socket" plugins ls 2>/dev/null | tr -s " \t" " ") && settled "$@"; do
    seconds=$((seconds - 1))
    [ "$seconds" -gt 0 ] || break
    sleep 1
done
printf '%s\n' "$rows" | emit plugins
timeout 5 "$ctr" -a "$socket" plugins ls -d 'type==io.containerd.grpc.v1,id==cri' 2>/dev/null | emit cri
timeout 10 "$binary" -c "$config" config dump 2>/dev/null | emit dump
systemctl is-active kubelet.service 2>/dev/null | emit kubelet
exit 0
