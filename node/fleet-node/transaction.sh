# What a transaction is on the node: the directory $base/RUN with its state, its manifest, and what it has elsewhere.
# Files in it: owner, facts, format, manifest and undo (the same in the order of a rollback), created (directories),
# before/PATH, after/NUMBER, rollback, revert.service, state; armed, shims, invocation and kept come later.

# Who began the transaction $1, and since when: sets owner, since, deadline (in seconds of the boot) and boot.
read_owner() {
    owner=somebody since=unknown deadline=0 boot=''
    # shellcheck source=/dev/null  # written by the caller, on the node
    [ ! -f "$base/$1/owner" ] || . "$base/$1/owner"
}

describe_run() {
    read_owner "$1"
    printf 'run %s of %s, since %s' "$1" "$owner" "$since"
}

# What the transaction in the directory $1 knows of its containerd: sets the variables below.
read_recorded() {
    binary='' version='' ctr='' socket='' config='' state_directory='' plugins='' kubelet='' crictl=''
    # shellcheck source=/dev/null  # written by the caller, on the node
    . "$1/facts" || fail "$1/facts cannot be read"
}

state() {
    cat "$base/$1/state" 2>/dev/null || echo none
}

# Written ahead of each act.
set_state() {
    printf '%s\n' "$2" >"$base/$1/state.new" && sync "$base/$1/state.new" && mv -f "$base/$1/state.new" "$base/$1/state"
}

# Print the format of the transaction $1.
format_of() {
    cat "$base/$1/format" 2>/dev/null || echo 1
}

# Print the run that `current` names: the newest transaction that changed files. Nothing where there is none.
current_run() {
    [ ! -L "$base/current" ] || basename "$(readlink "$base/current")"
}

# Held around each change of a transaction's state, never longer than one step.
lock() {
    exec 9>>"$base/lock" || fail "cannot write below $base"
    # One of an earlier release may be open to others.
    chmod 600 "$base/lock"
    flock -w "${1:-20}" 9 || fail "$base/lock is held by $(describe_run "$(current_run)")"
}

unlock() {
    exec 9>&-
}

# Read the next line of a manifest: the kind (hosts or config), the sums before and after, where the copies .before and
# .after of the file wait, and its path. The only place that knows the order.
next_file() {
    IFS="$tab" read -r kind before after spare path
}

# Remove the copies of the file that next_file read, and their directory once it is empty.
drop_copies() {
    rm -f "$spare.before" "$spare.after" || return 1
    case $spare in
        # In release 0.1 they lie in the directory of the live file itself.
        */.containerd-fleet-*/*) rmdir "${spare%/*}" 2>/dev/null ;;
    esac
    return 0
}

# Remove what the transaction $1 has beside live files, and what its arming was cut off at.
drop_all_copies() {
    rm -f "$units/$revert-$1.new"
    [ -f "$base/$1/manifest" ] || return 0
    while next_file; do
        drop_copies
    done <"$base/$1/manifest"
}

# Remove the boot unit of the transaction $1, if it is the one that is enabled.
remove_boot_unit() {
    rm -f "$units/$revert-$1.new"
    case $(cat "$units/$revert.service" 2>/dev/null) in
        *"$1"*) rm -f "$units/multi-user.target.wants/$revert.service" "$units/$revert.service" ;;
    esac
}

# The end of a transaction. The timer last: where this is cut off, what it starts does the rest.
disarm() {
    remove_boot_unit "$1"
    rm -f "$base/$1/armed"
    systemctl stop "$revert-$1.timer" 2>/dev/null
}

# Remove a transaction that never changed anything, or that nobody needs any more.
clean() {
    drop_all_copies "$1"
    disarm "$1"
    rm -rf "${base:?}/$1"
}
