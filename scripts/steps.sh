# What scripts/test.sh and scripts/demo.sh share; read with `.` after setting `steps`, the number of steps.
step=0
say() {
    step=$((step + 1))
    printf '\n== %d/%d %s\n' $step $steps "$*"
}
mkdir -p build # where all is logged; of the packages only if any was missing
# What one clone has compiled another one finds.
export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1
# Configures a build folder if that has not been done: configure FOLDER OPTIONS...
configure() {
    folder=$1
    shift
    [ -f "$folder/build.ninja" ] && return
    cmake -B "$folder" -G Ninja -DCMAKE_C_COMPILER_LAUNCHER=ccache "$@" >"$folder.log" 2>&1 || { cat "$folder.log" >&2; rm -f "$folder/build.ninja"; exit 1; }
}
configure_release() { configure build/release -DFOIL_PYTHON="$PWD/build/python/bin/python"; }
build() { ninja -C "$@" >"$1.log" 2>&1 || { tail -40 "$1.log" >&2; exit 1; }; }
