#include "nn/ops/packed_columns.h"

#include <stdlib.h>
#include <string.h>

#include "nn/blocks.h"

enum { PANEL = 64 };

struct packed_columns {
    onednn_conv conv;
    int64_t *position, *element; // where rows and elements of the columns begin; one piece of memory
};

// Rows 2i and 2i + 1 alternate, PANEL elements of each are one run.
static bool is_paired(const packed_columns *p, int64_t rows, int64_t width) {
    for (int64_t i = 0; i < rows; i++)
        if (i % 2 && p->position[i] != p->position[i - 1] + 1) return false;
    for (int64_t e = 0; e < width; e++)
        if (e % PANEL && p->element[e] != p->element[e - 1] + 2) return false;
    return rows % 2 == 0;
}

foil_status packed_columns_create(const onednn_conv *c, const onednn_layout *layout, packed_columns **out) {
    int64_t size[5], *offset[5];
    int n_axes;
    *out = NULL;
    if (c->x != BF16 || c->out_width % 2 || c->channels % PANEL) return FOIL_OK;
    TRY(onednn_layout_offsets(layout, &n_axes, size, offset));
    if (!n_axes) return FOIL_OK;
    packed_columns *p = calloc(1, sizeof *p);
    if (!p) {
        free(offset[0]);
        return foil_fail_memory(sizeof *p, "a convolution");
    }
    *p = (packed_columns){*c, offset[0], offset[1]};
    if (n_axes == 2 && is_paired(p, size[0], size[1]))
        *out = p;
    else
        packed_columns_free(p);
    return FOIL_OK;
}

void packed_columns_free(packed_columns *p) {
    if (p) free(p->position);
    free(p);
}

// One tap of windows j and j + 1 of a line. `row`: the picture's, NULL above and below it.
static void pack_tap(const packed_columns *p, const uint16_t *row, int64_t v, int64_t first, uint16_t *to) {
    static const uint16_t zeros[PANEL];
    const onednn_conv *c = &p->conv;
    const int64_t w = v + c->params.stride[1];
    const uint16_t *a = row && v >= 0 && v < c->width ? row + v * c->channels : NULL;
    const uint16_t *b = row && w >= 0 && w < c->width ? row + w * c->channels : NULL;
    for (int64_t e = 0; e < c->channels; e += PANEL)
        blocks_pair(PANEL, (uint32_t *)(void *)(to + p->element[first + e]), a ? a + e : zeros, b ? b + e : zeros);
}

static void pack_line(const packed_columns *p, const uint16_t *picture, int64_t line, uint16_t *columns) {
    const onednn_conv *c = &p->conv;
    const conv_params *q = &c->params;
    const int64_t top = line % c->out_height * q->stride[0] - q->pad[0];
    for (int64_t r = 0; r < c->rows; r++) {
        const int64_t h = top + r * q->dilation[0];
        const uint16_t *row = h >= 0 && h < c->height ? picture + h * c->width * c->channels : NULL;
        for (int64_t j = 0; j < c->out_width; j += 2) {
            uint16_t *to = columns + p->position[line * c->out_width + j];
            for (int64_t s = 0; s < c->cols; s++)
                pack_tap(p, row, j * q->stride[1] - q->pad[1] + s * q->dilation[1], (r * c->cols + s) * c->channels, to);
        }
    }
}

void packed_columns_run(const packed_columns *p, const uint16_t *x, uint16_t *columns) {
    const onednn_conv *c = &p->conv;
    const int64_t picture = c->height * c->width * c->channels;
#pragma omp parallel for schedule(static)
    for (int64_t line = 0; line < c->n * c->out_height; line++) pack_line(p, x + line / c->out_height * picture, line, columns);
}
