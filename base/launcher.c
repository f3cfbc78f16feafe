#include "base/launcher.h"

#include <limits.h>
#include <stdlib.h>

#include "base/text.h"

int launcher_processes(void) {
    // Open MPI's mpirun; MPICH's, Intel's, and srun --mpi=pmi2; srun in every mode.
    static const char *const VARIABLES[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"};
    long long n;
    for (size_t i = 0; i < sizeof VARIABLES / sizeof *VARIABLES; i++) {
        const char *value = getenv(VARIABLES[i]);
        if (value && text_to_int(value, &n) && n >= 1 && n <= INT_MAX) return (int)n;
    }
    return 1;
}
