#!/bin/sh
# Everything that is tested, on a fresh Debian 12: installs what is missing, builds, checks, ends with the main test run. What was done before is not done again.
set -eu
cd "$(dirname "$0")/.."
steps=8
. scripts/steps.sh
run() { ctest --test-dir "$@" --output-on-failure --no-label-summary -j "$(nproc)"; }

say "Debian packages"
sh scripts/packages.sh clang-format clang-tidy libomp-dev python3-venv locales openmpi-bin libopenmpi-dev chromium

say "Python peers for the checks that compare with them"
sh scripts/python.sh

say "Release build with MPI, warnings are errors"
configure_release
cmake -DFOIL_MPI=ON build/release >build/release.log 2>&1 || { cat build/release.log >&2; exit 1; }
build build/release

say "Format and static analysis"
sh scripts/lint.sh build/release

say "Build with AddressSanitizer and UndefinedBehaviorSanitizer"
configure build/asan -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_C_FLAGS_RELWITHDEBINFO="-O2 -g1 -DNDEBUG" -DFOIL_SANITIZE=ON # places for reports, no variables
build build/asan

say "Tests under the sanitizers"
run build/asan -LE slow

say "oneDNN 3: build and tests of nn"
if [ -d build/onednn3 ]; then
    configure build/release3 -DCMAKE_PREFIX_PATH="$PWD/build/onednn3"
    build build/release3 $(ninja -C build/release3 -t targets all | sed -n 's|^\(tests/nn_test_[a-z0-9_]*\): .*|\1|p')
    LD_LIBRARY_PATH=$PWD/build/onednn3/lib run build/release3 -R '^nn/'
else
    echo "skipped: oneDNN 3 could not be had"
fi

say "Tests"
run build/release
