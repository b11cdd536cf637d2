# The files that containerd reads, by the names that it uses. It has them in its mount namespace, which may be one of
# its own; they are read there, then.

# How much is read. Beyond it `limit` is printed, and the caller refuses the node.
most_files=1024 most_bytes=16777216 most_levels=32 most_paths=2000

# Print every file that is asked for, and where $1 is set, the configuration that begins there.
answer_files() {
    own=$(readlink "$proc/self/ns/mnt")
    theirs=$(readlink "$proc/${pid:-0}/ns/mnt")
    if [ -z "$theirs" ] || [ "$own" = "$theirs" ]; then
        opt_main=$1
        read_files
        return
    fi
    emit_text namespace own
    in_namespace=$(enter_namespace "$1") || {
        emit_text namespace 'own, and nsenter cannot read in it'
        return
    }
    printf '%s\n' "$in_namespace"
    printf '%s\n' "$in_namespace" | grep ' inodes$' | cut -d' ' -f1 | cut -c2- | base64 -d | elsewhere | emit elsewhere
}

# Run this program's `files` in the mount namespace of the daemon. Only there is the program handed on.
enter_namespace() {
    set -- files --main "$1"
    by_lines
    for line in $(
        prefix_lines --read "$opt_read"
        prefix_lines --root "$opt_root"
        prefix_lines --present "$opt_present"
    ); do
        set -- "$@" "${line%% *}" "${line#* }"
    done
    by_words
    printf '%s\n' "$program" |
        nsenter --target "$pid" --mount -- /bin/sh -c "program=\$(cat) && eval \"\$program\"" fleet-node "$@"
}

prefix_lines() {
    printf '%s' "$2" | while IFS= read -r line; do printf '%s %s\n' "$1" "$line"; done
}

# Print those of the lines `DEVICE:INODE PATH` that are other files, or missing, in our own namespace.
elsewhere() {
    while read -r inode path; do
        [ "$(stat -L -c %d:%i "$path" 2>/dev/null)" = "$inode" ] || printf '%s\n' "$path"
    done
}

# files --main PATH [--read …] [--root …] [--present …]: what `facts` starts in another mount namespace.
run_files() {
    read_files
    printf '%s' "$files_read" | while IFS= read -r path; do
        printf '%s %s\n' "$(stat -L -c %d:%i "$path")" "$path"
    done | emit inodes
    exit 0
}

read_files() {
    files_read='' asked='' roots='' paths='' count=0 bytes=0
    if [ -n "$opt_main" ]; then
        real=$(readlink -f "$opt_main") || real=$opt_main
        emit_text config_real "$real"
        [ ! -f "$opt_main" ] || read_configuration
    fi
    read_patterns "$opt_read"
    printf '%s' "$opt_root$roots" | emit roots
    read_roots "$opt_root$roots"
    existing "$opt_present$paths"
}

# The main file, what it imports, and what that names.
read_configuration() {
    emit config <"$opt_main"
    stat -L -c %.3Z "$opt_main" | emit config_changed
    files_read=$opt_main$newline
    level=0 wanted=$(scan_imports "$opt_main")
    while [ -n "$wanted" ]; do
        level=$((level + 1))
        if [ "$level" -gt "$most_levels" ]; then
            emit_text limit depth
            break
        fi
        before=$files_read
        read_patterns "$wanted"
        wanted=$(printf '%s' "${files_read#"$before"}" | while IFS= read -r file; do scan_imports "$file"; done)
    done
    printf '%s' "$asked" | emit patterns
    roots=$prefix/etc/containerd/certs.d$newline$(printf '%s' "$files_read" | scan_roots)
    paths=$(printf '%s' "$files_read" | scan_paths | sort -u | head -n "$most_paths")
    root=${root:-$(scan_directory root "$opt_main")}
    state_directory=${state_directory:-$(scan_directory state "$opt_main")}
    spaces "$base$newline$(dirname "$real")
${root:-$prefix/var/lib/containerd}
${state_directory:-$prefix/run/containerd}" | emit spaces
}

# Print the files that the patterns of the lines $1 name, where they are not printed yet: their text, where they lead,
# and their last change.
read_patterns() {
    by_lines
    for pattern in $1; do
        by_words
        case $newline$asked in
            *"$newline$pattern$newline"*) continue ;;
        esac
        asked=$asked$pattern$newline
        IFS=''
        # Go's star takes in names that begin with a dot, the shell's does not.
        case ${pattern##*/} in
            '*'*) set -- "${pattern%/*}/.${pattern##*/}" ;;
            *) set -- ;;
        esac
        for file in $pattern ${1+$1}; do
            if [ -f "$file" ] && is_new "$file" && read_file "$file"; then
                stat -L -c %.3Z "$file" | emit "changed:$file"
            fi
        done
        unset IFS
    done
    by_words
}

is_new() {
    case $newline$files_read in
        *"$newline$1$newline"*) return 1 ;;
    esac
}

# Print the file $1 within the limits. A name that would break the lines of the answer is told apart.
read_file() {
    is_plain "$1" || {
        emit_text odd_path "$1"
        return 1
    }
    count=$((count + 1))
    bytes=$((bytes + $(stat -L -c %s "$1")))
    if [ "$count" -gt "$most_files" ] || [ "$bytes" -gt "$most_bytes" ]; then
        emit_text limit size
        return 1
    fi
    files_read=$files_read$1$newline
    emit "file:$1" <"$1"
    readlink -f "$1" | emit "real:$1"
}

# Print what is below the directories of the lines $1, each registry's directory by itself: hosts.toml with its text,
# and the names of certificates and keys, which are never read.
read_roots() {
    listed='' certificates=''
    by_lines
    for root_directory in $1; do
        by_words
        for directory in "$root_directory"/*/; do
            [ -d "$directory" ] || continue
            directory=${directory%/}
            if ! is_plain "$directory" || ! is_new "$directory/hosts.toml"; then continue; fi
            case $newline$listed in
                *"$newline$directory$newline"*) continue ;;
            esac
            listed=$listed$directory$newline
            if [ "${#listed}" -gt 262144 ]; then
                emit_text limit directories
                break
            fi
            [ ! -f "$directory/hosts.toml" ] || read_file "$directory/hosts.toml"
            for file in "$directory"/*.crt "$directory"/*.cert "$directory"/*.key; do
                [ ! -f "$file" ] || ! is_plain "$file" || certificates=$certificates$file$newline
            done
        done
    done
    by_words
    printf '%s' "$listed" | emit directories
    printf '%s' "$certificates" | emit certificates
}

# Print which of the paths of the lines $1 exist, and which do not. They may be keys, and are not read.
existing() {
    present='' absent=''
    by_lines
    for path in $1; do
        if [ -e "$path" ]; then present=$present$path$newline; else absent=$absent$path$newline; fi
    done
    by_words
    printf '%s' "$present" | emit present
    printf '%s' "$absent" | emit absent
}
