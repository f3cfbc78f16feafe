// libfoil: score images with a detector that `foil train` made.
//
//     foil_detector *d;
//     double score;
//     if (foil_detector_load("faces.safetensors", &d) != FOIL_OK || foil_detector_score_file(d, "photo.jpg", &score) != FOIL_OK)
//         fprintf(stderr, "%s\n", foil_error());
//
// Everything returns a status; foil_error() has the words. Nothing prints, exits or keeps a global but that message.
// Once a process has scored with more than one thread, its forks cannot: GNU's OpenMP waits in them for threads that only the parent has. Score in the child alone.
#ifndef FOIL_H
#define FOIL_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define FOIL_API __attribute__((visibility("default")))
#else
#define FOIL_API
#endif

typedef enum foil_status {
    FOIL_OK = 0,
    FOIL_INVALID,     // an argument, a configuration or the content of a file is wrong
    FOIL_IO,          // the system could not read or write
    FOIL_MEMORY,      // not enough memory
    FOIL_UNSUPPORTED, // valid, but not something that this build or the libraries under it can do
    FOIL_DIVERGED,    // training met a loss or a gradient that is not a number
    FOIL_INTERRUPTED, // asked to stop (SIGINT, SIGTERM); state is saved
} foil_status;

// The message of this thread's last failure: what, where, what was expected. Valid until the next failure in this thread.
FOIL_API const char *foil_error(void);

// "0.1.0"
FOIL_API const char *foil_version(void);

// A loaded detector. One thread at a time may use it; load it once per thread to score in parallel.
typedef struct foil_detector foil_detector;

// Loads a detector's .safetensors file. The caller frees it with foil_detector_free. `*out` is NULL on failure.
FOIL_API foil_status foil_detector_load(const char *path, foil_detector **out);
FOIL_API void foil_detector_free(foil_detector *d); // NULL is fine

// What the network looks at: height, width and channels (1 or 3) that pictures are fitted to.
FOIL_API void foil_detector_input(const foil_detector *d, int *height, int *width, int *channels);

// The calibrated probability, 0 to 1, that the picture is synthetic. Higher = more likely fake. Any format that `foil pack` reads.
FOIL_API foil_status foil_detector_score_file(foil_detector *d, const char *path, double *score);

// The same for decoded pixels: `pixels` is u8 [height, width, channels], channels 1 (grey) or 3 (RGB), rows without padding.
FOIL_API foil_status foil_detector_score_pixels(foil_detector *d, const unsigned char *pixels, int height, int width, int channels, double *score);

// A threshold on the score, chosen on the validation split: "eer", where both error rates are the same there, or "fpr=0.01", at which no more than that share
// of its reals passes for fakes; other rates if the detector holds them. Scores at or above it mean "fake".
FOIL_API foil_status foil_detector_threshold(const foil_detector *d, const char *name, double *threshold);

#ifdef __cplusplus
}
#endif
#endif
