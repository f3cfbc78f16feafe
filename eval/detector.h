// A detector: one safetensors file with weights, network, preprocessing, calibration, thresholds and provenance.
//
// Metadata: foil_detector=2, version, network (YAML), head, channels, fit, resize, temperature, calibration, thresholds, calibrated_on (the four: eval/card.h),
// provenance (JSON: set, fingerprint, methods, forgers, seed, step, validation, config). The public struct foil_detector of foil.h is this one.
#ifndef FOIL_EVAL_DETECTOR_H
#define FOIL_EVAL_DETECTOR_H

#include "data/image.h"
#include "data/resize.h"
#include "eval/calibrate.h"
#include "foil.h"
#include "nn/net.h"
#include "nn/plan.h"
#include "nn/safetensors.h"

typedef struct detector_card { // texts owned by the detector, or by the caller of detector_write
    image_fit fit;
    resize_filter filter;
    calibration calibration;
    const char *head;       // "detect"
    const char *provenance; // JSON object: set, fingerprint, methods, forgers, seed, step, validation, config; NULL = {}
} detector_card;

// Writes the discriminator's weights (all of `s`) as a detector.
foil_status detector_write(const char *path, const net *n, const store *s, const detector_card *card);

foil_status detector_open(const char *path, foil_detector **out); // = foil_detector_load
const detector_card *detector_card_of(const foil_detector *d);
const net *detector_net(const foil_detector *d);
const store *detector_store(const foil_detector *d); // frozen

// Brings a picture of any size to the network's: u8 [H,W,C].
foil_status detector_fit(const foil_detector *d, const image *picture, uint8_t *pixels);
// Logit (> 0 = fake, uncalibrated) of one decoded picture, any size, with all threads. Many pictures: eval/scoring.h.
foil_status detector_logit(foil_detector *d, const image *picture, double *logit);
double detector_score(const foil_detector *d, double logit); // the calibrated probability

// The network alone, for whoever has a store but no file yet (validation while training): u8 [batch,H,W,C] -> logits.
typedef struct scorer scorer;
// Whether the network and its head make a detector.
foil_status scorer_check(const net *n, store *s, const char *head);
// With as many threads as OpenMP has in the calling thread.
foil_status scorer_new(const net *n, store *s, const char *head, int batch, workspace *w, scorer **out);
foil_status detector_scorer(const foil_detector *d, int batch, scorer **out);
void scorer_free(scorer *s);
foil_status scorer_run(scorer *s, const uint8_t *pixels, int n, float *logit); // n <= batch

#endif
