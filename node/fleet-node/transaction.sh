# What a transaction is on the node: the directory $base/RUN with its state, and how it is named to people.

# Who began the transaction $1, and since when: sets owner and since.
read_owner() {
    owner=somebody since=unknown
    # shellcheck source=/dev/null  # written by the caller, on the node
    [ ! -f "$base/$1/owner" ] || . "$base/$1/owner"
}

state() {
    cat "$base/$1/state" 2>/dev/null || echo none
}

# Print the format of the transaction $1.
format_of() {
    cat "$base/$1/format" 2>/dev/null || echo 1
}

# Print the run that `current` names: the newest transaction that changed files. Nothing where there is none.
current_run() {
    [ ! -L "$base/current" ] || basename "$(readlink "$base/current")"
}
