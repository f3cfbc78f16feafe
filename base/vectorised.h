// One binary for every x86-64: of a function marked so the loader picks the widest version that the processor runs. (Sanitizers and clang 14 can't have it.)
#ifndef FOIL_BASE_VECTORISED_H
#define FOIL_BASE_VECTORISED_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define VECTORISED __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define VECTORISED
#endif

#endif
