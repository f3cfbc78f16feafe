// The generator in a run's checkpoint, for the commands that show it or carry it away.
#ifndef FOIL_CLI_GENERATOR_H
#define FOIL_CLI_GENERATOR_H

#include "nn/net.h"
#include "nn/store.h"

// `run` is a folder or a checkpoint's file; the running average is taken where there is one. The caller frees both.
foil_status generator_open(const char *run, net **n, store **s);

#endif
