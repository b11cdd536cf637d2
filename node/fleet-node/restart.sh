# The step restart: record the shims that run, restart containerd, and where it does not start say why.
restart_containerd() {
    lock
    must_be armed swapping
    txn=$base/$opt_run
    read_recorded "$txn"
    running_shims >"$txn/shims" || exit 1
    set_state "$opt_run" restarting || exit 1
    unlock
    since=$(date +%s.%6N)
    systemctl reset-failed "$unit" 2>/dev/null
    failure=''
    timeout "$opt_restart_within" systemctl restart "$unit"
    case $? in
        0)
            systemctl show "$unit" -p InvocationID --value >"$txn/invocation"
            return 0
            ;;
        124) failure="did not start within $opt_restart_within s" ;;
    esac
    await_restarts
    explain_failure
}

# Print the shims that run now, as containerd's bundles name their sockets: NAMESPACE/ID, a tab, the socket. No process is
# started for each of them, since a node may have hundreds.
running_shims() {
    live=$(listening)
    for file in "$state_directory"/io.containerd.*/*/*/address "$state_directory"/io.containerd.*/*/*/bootstrap.json; do
        [ -f "$file" ] || continue
        read -r address <"$file"
        shim_socket=${address#*unix://}
        shim_socket=${shim_socket%%[\",]*}
        case $newline$live$newline in
            *"$newline$shim_socket$newline"*) ;;
            *) continue ;;
        esac
        bundle=${file%/*}
        namespace=${bundle%/*}
        printf '%s\t%s\n' "${namespace##*/}/${bundle##*/}" "$shim_socket"
    done
}

# systemd may try again by itself, until it gives up: that is worth two seconds.
await_restarts() {
    tries=8
    while [ "$tries" -gt 0 ]; do
        case $(systemctl show "$unit" -p SubState --value) in
            auto-restart*) ;;
            *) return ;;
        esac
        tries=$((tries - 1))
        sleep 0.25
    done
}

# In containerd's own words: why it exited rather than what it complained of before.
explain_failure() {
    timeout 2 journalctl --sync 2>/dev/null
    journal=$(timeout 5 journalctl -u "$unit" --since "@$since" -o cat -n 200 2>/dev/null)
    words=$(last_line '^containerd: |level=fatal|"level":"fatal"')
    [ -n "$words" ] || words=$(last_line 'level=error|"level":"error"')
    # systemd may go on calling the result of the first failure the unit's.
    [ -z "$(last_line ': Start request repeated too quickly')" ] || failure="was started too often, and systemd gave up on it"
    result=$(systemctl show "$unit" -p Result --value)
    fail "containerd ${failure:-does not start ($result)}: ${words:-see journalctl -u $unit there}"
}

last_line() {
    printf '%s\n' "$journal" | grep -E "$1" | tail -n 1
}
