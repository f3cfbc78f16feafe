#!/bin/sh
# Installs into a prefix and builds an outside program against that in four ways: find_package and pkg-config, shared and static.
set -eu
grep -q '^FOIL_SANITIZE:BOOL=ON' "$FOIL_BUILD/CMakeCache.txt" && { echo "skipped: a sanitized library needs a sanitized program"; exit 77; }
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
cmake --install "$FOIL_BUILD" --prefix "$prefix" >"$work/log"
libdir=$(dirname "$(find "$prefix" -name libfoil.a)")
export PKG_CONFIG_PATH="$libdir/pkgconfig" LD_LIBRARY_PATH="$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
program=$FOIL_SOURCE/tests/install/use_foil.c
dnnl=$(sed -n 's/^dnnl_DIR:PATH=//p' "$FOIL_BUILD/CMakeCache.txt")

cmake -S "$FOIL_SOURCE/tests/install" -B "$work/build" -DCMAKE_PREFIX_PATH="$prefix" -Ddnnl_DIR="$dnnl" >"$work/log" || { cat "$work/log"; exit 1; }
cmake --build "$work/build" >"$work/log" || { cat "$work/log"; exit 1; }
cc $(pkg-config --cflags foil) -o "$work/pkg_shared" "$program" $(pkg-config --libs foil)
cc $(pkg-config --cflags foil) -o "$work/pkg_static" "$program" -Wl,--as-needed $(pkg-config --static --libs foil | sed 's/-lfoil/-l:libfoil.a/')

version=$("$prefix/bin/foil" --version | cut -d' ' -f1,2)
for use in "$work/build/use_shared" "$work/build/use_static" "$work/pkg_shared" "$work/pkg_static"; do
    said=$("$use")
    [ "$said" = "$version" ] || { echo "$use says '$said', the program '$version'" >&2; exit 1; }
done
[ "$(find "$prefix/include" -type f -printf '%P\n')" = foil.h ] || { echo "more headers than foil.h were installed" >&2; exit 1; }
for library in "$libdir/libfoil.a" "-D $libdir/libfoil.so"; do
    foreign=$(nm --defined-only --extern-only $library 2>/dev/null | awk 'NF == 3 {print $3}' | grep -v '^foil_' || true)
    [ -z "$foreign" ] || { echo "symbols beyond foil_* in $library:" $foreign >&2; exit 1; }
done
for use in "$work/build/use_static" "$work/pkg_static"; do
    if ldd "$use" | grep -q libfoil; then echo "$use was linked with the shared library" >&2; exit 1; fi
done
[ -f "$prefix/share/foil/configs/nets/dcgan64-d.yaml" ] || { echo "configs were not installed" >&2; exit 1; }
