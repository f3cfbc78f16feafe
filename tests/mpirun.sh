# For checks of many ranks, read with `.`: `ranks N COMMAND...` runs N processes on this machine. Skips the check (status 77) where that can't be.
# The launcher is Open MPI's; a build without MPI says so itself.
if ! command -v mpirun >/dev/null; then
    echo "skipped: there is no mpirun"
    exit 77
fi
if ! grep -q '^FOIL_MPI:BOOL=ON' "$FOIL_BUILD/CMakeCache.txt"; then
    echo "skipped: built without MPI (cmake -DFOIL_MPI=ON)"
    exit 77
fi
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export ASAN_OPTIONS=detect_leaks=0 # Open MPI keeps much to the end, in plugins that are gone by then
ranks() {
    n=$1
    shift
    # Shared memory alone: a machine without a network will do. Yield: there may be fewer cores than ranks.
    mpirun -n "$n" --oversubscribe --bind-to none --mca btl self,vader --mca mpi_yield_when_idle 1 "$@"
}
