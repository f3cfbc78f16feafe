#!/bin/sh
# Installs those of Debian's packages that are missing: what building needs, and whatever is named as arguments. As root or through sudo.
set -eu
missing=
for package in build-essential ccache cmake ninja-build pkg-config git ca-certificates \
    libdnnl-dev ocl-icd-opencl-dev libopenblas-openmp-dev libhdf5-dev libpng-dev libjpeg62-turbo-dev libwebp-dev libstb-dev \
    libfyaml-dev libjansson-dev protobuf-c-compiler libprotobuf-c-dev libkissfft-dev libexif-dev zlib1g-dev libcmocka-dev "$@"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
if [ -z "$missing" ]; then
    echo "all packages are there"
    exit 0
fi
echo "installing:$missing"
as_root=
if [ "$(id -u)" != 0 ]; then
    as_root=sudo
    command -v sudo >/dev/null || { echo "packages.sh: neither root nor sudo: install them by hand" >&2; exit 1; }
fi
mkdir -p build
{ $as_root apt-get update && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } >build/packages.log 2>&1 ||
    { tail -20 build/packages.log >&2; exit 1; }
