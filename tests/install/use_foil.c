// A program outside the project: scores pictures with a detector, or says which version it found.
#include <foil.h>
#include <locale.h>
#include <stdio.h>

int main(int argc, char **argv) {
    foil_detector *d;
    setlocale(LC_ALL, ""); // scores are printed as the user writes numbers
    if (argc < 3) {
        printf("foil %s\n", foil_version());
        return 0;
    }
    foil_status status = foil_detector_load(argv[1], &d);
    for (int i = 2; status == FOIL_OK && i < argc; i++) {
        double score;
        status = foil_detector_score_file(d, argv[i], &score);
        if (status == FOIL_OK) printf("%s %.6f\n", argv[i], score);
    }
    if (status != FOIL_OK) fprintf(stderr, "use_foil: %s\n", foil_error());
    if (status != FOIL_OK) return 1;
    foil_detector_free(d);
    return 0;
}
