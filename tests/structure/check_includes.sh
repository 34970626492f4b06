#!/bin/sh
# Checks the #includes of a source tree against the layers of docs/design.md:
#   check_includes.sh [ROOT]
# Prints every include that points the wrong way, and every use of a library
# outside the one place that may use it. Exit code 1 where there is one.
set -eu
cd "${1:-.}"

find base curriculum environment trainer recovery report runner library cli service \
    -type f \( -name '*.c' -o -name '*.h' -o -name '*.cc' -o -name '*.cpp' -o -name '*.hpp' \) \
    2>/dev/null | LC_ALL=C sort | xargs awk '
BEGIN {
    # which layers a layer may include, beside itself
    may["base"] = ""
    may["curriculum"] = may["environment"] = may["trainer"] = " base "
    may["recovery"] = may["report"] = " base "
    may["runner"] = " base curriculum trainer environment recovery report "
    may["library"] = " base curriculum environment runner "
    may["cli"] = " base curriculum recovery report runner service "
    may["service"] = " base recovery report runner "

    # library header, where it may be used, in how many files (0: any number)
    n = 0
    rule("^zip[.]h$",               "^recovery/[^/]*[.]c$",             1)
    rule("^ini[.]h$",               "^curriculum/[^/]*[.]c$",           1)
    rule("^jansson[.]h$",           "^base/json[.]c$",                  1)
    rule("^openssl/",               "^base/digest[.]c$",                1)
    rule("^Random123/",             "^base/random[.]c$",                1)
    rule("^((torch|ATen|c10)/|cuda)", "^trainer/torch/libtorch[.]h$",     1)
    rule("^cblas[.]h$",             "^runner/bench/",                   0)
    rule("^(lapacke|lapack)[.]h$",  "^environment/[^/]*[.]c$",          1)
    rule("^(Clp_|coin/|coin-or/)",  "^environment/[^/]*[.]c$",          1)
    rule("^sqlite3[.]h$",           "^service/[^/]*[.]c$",              1)
    rule("^microhttpd[.]h$",        "^service/[^/]*[.]c$",              1)
}
function rule(pattern, place, files) {
    n++
    header[n] = pattern; allowed[n] = place; limit[n] = files
}
function complain(message) {
    printf "%s:%d: %s\n", FILENAME, FNR, message
    bad = 1
}
/^[ \t]*#[ \t]*include[ \t]*["<]/ {
    name = $0
    sub(/^[ \t]*#[ \t]*include[ \t]*["<]/, "", name)
    sub(/[">].*$/, "", name)
    layer = FILENAME
    sub(/\/.*$/, "", layer)
    target = name
    sub(/\/.*$/, "", target)
    if (target != name && (target in may) && target != layer &&
        index(may[layer], " " target " ") == 0)
        complain(layer " must not include " name)
    if (name ~ /^\.\./)
        complain("paths start at the root of the tree, not at " name)
    for (i = 1; i <= n; i++) {
        if (name !~ header[i])
            continue
        if (FILENAME !~ allowed[i])
            complain(name " belongs to " allowed[i])
        else if (limit[i] && user[i] != "" && user[i] != FILENAME)
            complain(name " is used by " user[i] " already")
        else
            user[i] = FILENAME
    }
}
END { exit bad }
'
