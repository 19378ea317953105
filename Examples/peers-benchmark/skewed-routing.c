// How the expert products scale to two threads when routing is even, and when all tokens go to one
// expert: the fastest of 200 rounds, or as many as are said, on one thread over that on two.
// From this folder:
//
//   code=../../Generated/makemoe
//   clang-14 -O3 -march=native -fopenmp -fno-math-errno -I$code skewed-routing.c $code/kernels/*.c -lm
//   ./a.out
#include "kernels/base.h"
#include "kernels/expert_linear.h"
#include "kernels/expert_linear_input_gradient.h"
#include "kernels/expert_linear_weight_gradient.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#ifdef _OPENMP
void omp_set_num_threads(int count);
#else
static void omp_set_num_threads(int count) { (void)count; }
#endif

enum { E = 8, C = 128, HIDDEN = 512, ROWS = 1024, PRODUCTS = 6 };

static double microseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e6 + t.tv_nsec * 1e-3;
}

static float *numbers(size_t count) {
    float *x = aligned_alloc(64, count * sizeof *x);
    for (size_t i = 0; x && i < count; i++) { x[i] = (float)(i % 97) / 97 - 0.5f; }
    return x;
}

int main(int count, char **arguments) {
    const int rounds = count > 1 ? atoi(arguments[1]) : 200;
    const int32_t routings[2][E + 1] = {{0, 110, 250, 370, 520, 640, 760, 900, ROWS},
                                        {0, 0, 0, ROWS, ROWS, ROWS, ROWS, ROWS, ROWS}};
    float *x = numbers(ROWS * C), *h = numbers(ROWS * HIDDEN), *y = numbers(ROWS * C);
    float *up = numbers(E * HIDDEN * C), *down = numbers(E * HIDDEN * C);
    float *d_w = numbers(E * HIDDEN * C), *b = numbers(E * HIDDEN);
    if (!x || !h || !y || !up || !down || !d_w || !b) { return 1; }
    for (int routing = 0; routing < 2; routing++) {
        const int32_t *start = routings[routing];
        double fastest[2];
        for (int threads = 1; threads <= 2; threads++) {
            omp_set_num_threads(threads);
            fastest[threads - 1] = 1e9;
            for (int round = 0; round < rounds; round++) {
                double begun = microseconds();
                expert_linear(h, x, up, b, start, E, C, HIDDEN);
                expert_linear(y, h, down, b, start, E, HIDDEN, C);
                expert_linear_input_gradient(h, y, down, start, E, HIDDEN, C);
                expert_linear_weight_gradient(d_w, b, y, h, start, E, HIDDEN, C, NULL, NULL);
                expert_linear_input_gradient(x, h, up, start, E, C, HIDDEN);
                expert_linear_weight_gradient(d_w, b, h, x, start, E, C, HIDDEN, NULL, NULL);
                double took = microseconds() - begun;
                if (took < fastest[threads - 1]) { fastest[threads - 1] = took; }
            }
        }
        printf("%s: two threads are %.2f times as fast as one\n",
               routing ? "all tokens to one expert" : "even routing", fastest[0] / fastest[1]);
    }
    return 0;
}
