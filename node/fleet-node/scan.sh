# What a configuration names, found by its text alone: no parser is needed on the node. It finds what people and
# programs write, over several lines too; an escape in a string, or TOML that only one release reads, is left to the
# caller, who parses the file and asks again for what is missing. It may find too much, which does no harm.

# Print what the file $1 imports, a line each: absolute and without detours, as containerd resolves it.
scan_imports() {
    numbers=$(grep -niE "^[[:blank:]]*[\"']?imports[\"']?[[:blank:]]*=" "$1" 2>/dev/null | head -n 8 | cut -d: -f1)
    for number in $numbers; do
        tail -n "+$number" "$1" | head -c 65536 | strings_of_array
    done | while IFS= read -r name; do
        case $name in
            '') continue ;;
            /*) ;;
            *) name=$(dirname "$1")/$name ;;
        esac
        case $name in
            *//* | */./* | */../* | */. | */.. | */) name=$(realpath -ms "$name") ;;
        esac
        printf '%s\n' "$name"
    done
}

# Print the strings of the array that begins in the first line of standard input: `KEY = ["…", '…']`.
strings_of_array() {
    IFS= read -r rest || [ -n "$rest" ] || return 0
    rest=${rest#*=}
    array=''
    while :; do
        rest=${rest#"${rest%%[![:blank:]]*}"}
        case $array$rest in
            '['*)
                array=yes
                rest=${rest#'['}
                ;;
            yes | yes'#'* | yes"$cr")
                IFS= read -r rest || [ -n "$rest" ] || return 0
                ;;
            yes,*) rest=${rest#,} ;;
            yes\"*\"*) next_string '"' ;;
            "yes'"*"'"*) next_string "'" ;;
            *) return 0 ;;
        esac
    done
}

# Print the string between the quotes $1 at the start of `rest`, and take it away from there.
next_string() {
    rest=${rest#"$1"}
    case $1${rest%%"$1"*} in
        '"'*\\*) ;;
        *) printf '%s\n' "${rest%%"$1"*}" ;;
    esac
    rest=${rest#*"$1"}
}

# Print the values of the key $1 in the file $2, a line each: strings without an escape, also in inline tables and after
# dots. Comments are passed over.
scan_values() {
    grep -vE '^[[:blank:]]*#' "$2" 2>/dev/null |
        grep -oiE "(^|[^a-z0-9_-])$1[\"']?[[:blank:]]*=[[:blank:]]*(\"[^\"\\]*\"|'[^']*')" |
        while IFS= read -r found_value; do
            found_value=${found_value#*=}
            found_value=${found_value#*[\"\']}
            printf '%s\n' "${found_value%?}"
        done
}

# Print the absolute directories of the config_path settings of the files that standard input names: a setting may have
# several, with colons.
scan_roots() {
    while IFS= read -r file; do
        scan_values config_path "$file" | tr ':' '\n' | grep '^/'
    done | sort -u | head -n 32
}

# Print the lines of standard input before the first table.
before_tables() {
    while IFS= read -r line; do
        case ${line#"${line%%[![:blank:]]*}"} in
            '['*) return ;;
        esac
        printf '%s\n' "$line"
    done
}

# Print where containerd keeps data, by the setting $1 (root, state) of the main file $2: it is of no table.
scan_directory() {
    before_tables <"$2" | scan_values "$1" - | grep '^/' | head -n 1
}

# Print the socket that the main file $1 sets in its table grpc, or else containerd's own.
scan_socket() {
    line=$(grep -niEm1 '^[[:blank:]]*\[[[:blank:]]*grpc[[:blank:]]*\]' "$1" 2>/dev/null | cut -d: -f1)
    if [ -n "$line" ]; then
        line=$(tail -n "+$((line + 1))" "$1" | before_tables | scan_values address - | head -n 1)
    fi
    printf '%s' "${line:-$prefix/run/containerd/containerd.sock}"
}

# Print the absolute paths that these files have in quotes: what must be there for CRI to load is among them.
scan_paths() {
    while IFS= read -r file; do
        grep -vE '^[[:blank:]]*#' "$file" | grep -oE "[\"']/[^\"'\\]+[\"']" | tr -d "\"'"
    done
}
