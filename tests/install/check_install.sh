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

# Where numbers have commas, scores are the same. The locale is made here (Debian's package locales), no system need have it.
"$FOIL_BUILD/tests/export_test_networks" "$work" small32-d >"$work/log"
picture=$FOIL_SOURCE/tests/broken/good.jpg
wanted=$(LC_ALL=C "$work/pkg_shared" "$work/small32-d.safetensors" "$picture")
[ "${wanted% 0.*}" = "$picture" ] || { echo "the program says '$wanted' of a picture" >&2; exit 1; }
if localedef -i de_DE -f UTF-8 "$work/de_DE.UTF-8" 2>"$work/log"; then
    said=$(LOCPATH=$work LC_ALL=de_DE.UTF-8 "$work/pkg_shared" "$work/small32-d.safetensors" "$picture")
    [ "$said" = "$(echo "$wanted" | sed 's/ 0\./ 0,/')" ] || { echo "in German it says '$said'" >&2; exit 1; }
else
    echo "no German: $(tail -1 "$work/log")"
fi
[ "$(find "$prefix/include" -type f -printf '%P\n')" = foil.h ] || { echo "more headers than foil.h were installed" >&2; exit 1; }
for library in "$libdir/libfoil.a" "-D $libdir/libfoil.so"; do
    foreign=$(nm --defined-only --extern-only $library 2>/dev/null | awk 'NF == 3 {print $3}' | grep -v '^foil_' || true)
    [ -z "$foreign" ] || { echo "symbols beyond foil_* in $library:" $foreign >&2; exit 1; }
done
for use in "$work/build/use_static" "$work/pkg_static"; do
    if ldd "$use" | grep -q libfoil; then echo "$use was linked with the shared library" >&2; exit 1; fi
done
readme=$prefix/share/doc/foil/README.md
for link in $(grep -o ']([a-z][^):]*)' "$readme" | tr -d '()]'); do
    [ -f "$(dirname "$readme")/$link" ] || { echo "the installed README.md links $link, which is not there" >&2; exit 1; }
done
grep -q '^# Foil$' "$readme" || { echo "the installed README.md is another one" >&2; exit 1; }
[ -f "$prefix/share/foil/configs/nets/dcgan64-d.yaml" ] || { echo "configs were not installed" >&2; exit 1; }
