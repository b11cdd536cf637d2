# The last part of fleet-node: which subcommand is called, and with which options.

commands='facts status prepare apply confirm rollback discard'

# Options as variables. A value that may be repeated becomes lines of its variable.
options() {
    opt_run='' opt_read='' opt_root='' opt_present='' opt_space='' opt_socket='' opt_main='' opt_files='' opt_mode=''
    opt_owned='' opt_keep_runs='' opt_keep_days='' opt_sandbox='' opt_silence='' opt_within=''
    opt_revert_after='' opt_restart_within='' opt_verify_within=''
    while [ "$#" -gt 0 ]; do
        case "$command $1" in
            undo\ --force | undo\ --revert | undo\ --boot | undo\ --check | \
                rollback\ --force | rollback\ --revert | apply\ --files-only | status\ --all)
                opt_mode=${1#--}
                shift
                continue
                ;;
        esac
        [ "$#" -gt 1 ] || usage "$command has no option '$1', or it needs a value"
        is_plain "$2" || usage "the value of $1 has a control character"
        case "$command $1" in
            *\ --marker) marker=$2 ;;
            files\ --main) opt_main=$2 ;;
            facts\ --read | files\ --read) opt_read=$opt_read$2$newline ;;
            facts\ --root | files\ --root) opt_root=$opt_root$2$newline ;;
            facts\ --present | files\ --present) opt_present=$opt_present$2$newline ;;
            facts\ --space) opt_space=$opt_space$2$newline ;;
            facts\ --socket) opt_socket=$2 ;;
            facts\ --run | files\ --run) usage "$command has no option '$1'" ;;
            *\ --run) opt_run=$2 ;;
            prepare\ --owned) opt_owned=$2 ;;
            prepare\ --keep-runs) opt_keep_runs=$2 ;;
            prepare\ --keep-days) opt_keep_days=$2 ;;
            prepare\ --sandbox | sandbox\ --sandbox) opt_sandbox=$2 ;;
            apply\ --revert-after) opt_revert_after=$2 ;;
            apply\ --restart-within) opt_restart_within=$2 ;;
            apply\ --verify-within) opt_verify_within=$2 ;;
            confirm\ --within | rollback\ --within) opt_within=$2 ;;
            apply\ --silence | confirm\ --silence) opt_silence=$2 ;;
            sandbox\ --files) opt_files=$2 ;;
            *) usage "$command has no option '$1'" ;;
        esac
        shift 2
    done
    check_options
}

check_options() {
    case $marker in
        *[!0-9a-f]*) usage "a marker is of hexadecimal digits" ;;
    esac
    [ -z "$opt_run" ] || check_run "$opt_run"
    case $command in
        prepare | apply | confirm | discard | sandbox | undo)
            [ -n "$opt_run" ] && [ "$opt_run" != current ] || usage "$command needs --run RUN"
            ;;
    esac
    case $command in
        prepare) check_numbers "$opt_owned" "$opt_keep_runs" "$opt_keep_days" "${opt_sandbox:-0}" ;;
        apply) check_numbers "$opt_revert_after" "$opt_restart_within" "$opt_verify_within" "$opt_silence" ;;
        confirm) check_numbers "$opt_within" "$opt_silence" ;;
        rollback) check_numbers "$opt_within" ;;
    esac
}

check_numbers() {
    for number; do
        case $number in
            '' | *[!0-9]*) usage "$command needs each of its numbers, in digits" ;;
        esac
    done
}

# `files`, `sandbox` and `undo` are what this program starts itself.
run() {
    case $command in
        facts) run_facts ;;
        files) run_files ;;
        status) run_status ;;
        prepare) run_prepare ;;
        sandbox) run_sandbox ;;
        apply) run_apply ;;
        confirm) run_confirm ;;
        rollback) run_rollback ;;
        discard) run_discard ;;
        undo) run_undo ;;
    esac
}

main() {
    command=${1-}
    [ "$#" -eq 0 ] || shift
    case " $commands files sandbox undo " in
        *" ${command:-.} "*) ;;
        *) usage "'$command' is not a subcommand; they are: $commands" ;;
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
