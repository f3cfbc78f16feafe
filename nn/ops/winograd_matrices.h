// F(m, r) from polynomials that are evaluated at a = m + r - 1 points, infinity the last (Toom 1963, Cook 1966, Winograd 1980; Lavin and Gray 2015).
//
//     F(2, 2): 0, 1      F(2, 3): 0, ±1      F(4, 2): ±1/2, ±3/2      F(4, 3): 0, ±3/4, ±3/2
//
// Points near 1 keep powers, and with them rounding errors, small (Barabasz, Anderson, Soodhalter, Gregg 2020): with 3/4 and 3/2 errors are a quarter of
// those with 1 and 2. All elements but some of G are exact.
#ifndef FOIL_NN_OPS_WINOGRAD_MATRICES_H
#define FOIL_NN_OPS_WINOGRAD_MATRICES_H

// Bᵀ [a, a], G [a, r] and Aᵀ [m, a], row by row.
static const float B_2_2[] = {-1, 1, 0, 0, 1, 0, 0, -1, 1};
static const float G_2_2[] = {-1, 0, 1, 1, 0, 1};
static const float A_2_2[] = {1, 1, 0, 0, 1, 1};

static const float B_2_3[] = {-1, 0, 1, 0, 0, 1, 1, 0, 0, -1, 1, 0, 0, -1, 0, 1};
static const float G_2_3[] = {-1, 0, 0, .5F, .5F, .5F, .5F, -.5F, .5F, 0, 0, 1};
static const float A_2_3[] = {1, 1, 1, 0, 0, 1, -1, 1};

static const float B_4_2[] = {
    -9 / 8.F, -9 / 4.F, 1 / 2.F,  1, 0, //
    9 / 8.F,  -9 / 4.F, -1 / 2.F, 1, 0, //
    -3 / 8.F, -1 / 4.F, 3 / 2.F,  1, 0, //
    3 / 8.F,  -1 / 4.F, -3 / 2.F, 1, 0, //
    9 / 16.F, 0,        -5 / 2.F, 0, 1,
};
static const float G_4_2[] = {-1 / 2.F, -1 / 4.F, 1 / 2.F, -1 / 4.F, 1 / 6.F, 1 / 4.F, -1 / 6.F, 1 / 4.F, 0, 1};
static const float A_4_2[] = {
    1,       1,        1,        1,         0, //
    1 / 2.F, -1 / 2.F, 3 / 2.F,  -3 / 2.F,  0, //
    1 / 4.F, 1 / 4.F,  9 / 4.F,  9 / 4.F,   0, //
    1 / 8.F, -1 / 8.F, 27 / 8.F, -27 / 8.F, 1,
};

static const float B_4_3[] = {
    81 / 64.F, 0,          -45 / 16.F, 0,          1, 0, //
    0,         -27 / 16.F, -9 / 4.F,   3 / 4.F,    1, 0, //
    0,         27 / 16.F,  -9 / 4.F,   -3 / 4.F,   1, 0, //
    0,         -27 / 32.F, -9 / 16.F,  3 / 2.F,    1, 0, //
    0,         27 / 32.F,  -9 / 16.F,  -3 / 2.F,   1, 0, //
    0,         81 / 64.F,  0,          -45 / 16.F, 0, 1,
};
static const float G_4_3[] = {
    64 / 81.F,
    0,
    0, //
    -128 / 243.F,
    -32 / 81.F,
    -8 / 27.F, //
    -128 / 243.F,
    32 / 81.F,
    -8 / 27.F, //
    32 / 243.F,
    16 / 81.F,
    8 / 27.F, //
    32 / 243.F,
    -16 / 81.F,
    8 / 27.F, //
    0,
    0,
    1,
};
static const float A_4_3[] = {
    1, 1,         1,          1,        1,         0, //
    0, 3 / 4.F,   -3 / 4.F,   3 / 2.F,  -3 / 2.F,  0, //
    0, 9 / 16.F,  9 / 16.F,   9 / 4.F,  9 / 4.F,   0, //
    0, 27 / 64.F, -27 / 64.F, 27 / 8.F, -27 / 8.F, 1,
};

#endif
