# Where a file may be written: what is in the way of it gets a message with a cure.

# Refuse a path at which a file cannot be replaced by renaming, or where somebody else could get in between.
check_place() {
    is_plain "$1" || fail "a path has a tab, a newline or another control character in it; rename that file first"
    case $1 in
        /*) ;;
        *) fail "$1 is not an absolute path" ;;
    esac
    [ ! -L "$1" ] || fail "$1 became a symbolic link after the plan; run the rollout again"
    [ ! -e "$1" ] || [ -f "$1" ] || fail "$1 is not a file; move it out of the way"
    if is_mount_point "$1"; then
        fail "$1 is mounted by itself, and cannot be replaced by renaming: umount $1, and copy the file there"
    fi
    if [ -f "$1" ] && ! (: <>"$1") 2>/dev/null; then
        fail "$1 cannot be written: where it is immutable, chattr -i -a $1; where its file system is read-only, remount it"
    fi
    check_parents "$(existing_parent "$1")"
}

is_mount_point() {
    cut -d' ' -f5 "$proc/self/mountinfo" 2>/dev/null | grep -qxF "$1"
}

# Print the nearest directory above the path $1 that exists.
existing_parent() {
    parent=$(dirname "$1")
    while [ ! -d "$parent" ]; do parent=$(dirname "$parent"); done
    printf '%s' "$parent"
}

checked=''

# Refuse a directory where another than root may write, or write above it: copies could be exchanged there. With the
# sticky bit others can only add names, and those of the copies cannot be guessed.
check_parents() {
    parent=$1
    until [ "$parent" = / ]; do
        # The directories of one answer are mostly the same: each is asked once.
        case $newline$checked in
            *"$newline$parent$newline"*) return ;;
        esac
        checked=$checked$parent$newline
        user=$(stat -c '%u %A' "$parent")
        mode=${user#* }
        user=${user% *}
        [ "$user" = 0 ] || [ "$user" = "$(id -u)" ] ||
            fail "$parent belongs to user $user, who could exchange files there: chown root $parent"
        case $mode in
            # rwxrwxrwt
            ?????????[tT]) ;;
            ?????w* | ????????w*) fail "others may write to $parent, and exchange files there: chmod go-w $parent" ;;
        esac
        parent=$(dirname "$parent")
    done
}

# Print the path $1 with no link among its directories.
real_place() {
    printf '%s/%s' "$(readlink -m "$(dirname "$1")")" "$(basename "$1")"
}

# Give a new file the label that SELinux's policy has for it; one that replaces another has that one's already.
label() {
    [ ! -e "$prefix/sys/fs/selinux/enforce" ] || ! command -v restorecon >/dev/null || restorecon "$@"
}
