// A detector: one safetensors file with weights, network, preprocessing, calibration, thresholds and provenance.
//
// Metadata: foil_detector=2, version, network (YAML), head, channels, fit, resize, temperature, calibration, thresholds, calibrated_on (the four: eval/card.h),
// provenance (JSON: set, fingerprint, methods, forgers, seed, step, validation, calibrated {set, fingerprint, split, step of the run}, config). The public struct
// foil_detector of foil.h is this one.
// A second kind, the baseline of cues, has no network: eval/cues/model.h says what its file holds instead. It scores like any other.
#ifndef FOIL_EVAL_DETECTOR_H
#define FOIL_EVAL_DETECTOR_H

#include "data/image.h"
#include "data/resize.h"
#include "eval/calibrate.h"
#include "eval/cues/model.h"
#include "foil.h"
#include "nn/net.h"
#include "nn/plan.h"
#include "nn/safetensors.h"

typedef struct detector_card { // texts owned by the detector, or by the caller of detector_write
    image_fit fit;
    resize_filter filter;
    calibration calibration;
    const char *head;       // "detect"
    const char *provenance; // JSON object, as above; NULL = {}
} detector_card;

// Writes the discriminator's weights (all of `s`) as a detector; or a baseline of cues; or a detector as it is, but with this card.
foil_status detector_write(const char *path, const net *n, const store *s, const detector_card *card);
foil_status detector_write_cues(const char *path, const cue_model *m, const detector_card *card);
foil_status detector_rewrite(const char *path, const foil_detector *d, const detector_card *card);

foil_status detector_open(const char *path, foil_detector **out); // = foil_detector_load
const char *detector_path(const foil_detector *d);
const detector_card *detector_card_of(const foil_detector *d);
shape detector_input(const foil_detector *d);           // [H,W,C]
const net *detector_net(const foil_detector *d);        // NULL of a baseline of cues …
const store *detector_store(const foil_detector *d);    // frozen; NULL of it, too
const cue_model *detector_cues(const foil_detector *d); // … which this is; NULL of a network
// FOIL_UNSUPPORTED, saying what `needs` one, unless it has a network.
foil_status detector_need_network(const foil_detector *d, const char *needs);

// Brings a picture of any size to the detector's: u8 [H,W,C].
foil_status detector_fit(const foil_detector *d, const image *picture, uint8_t *pixels);
// Logit (> 0 = fake, uncalibrated) of one decoded picture, any size, with all threads. Many pictures: eval/scoring.h.
foil_status detector_logit(foil_detector *d, const image *picture, double *logit);
double detector_score(const foil_detector *d, double logit);    // the calibrated probability
foil_status detector_set_prior(foil_detector *d, double prior); // of its scores and thresholds, while it is open: calibration_set_prior

// The network alone, for whoever has a store but no file yet (validation while training): u8 [batch,H,W,C] -> logits.
typedef struct scorer scorer;
// Whether the network and its head make a detector.
foil_status scorer_check(const net *n, store *s, const char *head);
// With as many threads as OpenMP has in the calling thread.
foil_status scorer_new(const net *n, store *s, const char *head, int batch, workspace *w, scorer **out);
foil_status scorer_new_cues(const cue_model *m, int batch, scorer **out); // keeps `m`
foil_status detector_scorer(const foil_detector *d, int batch, scorer **out);
void scorer_free(scorer *s);
foil_status scorer_run(scorer *s, const uint8_t *pixels, int n, float *logit); // n <= batch

#endif
