#!/bin/sh
# Runs a check with the Python that has its peers (FOIL_PYTHON); 77 = skipped, saying so.
if [ ! -x "${FOIL_PYTHON:-}" ]; then
    echo "skipped: no FOIL_PYTHON with PyTorch and the export peers was given to CMake"
    exit 77
fi
exec "$FOIL_PYTHON" "$@"
