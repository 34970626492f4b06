#!/bin/sh
# Installs into a folder, moves that folder, and works from there as a user would.
#   install_test.sh BUILD_FOLDER CMAKE
set -eu
build=$1
cmake=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
unset AFTERSHOCK_MODELS AFTERSHOCK_DEVICE AFTERSHOCK_ENGINE AFTERSHOCK_THREADS \
    AFTERSHOCK_RESUME AFTERSHOCK_PROGRESS

fail() {
    echo "$*" >&2
    exit 1
}

"$cmake" --install "$build" --prefix "$folder/first" >/dev/null
mv "$folder/first" "$folder/moved"
prefix=$folder/moved
mkdir "$folder/work"
cd "$folder/work"

# What is trained there comes from there, and not from the build folder.
"$prefix/bin/aftershock" train "$prefix/share/aftershock/stages.ini" --stop-after-stage 1 \
    --set run.name=small --set 'stage 1.timesteps=400' --set environment.n_envs=4 \
    --set ppo.n_steps=50 --set ppo.batch_size=100 --set evaluation.motions=0 \
    --threads 1 >output.txt 2>&1 || { cat output.txt; fail "train failed"; }
"$prefix/bin/aftershock" verify models/small
"$prefix/bin/aftershock" motion --magnitude 5 --json >motion.json
"$prefix/bin/aftershock" train "$prefix/share/aftershock/examples/v9_advanced.ini" --dry-run

for file in share/man/man1/aftershock.1 share/man/man1/aftershock-train.1 \
    share/bash-completion/completions/aftershock share/zsh/site-functions/_aftershock \
    share/fish/vendor_completions.d/aftershock.fish; do
    [ -s "$prefix/$file" ] || fail "no $file"
done
documents=$(find "$prefix/share/doc" -name LICENSE -exec dirname {} \;)
for file in README.md CHANGELOG.md docs/usage.md tools/slurm/train.sbatch \
    'tools/systemd/aftershock@.service' tools/systemd/aftershock-serve.service; do
    [ -s "$documents/$file" ] || fail "no $file in '$documents'"
done

# Nothing in it knows the source tree or the build folder by a path to look in.
if command -v readelf >/dev/null 2>&1; then
    for file in "$prefix/bin/aftershock" "$(dirname "$(find "$prefix" -name aftershock_native.so)")"/*.so; do
        readelf -d "$file" | grep -E 'R(UN)?PATH' | grep -F "$build" && fail "$file: path"
    done
fi

# The units, with the program's path for its name: systemd looks for it in the system only.
if command -v systemd-analyze >/dev/null 2>&1; then
    for unit in 'aftershock@.service' aftershock-serve.service; do
        sed "s#^ExecStart=aftershock#ExecStart=$prefix/bin/aftershock#" \
            "$documents/tools/systemd/$unit" >"$folder/$unit"
        systemd-analyze --man=no verify "$folder/$unit" || fail "$unit is wrong"
    done
fi
exit 0
