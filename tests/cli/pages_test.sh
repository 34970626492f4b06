#!/bin/sh
# Every command has a man page that renders without a warning and names every option
# that -h names; every shell's completion knows every command and option, and is sound.
#   pages_test.sh BUILD_FOLDER
set -eu
build=$1
program=$build/aftershock
pages=$build/man/man1
bad=0
complain() {
    echo "$*" >&2
    bad=1
}

commands=$("$program" -h | sed -n '/^COMMANDS$/,/^$/s/^  \([a-z]*\) .*/\1/p')
[ "$(echo "$commands" | wc -w)" -ge 9 ] || complain "commands of -h: $commands"

for shell in bash zsh fish; do
    "$program" completion "$shell" | cmp - "$build/cli/completion.$shell" ||
        complain "the file to install is not what 'completion $shell' prints"
    if command -v "$shell" >/dev/null 2>&1; then
        "$shell" -n "$build/cli/completion.$shell" || complain "$shell refuses its completion"
    fi
done

for command in "" $commands; do
    name=aftershock${command:+-$command}
    page=$pages/$name.1
    # shellcheck disable=SC2086
    options=$("$program" $command -h | sed -n 's/^  \(-h, \)\{0,1\}--\([a-z-]*\).*/\2/p')
    case " $(echo $options) " in
    *" help "*) ;;
    *) complain "$name: options of -h: $options" ;;
    esac
    for option in $options; do
        sed 's/\\-/-/g' "$page" | grep -q -e "--$option" ||
            complain "$page: no --$option"
        [ -n "$command" ] || continue
        grep -q -e "--$option" "$build/cli/completion.bash" || complain "bash: no --$option"
        grep -q -e "--$option" "$build/cli/completion.zsh" || [ "$option" = help ] ||
            complain "zsh: no --$option"
        grep -q -e "from $command' -l $option " "$build/cli/completion.fish" ||
            [ "$option" = help ] || complain "fish: no $command --$option"
    done
    if command -v groff >/dev/null 2>&1; then
        said=$(groff -man -ww -Tascii "$page" 2>&1 >/dev/null)
        [ -z "$said" ] || complain "$page: $said"
    fi
    if command -v mandoc >/dev/null 2>&1; then
        # A page of a program that is not released has no date.
        said=$(mandoc -T lint -W warning "$page" | grep -v 'missing date' || true)
        [ -z "$said" ] || complain "$said"
    fi
done

# Bash completes commands, options, words and shells.
completes() {
    expected=$1
    shift
    got=$(bash -c '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _aftershock
        echo "${COMPREPLY[*]}"' "$build/cli/completion.bash" "$@")
    [ "$got" = "$expected" ] || complain "bash, '$*': '$got', not '$expected'"
}
if command -v bash >/dev/null 2>&1; then
    completes "status" aftershock sta
    completes "--stop-after-stage" aftershock train --st
    completes "cuda" aftershock train --device cu
    completes "latest" aftershock train --resume lat
    completes "zsh" aftershock completion z
    completes "" aftershock train --threads 4
    completes "native" aftershock train --engine = na
    completes "auto native torch" aftershock train --engine =
fi

# Zsh finds the file in its fpath and completes at the first time.
if command -v zsh >/dev/null 2>&1; then
    folder=$(mktemp -d)
    cp "$build/cli/completion.zsh" "$folder/_aftershock"
    got=$(zsh -f -c 'fpath=("$1"); autoload -U _aftershock; compdef() { echo "compdef $*"; }
        _describe() { echo "$1"; }; words=(aftershock s); CURRENT=2; _aftershock; _aftershock' \
        zsh "$folder" 2>&1)
    rm -r "$folder"
    [ "$got" = "command
command" ] || complain "zsh, from its fpath: '$got'"
    got=$(zsh -f -c 'compdef() { echo "compdef $*"; }; eval "$("$1" completion zsh)"' \
        zsh "$program" 2>&1)
    [ "$got" = "compdef _aftershock aftershock" ] || complain "zsh, by eval: '$got'"
fi
exit $bad
