// Trains a compiled model and lets it write, in C, with nothing but the library and its header.
//   moec compile Examples/makemoe.swift -o libmodel.so
//   cc -I. Examples/use-from-c/main.c -L. -lmodel -Wl,-rpath,. -lm -o main
//   ./main Data/shakespeare.txt 300 1337                     text (ASCII), steps, seed
// It draws the batches of `moec run libmodel.so --train`, so it ends with the same parameters.
#include "libmodel.h"
#include "random.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static float number(const char *k) { return strtof(strstr(moec_manifest(), k) + strlen(k), 0); }
static unsigned char text[1 << 24], letters[256];
static int32_t token_of[256], tokens[1 << 16], targets[1 << 16];  // room for B T <= 65,536
static float values[1 << 24];                                     // a parameter, or logits [T, V]

int main(int count, char **arguments) {
    FILE *file = count == 4 ? fopen(arguments[1], "rb") : NULL;
    moec_model *model = moec_create();
    if (!file || !model) return fprintf(stderr, "usage: main TEXT STEPS SEED\n"), 64;
    int length = (int)fread(text, 1, sizeof text, file), train = (int)(length * 9L / 10), known = 0;
    for (int l = 0; l < 256; l++)  // tokens are the sorted distinct characters
        if (memchr(text, l, (size_t)length)) letters[token_of[l] = known++] = (unsigned char)l;
    const int steps = atoi(arguments[2]), seed = atoi(arguments[3]), B = (int)number("\"batch\":");
    const int T = (int)number("\"context\":"), V = (int)number("\"vocabulary\":");
    moec_hyper hyper = {number("\"learning_rate\":"), number("\"beta1\":"), number("\"beta2\":"),
                        number("\"epsilon\":"), number("\"weight_decay\":"), 0};
    moec_initialize(model, draw(seed, FIRST_PARAMETERS, 0, 0));
    for (int step = 0; step < steps; step++) {
        for (int i = 0; i < B * T; i++) {  // a sequence's window starts anywhere in 0 ..< train - T
            unsigned char *at = text + below(train - T, draw(seed, BATCH, step, i / T)) + i % T;
            tokens[i] = token_of[at[0]], targets[i] = token_of[at[1]];
        }
        hyper.seed = draw(seed, STEP, step, 0);
        float loss = moec_train_step(model, tokens, targets, &hyper);
        if (isnan(loss)) return fprintf(stderr, "error: %s\n", moec_error(model)), 1;
        if (step % 100 == 0 || step == steps - 1) printf("step %d: loss %.4f\n", step, loss);
    }
    int32_t written[201] = {0};  // a new line, then 200 characters
    for (int i = 0; i < 200; i++) {
        int used = i < T ? i + 1 : T, next = 0;
        moec_logits(model, written + i + 1 - used, used, draw(seed, NOISE_OF_TEXT, i, 0), values);
        double sum = 0, passed = 0, point = (double)(draw(seed, TEXT, 0, i) >> 11) * 0x1p-53;
        for (float *l = values + (used - 1) * V, *end = l + known; l < end; l++) sum += exp(*l);
        for (float *l = values + (used - 1) * V; (passed += exp(*l)) <= point * sum; l++) next++;
        putchar(letters[written[i + 1] = next]);
    }
    uint64_t total = 0, place = 0;
    char *shape = strstr(moec_manifest(), "\"shape\":");
    for (int index = 0, size = 1; shape; index++, size = 1, shape = strstr(shape, "\"shape\":")) {
        for (shape += 8; *shape != ']';) size *= (int)strtol(shape + 1, &shape, 10);
        moec_read(model, MOEC_VALUE, index, values);
        for (uint32_t i = 0, bits; i < (uint32_t)size; i++, place += golden)
            memcpy(&bits, &values[i], sizeof bits), total += mix(place + bits);
    }
    printf("\nparameters after %d steps: %016llx\n", steps, (unsigned long long)total);
    moec_destroy(model);
}
