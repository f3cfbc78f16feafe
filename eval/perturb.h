// What happens to pictures on their way to a detector, each in five strengths from mild to severe. Applied to the decoded picture, before the detector's own
// preprocessing; reals and fakes alike, as the label is not known here.
//
// Where published protocols have values for it, the strengths are among them or in their range: CNNDetection (Wang et al., CVPR 2020: JPEG down to 30, blur up
// to sigma 3), GenImage (Zhu et al., NeurIPS 2023: JPEG 65 and 30, resolutions 112 and 64 of 224, blur 3), DeeperForensics-1.0 (Jiang et al., CVPR 2020:
// contrast), ImageNet-C (Hendrycks, Dietterich, ICLR 2019: five severities, brightness), Frank et al. (ICML 2020: crops of 5 to 20 %).
#ifndef FOIL_EVAL_PERTURB_H
#define FOIL_EVAL_PERTURB_H

#include "base/philox.h"
#include "base/text.h"
#include "data/image.h"

enum { STRENGTHS = 5, PERTURBATION_COUNT = 10 };

typedef struct perturbation {
    const char *name;
    const char *parameter;      // what a strength is: "quality"
    const char *how;            // what is done, exactly
    void (*library)(text *out); // by what, with versions
    double strength[STRENGTHS];
    foil_status (*apply)(image *im, double strength, philox_key key); // in place; the size may change
} perturbation;
extern const perturbation PERTURBATIONS[PERTURBATION_COUNT]; // "standard"

typedef struct perturbation_list {
    int n;
    const perturbation *of[PERTURBATION_COUNT];
} perturbation_list;
// "standard", or names with commas between them.
foil_status perturbation_parse(const char *names, perturbation_list *out);

// A perturbed copy: a pure function of the picture, the strength, the seed and the picture's number.
foil_status perturb(const perturbation *p, double strength, uint64_t seed, int64_t number, const image *im, image *out);

// The table, as Markdown.
void perturbation_document(text *out);

#endif
