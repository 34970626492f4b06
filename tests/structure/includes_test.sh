#!/bin/sh
# includes_test.sh ROOT: the tree keeps to its layers, and the check can fail.
set -eu
root=$1
check=$root/tests/structure/check_includes.sh
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

say() {
    echo "$1: $2"
    [ "$2" = ok ] || failed=1
}

if sh "$check" "$root"; then say includes__follow_the_layers ok; else say includes__follow_the_layers FAILED; fi

# must_fail NAME FILE LINE…: a tree with that file is refused, by a message that names it
must_fail() {
    name=$1 file=$2
    shift 2
    rm -rf "$folder/tree"
    mkdir -p "$folder/tree/${file%/*}" "$folder/tree/recovery"
    printf '#include <zip.h>\n' >"$folder/tree/recovery/first.c"
    printf '%s\n' "$@" >"$folder/tree/$file"
    if sh "$check" "$folder/tree" >"$folder/out" 2>&1; then
        say "$name" FAILED
    elif grep -q "^$file:" "$folder/out"; then
        say "$name" ok
    else
        cat "$folder/out"
        say "$name" FAILED
    fi
}

must_fail includes__refuse_trainer_to_environment trainer/a.c '#include "environment/config.h"'
must_fail includes__refuse_base_to_anything base/a.h '#include "curriculum/settings.h"'
must_fail includes__refuse_runner_to_cli runner/a.c '  #  include "cli/options.h"'
must_fail includes__refuse_report_to_recovery report/a.c '#include "recovery/archive.h"'
must_fail includes__refuse_library_to_recovery library/a.c '#include "recovery/archive.h"'
must_fail includes__refuse_environment_to_library environment/a.c '#include "library/quiet.h"'
must_fail includes__refuse_relative_paths base/a.c '#include "../base/b.h"'
must_fail includes__refuse_a_second_user_of_libzip recovery/second.c '#include <zip.h>'
must_fail includes__refuse_libzip_elsewhere runner/a.c '#include <zip.h>'
must_fail includes__refuse_inih_elsewhere runner/a.c '#include <ini.h>'
must_fail includes__refuse_jansson_elsewhere report/a.c '#include <jansson.h>'
must_fail includes__refuse_torch_elsewhere trainer/a.c '#include <torch/torch.h>'
must_fail includes__refuse_torch_beside_its_one_header trainer/torch/a.cpp '#include <ATen/ATen.h>'
must_fail includes__refuse_blas_elsewhere environment/a.c '#include <cblas.h>'
must_fail includes__refuse_lapack_elsewhere trainer/native/a.c '#include <lapacke.h>'
must_fail includes__refuse_clp_elsewhere runner/a.c '#include <Clp_C_Interface.h>'
must_fail includes__refuse_sqlite_elsewhere report/a.c '#include <sqlite3.h>'
must_fail includes__refuse_microhttpd_elsewhere cli/a.c '#include <microhttpd.h>'
must_fail includes__refuse_service_to_curriculum service/a.c '#include "curriculum/settings.h"'

exit $failed
