// Where JPEG's grid lies: for the cues that look along it. Internal to eval/cues/.
#ifndef FOIL_EVAL_CUES_BLOCKS_H
#define FOIL_EVAL_CUES_BLOCKS_H

#include "eval/cues/cue.h"

enum { BLOCK = 8, BLOCKS_LEAST = 24 };

// Of one direction: K of the squares whose first pixel is in column c, c + 8 … (negative: smoother than the rest); the best.
typedef struct block_phases {
    double k[BLOCK];
    int best;
    double strength; // of the best above the median of all |K|
    double chance;   // the same in standard deviations of what chance gives
} block_phases;
// across[0]: columns, [1]: rows. false: the picture is too small.
bool blocks_find(const cue_scene *s, block_phases phases[2]);
// The first row or column of a block, 0 to 7. What the grid of the whole picture is, if it has none that can be seen, is 0.
int blocks_offset(const block_phases *p);

#endif
