// The ROC itself, for curves: not part of the walk that gives the metrics, which stays short.
#include "eval/ranking.h"

static double weight_of(const ranking *r, const unsigned char *times, int64_t i) {
    double times_drawn = times ? times[i] : 1;
    return r->weight ? times_drawn * r->weight[i] : times_drawn;
}

bool ranking_roc(const ranking *r, const unsigned char *times, const double *fpr, int points, double *tpr) {
    double total[2] = {0, 0}, passed[2] = {0, 0}, here[2] = {0, 0};
    int at = 0;
    for (int64_t i = 0; i < r->n; i++) total[r->kind[i] & RANKED_FAKE] += weight_of(r, times, i);
    if (!(total[0] > 0) || !(total[1] > 0)) return false;
    for (int64_t i = 0; i < r->n; i++) {
        here[r->kind[i] & RANKED_FAKE] += weight_of(r, times, i);
        if (!(r->kind[i] & RANKED_LAST)) continue;
        for (; at < points && fpr[at] * total[0] < passed[0] + here[0]; at++) // on the line to the next point
            tpr[at] = (passed[1] + (fpr[at] * total[0] - passed[0]) / here[0] * here[1]) / total[1];
        for (int c = 0; c < 2; c++) passed[c] += here[c];
        here[0] = here[1] = 0;
    }
    for (; at < points; at++) tpr[at] = 1;
    return true;
}
