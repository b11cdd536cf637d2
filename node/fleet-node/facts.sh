# facts [--read PATTERN …] [--root DIR …] [--present PATH …] [--space DIR …] [--socket PATH]: all that
# a plan needs, in one answer. Changes nothing, and leaves nothing on the node.
# What the configuration names is found by a textual scan (files.sh), so the caller may know of more once it has parsed
# it. It asks again with these options then, and gets only what they name; --socket PATH asks CRI there.
run_facts() {
    if [ -n "$opt_read$opt_root$opt_present$opt_space$opt_socket" ]; then
        find_daemon
        address=$opt_socket
        [ -z "$address" ] || emit_cri
        answer_files ''
        spaces "$opt_space" | emit spaces
        exit 0
    fi
    emit_unit
    find_daemon
    emit_daemon
    emit_cri
    answer_files "$config"
    emit_clock
    inotify 2>/dev/null | emit inotify
    # Directories of distributions that bring a containerd of their own.
    for directory in /var/lib/rancher/rke2 /var/lib/rancher/k3s /var/lib/k0s /var/snap/microk8s /system/etc; do
        [ ! -d "$prefix$directory" ] || printf '%s\n' "$directory"
    done | emit distributions
    run=$(current_run)
    if [ -n "$run" ]; then
        emit_text run "$run"
        state "$run" | emit run_state
        [ ! -f "$base/$run/owner" ] || emit run_owner <"$base/$run/owner"
    fi
    exit 0
}

# The unit, and the units that systemd stops or restarts with it.
emit_unit() {
    shown=$(systemctl show "$unit" \
        -p LoadState,ActiveState,MainPID,NeedDaemonReload,KillMode,ExecMainStartTimestampMonotonic,ExecStart,FragmentPath \
        -p RequiredBy,RequisiteOf,BoundBy,ConsistsOf,PropagatesStopTo)
    printf '%s\n' "$shown" | emit unit
    bound=$(printf '%s\n' "$shown" | grep -E '^(RequiredBy|RequisiteOf|BoundBy|ConsistsOf|PropagatesStopTo)=.' |
        cut -d= -f2- | tr ' ' '\n' | sort -u)
    if [ -n "$bound" ]; then
        # Names of units have no blanks and no characters that a shell expands.
        printf '%s\n' "$bound" | xargs systemctl show -p Id,ActiveState | emit bound
    fi
    systemctl --version 2>/dev/null | head -n 1 | emit systemd
    systemctl is-active kubelet.service 2>/dev/null | emit kubelet
    pid=$(printf '%s\n' "$shown" | grep '^MainPID=')
    pid=${pid#MainPID=}
}

# The daemon that runs: sets pid, config, address, root, state_directory, binary and ctr.
find_daemon() {
    pid=${pid:-$(systemctl show "$unit" -p MainPID --value)}
    config=$prefix/etc/containerd/config.toml
    address='' root='' state_directory='' binary='' replaced=''
    if [ "${pid:-0}" -gt 0 ]; then
        binary=$(readlink "$proc/$pid/exe")
        case $binary in
            *' (deleted)') replaced=yes binary=${binary% (deleted)} ;;
        esac
        read_command_line "$proc/$pid/cmdline"
    fi
    [ -x "$binary" ] || binary=$(command -v containerd) || binary=''
    ctr=$(dirname "$binary")/ctr
    [ -x "$ctr" ] || ctr=$(command -v ctr) || ctr=''
}

read_command_line() {
    last=''
    by_lines
    for word in $(tr '\0' '\n' <"$1"); do
        case $last in
            -c | --config | -config) config=$word ;;
            -a | --address | -address) address=$word ;;
            --root | -root) root=$word ;;
            --state | -state) state_directory=$word ;;
        esac
        case $word in
            -c=* | --config=* | -config=*) config=${word#*=} ;;
            -a=* | --address=* | -address=*) address=${word#*=} ;;
            --root=* | -root=*) root=${word#*=} ;;
            --state=* | -state=*) state_directory=${word#*=} ;;
        esac
        last=$word
    done
    by_words
}

emit_daemon() {
    [ -z "$replaced" ] || emit_text replaced yes
    emit_text address "$address"
    emit_text root "$root"
    emit_text state "$state_directory"
    emit_text binary "$binary"
    emit_text ctr "$ctr"
    [ -z "$binary" ] || "$binary" --version 2>/dev/null | emit version
    emit_text config_file "$config"
    # Of its environment only what decides whether a pull goes through a proxy. It may have a password in it.
    tr '\0' '\n' 2>/dev/null <"$proc/${pid:-0}/environ" | grep -E '^(HTTP|HTTPS|NO|http|https|no)_(PROXY|proxy)=' |
        emit proxies
}

# CRI, as ctr and crictl have it. Where the socket is set only in a file, the textual scan finds it.
emit_cri() {
    socket=${address:-$(scan_socket "$config")}
    emit_text socket "$socket"
    [ -n "$ctr" ] || return 0
    rows=$(timeout 10 "$ctr" -a "$socket" plugins ls 2>/dev/null)
    printf '%s\n' "$rows" | emit plugins
    # What does not answer once would cost the time-out of each further question.
    [ -n "$rows" ] || return 0
    # Its own reason is asked for where there is one.
    printf '%s\n' "$rows" | grep -qE '^io\.containerd\.grpc\.v1[[:blank:]]+cri[[:blank:]].*[[:blank:]]ok[[:blank:]]*$' ||
        timeout 10 "$ctr" -a "$socket" plugins ls -d 'type==io.containerd.grpc.v1,id==cri' 2>/dev/null | emit cri
    timeout 10 "$ctr" -a "$socket" version 2>/dev/null | emit versions
    crictl=$(command -v crictl) || return 0
    # One that cannot ask this containerd now, because it is too old for it, cannot later on.
    if complaint=$(CONTAINER_RUNTIME_ENDPOINT=unix://$socket timeout 10 "$crictl" info 2>&1 >/dev/null); then
        emit_text crictl "$crictl"
    else
        emit_text crictl_complaint "$crictl: $(printf '%s\n' "$complaint" | tail -n 1)"
    fi
}

# In this order: the time between the two makes the daemon look younger, so that no file looks newer than it is.
emit_clock() {
    cut -d' ' -f1 "$proc/uptime" | emit uptime
    date +%s.%3N | emit now
}

# Instances are counted for each user. One that a child inherited is counted twice here.
inotify() {
    find "$proc"/[0-9]*/fd -uid 0 -lname 'anon_inode:inotify' | wc -l
    cat "$proc/sys/fs/inotify/max_user_instances"
}

# Print, for each directory of the lines $1, its name, a tab, and free bytes, all and free inodes, and the mount point.
spaces() {
    by_lines
    for directory in $1; do
        existing=$directory
        until [ -d "$existing" ]; do existing=$(dirname "$existing"); done
        printf '%s\t%s\n' "$directory" \
            "$(timeout 5 df -B1 --output=avail,itotal,iavail,target "$existing" 2>/dev/null | tail -n 1)"
    done
    by_words
}
