# Whatever can be asked of containerd and kubelet after a change, and after a rollback. The caller judges the answers:
# printed are facts, changed (files that are not as they should be), dump, plugins, cri, crictl_exit, crictl,
# crictl_complaint, kubelet, and where something happened `again` (containerd is not the one that the run started), gone
# and shim_log.

# $1 run  $2 seconds to wait  $3 after: are the new files in place? before: those from before the run?
verify() {
    txn=$base/$1
    read_recorded "$txn"
    # Three seconds are kept for the questions that are asked last.
    end=$(($(uptime_seconds) + $2 - 3))
    emit facts <"$txn/facts"
    changed_files "$3" | emit changed
    if [ "$3" = after ]; then
        seconds_left
        timeout "$left" "$binary" -c "$config" config dump 2>/dev/null | emit dump
    fi
    rows='' answer='' kubelet_is=''
    until ask_plugins; do pause || break; done
    printf '%s\n' "$rows" | emit plugins
    seconds_left
    timeout "$left" "$ctr" -a "$socket" plugins ls -d 'type==io.containerd.grpc.v1,id==cri' 2>/dev/null | emit cri
    verify_crictl
    until ask_kubelet; do pause || break; done
    emit_text kubelet "$kubelet_is"
    # One that dies and is started again by systemd is healthy whenever it happens to be up.
    if [ "$3" = after ] && [ -s "$txn/invocation" ]; then
        [ "$(systemctl show "$unit" -p InvocationID --value)" = "$(cat "$txn/invocation")" ] || emit_text again yes
    fi
    verify_shims
}

# Set left to the seconds until the end; a question has one at least.
seconds_left() {
    left=$((end - $(uptime_seconds)))
    [ "$left" -gt 0 ] || {
        left=1
        return 1
    }
}

# Between two questions, as long as there is time.
pause() {
    seconds_left && sleep 0.5
}

# Print the files that are not as they were after the run, or before it. Files that the run had not come to when it was
# rolled back are somebody else's.
changed_files() {
    kept_files=$newline$(cat "$txn/kept" 2>/dev/null)$newline
    while next_file; do
        case $kept_files in
            *"$newline$path$newline"*) continue ;;
        esac
        if [ "$1" = after ]; then
            [ "$(sum "$path")" = "$after" ] && [ ! -L "$path" ] || printf '%s\n' "$path"
        elif [ "$(sum "$path")" != "$before" ]; then
            printf '%s\n' "$path"
        elif [ "$before" != absent ] && [ "$(permissions "$path")" != "$(permissions "$txn/before$path")" ]; then
            printf '%s\n' "$path (owner or mode)"
        fi
    done <"$txn/manifest"
}

# Return whether every plugin has a row: then what the rows say is final, be it ok or not.
is_settled() {
    for plugin in $(printf '%s' "$plugins"); do
        case $newline$rows in
            *"$newline${plugin%/*} ${plugin##*/} "*) ;;
            *) return 1 ;;
        esac
    done
}

ask_plugins() {
    seconds_left
    rows=$(timeout "$left" "$ctr" -a "$socket" plugins ls 2>/dev/null | tr -s ' \t' ' ') && is_settled
}

# CRI answers a little later than its plugin is ok: it recovers its containers first.
ask_crictl() {
    seconds_left
    answer=$(CONTAINER_RUNTIME_ENDPOINT=unix://$socket timeout "$left" "$crictl" info 2>/dev/null)
    crictl_exit=$?
    [ "$crictl_exit" -eq 0 ]
}

verify_crictl() {
    if [ ! -x "$crictl" ] || ! is_settled; then return; fi
    until ask_crictl; do pause || break; done
    [ "$crictl_exit" -eq 0 ] ||
        CONTAINER_RUNTIME_ENDPOINT=unix://$socket timeout 1 "$crictl" info 2>&1 >/dev/null | emit crictl_complaint
    emit_text crictl_exit "$crictl_exit"
    emit_text crictl "$answer"
}

ask_kubelet() {
    kubelet_is=$(systemctl is-active kubelet.service 2>/dev/null)
    [ -z "$kubelet" ] || [ "$kubelet_is" = active ]
}

# Print the shims of restart.sh that no longer listen, and whether their sockets are left.
lost_shims() {
    live=$(listening)
    while IFS="$tab" read -r name shim_socket; do
        case $newline$live$newline in
            *"$newline$shim_socket$newline"*) continue ;;
        esac
        if [ -S "$shim_socket" ]; then printf '%s\tleft\n' "$name"; else printf '%s\tremoved\n' "$name"; fi
    done <"$txn/shims"
}

verify_shims() {
    if [ ! -f "$txn/shims" ] || [ -z "$(lost_shims)" ]; then return; fi
    # One that is just ending may have closed its socket, and not removed it yet.
    sleep 1
    lost_shims | emit gone
    timeout 2 journalctl -u "$unit" --since "@$(stat -c %Y "$txn/shims")" -o cat 2>/dev/null |
        grep -e 'shim disconnected' -e 'cleaning up dead shim' | cut -c1-400 | emit shim_log
}
