# $1 run, or current  $2 seconds to wait  $3 after: are the new files in place? before: those from before the run?
# Whatever can be asked of containerd and kubelet; only `after` changes the transaction's state.
txn=$(readlink -f "$base/$1") && [ -f "$txn/facts" ] || fail "there is no transaction $1 on this node that can be checked"
run=${txn##*/}
read -r now spare </proc/uptime
# Three seconds are kept for the questions that are asked last.
end=$((${now%.*} + $2 - 3))
# Sets `left` to the seconds until then; a question has one at least.
look_at_clock() {
    read -r now spare </proc/uptime
    left=$((end - ${now%.*}))
    [ "$left" -gt 0 ] || { left=1; return 1; }
}

if [ "$3" = after ]; then
    lock
    case $(state "$run") in
        armed | swapping | restarting | verifying) set_state "$run" verifying || exit 1 ;;
        confirmed) ;;
        *) fail "the transaction is $(state "$run") by now: its timer, its boot or somebody else acted on it" ;;
    esac
    exec 9>&-
fi
. "$txn/facts" || exit 1
emit facts <"$txn/facts"

looks() {
    stat -c '%a %u %g' "$1" 2>/dev/null
}
# Files that the run had not come to when it was taken back are somebody else's.
kept=$newline$(cat "$txn/kept" 2>/dev/null)$newline
while IFS="$tab" read -r kind before after spare path; do
    case $kept in *"$newline$path$newline"*) continue ;; esac
    if [ "$3" = after ]; then
        [ "$(sum "$path")" = "$after" ] || printf '%s\n' "$path"
    elif [ "$(sum "$path")" != "$before" ]; then
        printf '%s\n' "$path"
    elif [ "$before" != absent ] && [ "$(looks "$path")" != "$(looks "$txn/before$path")" ]; then
        printf '%s\n' "$path (owner or mode)"
    fi
done <"$txn/manifest" | emit changed
if [ "$3" = after ]; then
    look_at_clock
    timeout "$left" "$binary" -c "$config" config dump 2>/dev/null | emit dump
fi

# Asks again and again until the answer is the right one, or the time is up.
try() {
    until "$@"; do
        look_at_clock || return 1
        sleep 0.5
    done
}
# Whether every plugin has a row: then what the rows say is final, be it ok or not.
settled() {
    for plugin in $plugins; do
        case $newline$rows in
            *"$newline${plugin%/*} ${plugin##*/} "*) ;;
            *) return 1 ;;
        esac
    done
}
ask_plugins() {
    look_at_clock
    rows=$(timeout "$left" "$ctr" -a "$socket" plugins ls 2>/dev/null | tr -s " \t" " ") && settled
}
# CRI answers a little later than its plugin is ok: it recovers its containers first.
ask_crictl() {
    look_at_clock
    answer=$(CONTAINER_RUNTIME_ENDPOINT=unix://$socket timeout "$left" "$crictl" info 2>/dev/null)
    crictl_exit=$?
    [ "$crictl_exit" -eq 0 ]
}
ask_kubelet() {
    kubelet_is=$(systemctl is-active kubelet.service 2>/dev/null)
    [ -z "$kubelet" ] || [ "$kubelet_is" = active ]
}
try ask_plugins
printf '%s\n' "$rows" | emit plugins
look_at_clock
timeout "$left" "$ctr" -a "$socket" plugins ls -d 'type==io.containerd.grpc.v1,id==cri' 2>/dev/null | emit cri
if [ -x "$crictl" ] && settled; then
    try ask_crictl || CONTAINER_RUNTIME_ENDPOINT=unix://$socket timeout 1 "$crictl" info 2>&1 >/dev/null | emit crictl_complaint
    printf '%s' "$crictl_exit" | emit crictl_exit
    printf '%s' "$answer" | emit crictl
fi
try ask_kubelet
printf '%s' "$kubelet_is" | emit kubelet
# One that dies and is started again by systemd is well whenever it happens to be up.
if [ "$3" = after ] && [ -s "$txn/invocation" ]; then
    [ "$(systemctl show "$unit" -p InvocationID --value)" = "$(cat "$txn/invocation")" ] || echo yes | emit again
fi

# The shims of restart.sh that no longer listen, and whether their sockets are left.
gone() {
    live=$(listening)
    while IFS="$tab" read -r name socket; do
        case $newline$live$newline in *"$newline$socket$newline"*) continue ;; esac
        if [ -S "$socket" ]; then printf '%s\tleft\n' "$name"; else printf '%s\tremoved\n' "$name"; fi
    done <"$txn/shims"
}
if [ -f "$txn/shims" ] && [ -n "$(gone)" ]; then
    # One that is just ending may have closed its socket, and not removed it yet.
    sleep 1
    gone | emit gone
    timeout 2 journalctl -u "$unit" --since "@$(stat -c %Y "$txn/shims")" -o cat 2>/dev/null |
        grep -e 'shim disconnected' -e 'cleaning up dead shim' | cut -c1-400 | emit shim_log
fi
exit 0
