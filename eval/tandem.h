// The tandem of a countermeasure and automatic speaker verification (ASV): what the ASV's scores make of the countermeasure's mistakes.
#ifndef FOIL_EVAL_TANDEM_H
#define FOIL_EVAL_TANDEM_H

#include "eval/metric.h"

// The ASV at the threshold of its equal error rate of targets against nontargets (ASVspoof's: item by item, targets first on ties). Score >= threshold accepts.
typedef struct tandem {
    int64_t targets, nontargets, spoofs;
    double threshold;
    double miss, false_alarm;                  // of targets; of nontargets
    double spoof_accepted;                     // 1 - P(a spoof is rejected)
    decision_cost cost[METRICS_ALL - METRICS]; // normalised t-DCF of 2019 and of 2021
} tandem;

// Lines "source target|nontarget|spoof score", as ASVspoof 2019 has them, higher = target. All three kinds must be there.
// Priors and costs are the challenges': a spoof .05, a target .95 · .99, a nontarget .95 · .01; a miss 1, an acceptance 10.
// 2019 (Kinnunen et al., t-DCF, Odyssey 2018; ASVspoof 2019 evaluation plan): C1 = P(tar) (1 - miss) - 10 P(non) false_alarm, C2 = 10 P(spoof) spoof_accepted;
// (C1 P_miss + C2 P_accept) / min(C1, C2). 2021 (Kinnunen et al., IEEE/ACM TASLP 28, 2020): C0 = P(tar) miss + 10 P(non) false_alarm, C1 = P(tar) - C0, C2 as
// above; (C0 + C1 P_miss + C2 P_accept) / (C0 + min(C1, C2)). An ASV so bad that a weight is not above 0 is an error.
foil_status tandem_read(const char *path, tandem *out);

#endif
