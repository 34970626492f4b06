#!/bin/sh
# installed_test.sh SOURCE_DIR BUILD_DIR: after `cmake --install` a stranger compiles against
# the library by pkg-config, Python finds it by itself, and it exports its interface alone.
set -eu
source=$1 build=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

say() {
    echo "$1: $2"
    [ "$2" = ok ] || failed=1
}

# check NAME COMMAND…
check() {
    name=$1
    shift
    if "$@" >"$folder/out" 2>&1; then
        say "$name" ok
    else
        cat "$folder/out"
        say "$name" FAILED
    fi
}

cmake --install "$build" --prefix "$folder/prefix" >/dev/null
library=$(find "$folder/prefix" -name 'libaftershock.so.*.*')
config=$(find "$folder/prefix" -name aftershock.pc)
PKG_CONFIG_PATH=${config%/*}
export PKG_CONFIG_PATH

exports_only_its_interface() {
    names=$(nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }')
    [ -n "$names" ] || return 1
    ! echo "$names" | grep -v '^aftershock_'
}
check library__exports_only_its_interface exports_only_its_interface

links_no_blas() { ! readelf -d "$library" | grep NEEDED | grep -iE 'blas|lapack|mkl|Clp'; }
check library__links_no_blas links_no_blas

is_named_by_its_abi() { readelf -d "$library" | grep -q 'SONAME.*\[libaftershock\.so\.[0-9]*\]'; }
check library__is_named_by_its_abi is_named_by_its_abi

cat >"$folder/user.c" <<'USER'
#include <aftershock/aftershock.h>
#include <stdio.h>
int main(int argc, char **argv)
{
    struct aftershock *building = NULL;
    struct aftershock_error error;
    int code = aftershock_create(&building, argv[argc - 1], NULL, &error);
    puts(code == AFTERSHOCK_OK ? aftershock_version() : error.message);
    aftershock_close(&building);
    return code;
}
USER
compiles_and_runs() {
    # shellcheck disable=SC2046
    cc -std=c99 -pedantic -Wall -Wextra -Werror "$folder/user.c" -o "$folder/user" \
        $(pkg-config --cflags --libs aftershock) &&
        LD_LIBRARY_PATH=${library%/*} "$folder/user" "$source/stages.ini"
}
check library__is_found_by_pkg_config compiles_and_runs

if /usr/bin/python3 -c 'import numpy' >/dev/null 2>&1; then
    runs_in_python() {
        env -u AFTERSHOCK_LIBRARY PYTHONDONTWRITEBYTECODE=1 \
            PYTHONPATH="$(pkg-config --variable=pythondir aftershock)" /usr/bin/python3 -c '
import sys, aftershock
with aftershock.Environments(sys.argv[1], n_envs=2) as env:
    assert env.reset().shape == (2, env.obs_dim)
assert aftershock._library_path().startswith(sys.argv[2]), aftershock._library_path()
' "$source/stages.ini" "$(realpath "$folder/prefix")"
    }
    check library__is_found_by_its_python_file runs_in_python
else
    echo "python3 has no numpy: its part is skipped"
fi

exit $failed
