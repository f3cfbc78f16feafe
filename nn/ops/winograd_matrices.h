// F(m, r) from polynomials that are evaluated at a = m + r - 1 points, infinity the last (Toom 1963, Cook 1966, Winograd 1980; Lavin and Gray 2015).
//
//     F(2, 2): 0, 1      F(2, 3): 0, ±1      F(4, 2): ±3/8, ±5/4      F(4, 3): 0, ±5/8, ±3/2
//
// Points near 1 keep powers, and with them rounding errors, small (Barabasz, Anderson, Soodhalter, Gregg 2020): with these errors
// are less than half of those with 1 and 2. All elements but some of G are exact.
#ifndef FOIL_NN_OPS_WINOGRAD_MATRICES_H
#define FOIL_NN_OPS_WINOGRAD_MATRICES_H

// Bᵀ [a, a], G [a, r] and Aᵀ [m, a], row by row.
static const float B_2_2[] = {-1, 1, 0, 0, 1, 0, 0, -1, 1};
static const float G_2_2[] = {-1, 0, 1, 1, 0, 1};
static const float A_2_2[] = {1, 1, 0, 0, 1, 1};

static const float B_2_3[] = {-1, 0, 1, 0, 0, 1, 1, 0, 0, -1, 1, 0, 0, -1, 0, 1};
static const float G_2_3[] = {-1, 0, 0, .5F, .5F, .5F, .5F, -.5F, .5F, 0, 0, 1};
static const float A_2_3[] = {1, 1, 1, 0, 0, 1, -1, 1};

// clang-format off: a line is a row
static const float B_4_2[] = {
    -75 / 128.F, -25 / 16.F, 3 / 8.F,    1,         0,        75 / 128.F, -25 / 16.F, -3 / 8.F,     1, 0,           -45 / 256.F, -9 / 64.F, 5 / 4.F,
    1,           0,          45 / 256.F, -9 / 64.F, -5 / 4.F, 1,          0,          225 / 1024.F, 0, -109 / 64.F, 0,           1,
};
static const float G_4_2[] = {
    -256 / 273.F, -32 / 91.F, 256 / 273.F, -32 / 91.F, 128 / 455.F, 32 / 91.F, -128 / 455.F, 32 / 91.F, 0, 1,
};
static const float A_4_2[] = {
    1,        1,        1,         1,         0, 3 / 8.F,    -3 / 8.F,    5 / 4.F,    -5 / 4.F,    0,
    9 / 64.F, 9 / 64.F, 25 / 16.F, 25 / 16.F, 0, 27 / 512.F, -27 / 512.F, 125 / 64.F, -125 / 64.F, 1,
};

static const float B_4_3[] = {
    225 / 256.F, 0,           -169 / 64.F, 0,       1, 0, 0, -45 / 32.F, -9 / 4.F,   5 / 8.F,  1, 0, 0, 45 / 32.F,   -9 / 4.F, -5 / 8.F,    1, 0,
    0,           -75 / 128.F, -25 / 64.F,  3 / 2.F, 1, 0, 0, 75 / 128.F, -25 / 64.F, -3 / 2.F, 1, 0, 0, 225 / 256.F, 0,        -169 / 64.F, 0, 1,
};
static const float G_4_3[] = {
    256 / 225.F,
    0,
    0,
    -2048 / 2975.F,
    -256 / 595.F,
    -32 / 119.F,
    -2048 / 2975.F,
    256 / 595.F,
    -32 / 119.F,
    128 / 1071.F,
    64 / 357.F,
    32 / 119.F,
    128 / 1071.F,
    -64 / 357.F,
    32 / 119.F,
    0,
    0,
    1,
};
static const float A_4_3[] = {
    1, 1,         1,         1,       1,       0, 0, 5 / 8.F,     -5 / 8.F,     3 / 2.F,  -3 / 2.F,  0,
    0, 25 / 64.F, 25 / 64.F, 9 / 4.F, 9 / 4.F, 0, 0, 125 / 512.F, -125 / 512.F, 27 / 8.F, -27 / 8.F, 1,
};
// clang-format on

#endif
