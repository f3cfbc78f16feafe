// What mpirun and srun tell the processes that they start.
#ifndef FOIL_BASE_LAUNCHER_H
#define FOIL_BASE_LAUNCHER_H

// How many processes were started together, this one among them; 1 without a launcher.
int launcher_processes(void);

#endif
