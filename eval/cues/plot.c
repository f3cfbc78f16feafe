// Plots as SVG: sharp at any size, in the text colour of the page that they are on.
#include <math.h>

#include "eval/cues/cue.h"

enum { WIDTH = 420, HEIGHT = 220, LEFT = 56, RIGHT = 12, TOP = 30, BOTTOM = 42 };
static const char *const COLOURS[CUE_SERIES] = {"#c2410c", "#15803d", "#2563eb"}; // legible on white and on black
static const char *const DASHES[CUE_SERIES] = {"", "5 3", "2 2"};                 // and without colours

typedef struct frame {
    double x0, x1, y0, y1;
} frame;

void cue_plot_mark(cue_plot *p, double at, const char *label) {
    if (isnan(at) || p->marks == CUE_MARKS) return;
    p->mark[p->marks].at = at;
    p->mark[p->marks++].label = label;
}

static double place_x(const frame *f, double x) {
    return LEFT + (x - f->x0) / (f->x1 - f->x0) * (WIDTH - LEFT - RIGHT);
}

static double place_y(const frame *f, double y) {
    return HEIGHT - BOTTOM - (y - f->y0) / (f->y1 - f->y0) * (HEIGHT - TOP - BOTTOM);
}

// 1, 2 or 5 times a power of ten: about five of them in the span.
static double tick(double span) {
    double power = pow(10, floor(log10(span / 4)));
    double steps[] = {1, 2, 5, 10};
    for (int i = 0; i < 3; i++)
        if (span / (steps[i] * power) <= 5) return steps[i] * power;
    return steps[3] * power;
}

static frame frame_of(const cue_plot *p) {
    frame f = {p->at[0], p->at[p->n - 1], INFINITY, -INFINITY};
    for (int s = 0; s < p->series; s++)
        for (int i = 0; i < p->n; i++) {
            f.y0 = fmin(f.y0, p->value[s][i]); // NaN takes no part
            f.y1 = fmax(f.y1, p->value[s][i]);
        }
    if (p->bars) { // half a bar on both sides
        double half = p->n > 1 ? (f.x1 - f.x0) / (p->n - 1) / 2 : .5;
        f.x0 -= half;
        f.x1 += half;
        f.y0 = fmin(f.y0, 0);
    }
    if (!(f.y0 < f.y1)) {
        if (!isfinite(f.y0)) f.y0 = f.y1 = 0;
        f.y1 = f.y0 + 1;
    }
    if (!(f.x0 < f.x1)) f.x1 = f.x0 + 1;
    double step = tick(f.y1 - f.y0);
    f.y0 = floor(f.y0 / step) * step;
    f.y1 = ceil(f.y1 / step) * step;
    return f;
}

static void draw_axes(const cue_plot *p, const frame *f, text *out) {
    double step = tick(f->y1 - f->y0);
    for (int i = 0; f->y0 + i * step <= f->y1 + step / 2; i++) {
        double y = place_y(f, f->y0 + i * step);
        text_format(out, "<path d=\"M%d %.1fH%d\" stroke=\"currentColor\" opacity=\".15\"/>", LEFT, y, WIDTH - RIGHT);
        text_format(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.6g</text>", LEFT - 6, y + 4, f->y0 + i * step);
    }
    step = tick(f->x1 - f->x0);
    for (int i = (int)ceil(f->x0 / step); i * step <= f->x1 + step / 1000; i++) {
        double at = place_x(f, i * step);
        text_format(out, "<path d=\"M%.1f %dv4\" stroke=\"currentColor\"/>", at, HEIGHT - BOTTOM);
        text_format(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.4g</text>", at, HEIGHT - BOTTOM + 16, i * step);
    }
    text_format(out, "<path d=\"M%d %dH%d\" stroke=\"currentColor\"/>", LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT);
    text_format(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, p->x);
    text_format(out, "<text transform=\"translate(14 %d)rotate(-90)\" text-anchor=\"middle\">%s</text>", (TOP + HEIGHT - BOTTOM) / 2, p->y);
}

static void draw_curve(const cue_plot *p, const frame *f, int s, text *out) {
    bool on = false;
    text_add(out, "<path fill=\"none\" stroke-width=\"1.5\" d=\"");
    for (int i = 0; i < p->n; i++) {
        bool there = isfinite(p->value[s][i]);
        if (there) text_format(out, "%c%.1f %.1f", on ? 'L' : 'M', place_x(f, p->at[i]), place_y(f, p->value[s][i]));
        on = there;
    }
    text_format(out, "\" stroke=\"%s\" stroke-dasharray=\"%s\"/>", COLOURS[s], DASHES[s]);
}

static void draw_bars(const cue_plot *p, const frame *f, int s, text *out) {
    double room = (double)(WIDTH - LEFT - RIGHT) / p->n * .8, width = room / p->series, zero = place_y(f, 0);
    text_format(out, "<path fill=\"%s\" d=\"", COLOURS[s]);
    for (int i = 0; i < p->n; i++) {
        if (!isfinite(p->value[s][i])) continue;
        double x = place_x(f, p->at[i]) - room / 2 + s * width, y = place_y(f, p->value[s][i]);
        text_format(out, "M%.1f %.1fh%.1fV%.1fh%.1fz", x, y, width, zero, -width);
    }
    text_add(out, "\"/>");
}

static void draw_names(const cue_plot *p, text *out) {
    for (int s = 0; s < p->series && s < CUE_SERIES; s++) {
        if (!p->name[s]) continue;
        int x = WIDTH - RIGHT - 72 * (p->series - s);
        text_format(out, "<path d=\"M%d %dh16\" stroke=\"%s\" stroke-width=\"%d\" stroke-dasharray=\"%s\"/>", x, TOP - 8, COLOURS[s], p->bars ? 8 : 2,
                    p->bars ? "" : DASHES[s]);
        text_format(out, "<text x=\"%d\" y=\"%d\">%s</text>", x + 20, TOP - 4, p->name[s]);
    }
}

void cue_plot_svg(const cue_plot *p, text *out) {
    if (p->n == 0) return;
    const frame f = frame_of(p);
    text_format(out,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" "
                "font-family=\"sans-serif\" font-size=\"11\" fill=\"currentColor\">",
                WIDTH, HEIGHT, WIDTH, HEIGHT);
    text_format(out, "<title>%s</title><text x=\"%d\" y=\"%d\" font-size=\"12\">%s</text>", p->title, LEFT, 14, p->title);
    draw_axes(p, &f, out);
    for (int s = 0; s < p->series; s++) (p->bars ? draw_bars : draw_curve)(p, &f, s, out);
    for (int i = 0; i < p->marks; i++) {
        double x = place_x(&f, p->mark[i].at);
        text_format(out, "<path d=\"M%.1f %dV%d\" stroke=\"currentColor\" stroke-dasharray=\"3 3\"/>", x, TOP, HEIGHT - BOTTOM);
        text_format(out, "<text x=\"%.1f\" y=\"%d\">%s</text>", x + 4, TOP + 10, p->mark[i].label);
    }
    draw_names(p, out);
    text_add(out, "</svg>");
}
