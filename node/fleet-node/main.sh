# The last part of fleet-node: which subcommand is called, and with which options.

# Options as variables. A value that may be repeated becomes lines of its variable, and one without a value "yes".
options() {
    opt_run='' opt_read='' opt_root='' opt_present='' opt_space='' opt_socket='' opt_main=''
    while [ "$#" -gt 0 ]; do
        case $command$1 in
            *--marker) marker=$(value "$@") || exit 2 ;;
            status--run) opt_run=$(value "$@") || exit 2 ;;
            facts--read | files--read) opt_read=$opt_read$(value "$@")$newline || exit 2 ;;
            facts--root | files--root) opt_root=$opt_root$(value "$@")$newline || exit 2 ;;
            facts--present | files--present) opt_present=$opt_present$(value "$@")$newline || exit 2 ;;
            facts--socket) opt_socket=$(value "$@") || exit 2 ;;
            files--main) opt_main=$(value "$@") || exit 2 ;;
            facts--space) opt_space=$opt_space$(value "$@")$newline || exit 2 ;;
            *) usage "$command has no option '$1'" ;;
        esac
        shift 2
    done
    case $marker in
        *[!0-9a-f]*) usage "a marker is of hexadecimal digits" ;;
    esac
    [ -z "$opt_run" ] || check_run "$opt_run"
}

value() {
    [ "$#" -gt 1 ] || usage "$1 needs a value"
    is_plain "$2" || usage "the value of $1 has a control character"
    printf '%s' "$2"
}

run() {
    case $command in
        facts) run_facts ;;
        files) run_files ;;
        status) run_status ;;
    esac
}

main() {
    command=${1-}
    [ "$#" -eq 0 ] || shift
    case $command in
        facts | files | status) ;;
        '') usage "a subcommand is missing: facts or status" ;;
        *) usage "'$command' is not a subcommand: facts or status" ;;
    esac
    options "$@"
    report begin
    # In a shell of its own: whatever ends it, an answer that came to its end is told from one that was cut.
    (run)
    main_code=$?
    report end "$main_code"
    exit "$main_code"
}

main "$@"
