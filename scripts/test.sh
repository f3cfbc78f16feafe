#!/bin/sh
# Everything that is tested, on a fresh Debian 12: installs what is missing, builds, checks, ends with the main test run. What was done before is not done again.
set -eu
cd "$(dirname "$0")/.."
step=0
say() {
    step=$((step + 1))
    printf '\n== %d/8 %s\n' $step "$*"
}
configure() { # FOLDER OPTIONS...
    folder=$1
    shift
    [ -f "$folder/build.ninja" ] || cmake -B "$folder" -G Ninja -DCMAKE_C_COMPILER_LAUNCHER=ccache "$@" >"$folder.log" 2>&1 || { cat "$folder.log" >&2; exit 1; }
}
build() { ninja -C "$1" >"$1.log" 2>&1 || { tail -40 "$1.log" >&2; exit 1; }; }
run() { ctest --test-dir "$@" --output-on-failure --no-label-summary; }

say "Debian packages"
sh scripts/packages.sh clang-format clang-tidy libomp-dev python3-venv

say "Python peers for the checks that compare with them"
sh scripts/python.sh

say "Release build, warnings are errors"
configure build/release -DFOIL_PYTHON="$PWD/build/python/bin/python"
build build/release

say "Format and static analysis"
sh scripts/lint.sh build/release

say "Build with AddressSanitizer and UndefinedBehaviorSanitizer"
configure build/asan -DCMAKE_BUILD_TYPE=RelWithDebInfo -DFOIL_SANITIZE=ON
build build/asan

say "Tests under the sanitizers"
run build/asan -LE slow

say "oneDNN 3: build and tests of nn"
if [ -d build/onednn3 ]; then
    configure build/release3 -DCMAKE_PREFIX_PATH="$PWD/build/onednn3"
    build build/release3
    LD_LIBRARY_PATH=$PWD/build/onednn3/lib run build/release3 -R '^nn/'
fi

say "Tests"
run build/release
