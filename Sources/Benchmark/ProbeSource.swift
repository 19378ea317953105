/// The C that finds out what a machine can do at most, compiled for the library's target.
enum ProbeSource {
  static let name = "moec_probe.c"

  static let text = #"""
    // moec_probe.c: what this machine can do at most, for `moec bench`. All functions return 1e9 units a second,
    // the best of `bursts`.
    #define _POSIX_C_SOURCE 200112L
    #include <math.h>
    #include <stdint.h>
    #include <stdlib.h>
    #include <time.h>

    // The multiply-add is spelled out for the widest unit there is: of plain vector arithmetic a compiler may
    // make something narrower, as clang does of 64 bytes for processors with AVX-512.
    #if defined(__AVX512F__)
    #include <immintrin.h>
    enum { LANES = 16 };
    #define FUSED(a, b, c) _mm512_fmadd_ps(a, b, c)
    #elif defined(__AVX2__) && defined(__FMA__)
    #include <immintrin.h>
    enum { LANES = 8 };
    #define FUSED(a, b, c) _mm256_fmadd_ps(a, b, c)
    #elif defined(__ARM_NEON) && defined(__aarch64__)
    #include <arm_neon.h>
    enum { LANES = 4 };
    #define FUSED(a, b, c) vfmaq_f32(c, a, b)
    #else
    enum { LANES = 4 };
    #define FUSED(a, b, c) ((a) * (b) + (c))
    #endif
    typedef float floats __attribute__((vector_size(4 * LANES)));

    double moec_probe_peak(int threads, int bursts);
    double moec_probe_read(int threads, int64_t bytes, int bursts);
    double moec_probe_sweep(int threads, int64_t parameters, int bursts);

    static double seconds(void) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
    }

    static float *allocate(int64_t count) {
        void *place = NULL;
        return posix_memalign(&place, 64, sizeof(float) * (size_t)count) ? NULL : place;
    }

    // Sums that do not wait for each other: as many as it takes to fill every unit for the whole latency, and as
    // the registers hold.
    #if defined(__ARM_NEON) || defined(__AVX512F__)
    #define SUMS(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) \
        DO(12) DO(13) DO(14) DO(15) DO(16) DO(17) DO(18) DO(19) DO(20) DO(21) DO(22) DO(23)
    #else
    #define SUMS(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
    #endif
    #define ONE(n) +1
    #define DECLARE(n) floats s##n = x * (float)(n + 1);
    #define MULTIPLY_ADD(n) s##n = FUSED(s##n, x, y);
    #define ADD_UP(n) all += s##n;

    // Multiply-adds in registers, 2 FLOP a lane.
    double moec_probe_peak(int threads, int bursts) {
        const int64_t rounds = 400000;
    #ifndef _OPENMP
        threads = 1;
    #endif
        double best = 0;
        float sink = 0;
        for (int b = 0; b < bursts; b++) {
            double start = seconds();
    #pragma omp parallel num_threads(threads) reduction(+ : sink)
            {
                floats x = {0}, y = {0}, all = {0};
                x += .999999f;
                y += 1e-9f;
                SUMS(DECLARE)
                for (int64_t k = 0; k < rounds; k++) { SUMS(MULTIPLY_ADD) }
                SUMS(ADD_UP)
                for (int i = 0; i < LANES; i++) { sink += all[i]; }
            }
            double work = 2.0 * LANES * (SUMS(ONE)) * (double)rounds * threads;
            double rate = work / (seconds() - start) * 1e-9;
            if (rate > best) { best = rate; }
        }
        return isfinite(sink) ? best : 0;
    }

    // Bytes read from a buffer that is read again and again.
    double moec_probe_read(int threads, int64_t bytes, int bursts) {
        (void)threads;  // without OpenMP there is one
        int64_t count = bytes / (int64_t)sizeof(floats) / 4 * 4;
        floats *x = (floats *)allocate(count * LANES);
        if (!x) { return 0; }
        double best = 0;
        float sink = 0;
    #pragma omp parallel for num_threads(threads) schedule(static)
        for (int64_t i = 0; i < count; i++) { x[i] = (floats){0}; }
        for (int b = 0; b < bursts; b++) {
            double start = seconds();
    #pragma omp parallel num_threads(threads) reduction(+ : sink)
            {
                floats s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
    #pragma omp for schedule(static)
                for (int64_t i = 0; i < count; i += 4) {
                    s0 += x[i], s1 += x[i + 1], s2 += x[i + 2], s3 += x[i + 3];
                }
                floats all = (s0 + s1) + (s2 + s3);
                for (int i = 0; i < LANES; i++) { sink += all[i]; }
            }
            double rate = (double)count * sizeof(floats) / (seconds() - start) * 1e-9;
            if (rate > best) { best = rate; }
        }
        free(x);
        return sink == 0 ? best : 0;
    }

    // Bytes that a step of AdamW moves: 4 numbers read and 3 written for each parameter.
    double moec_probe_sweep(int threads, int64_t parameters, int bursts) {
        (void)threads;
        float *w = allocate(4 * parameters);
        if (!w) { return 0; }
        float *g = w + parameters, *m = g + parameters, *v = m + parameters;
        double best = 0;
    #pragma omp parallel for num_threads(threads) schedule(static)
        for (int64_t i = 0; i < parameters; i++) { w[i] = g[i] = m[i] = v[i] = .01f; }
        for (int b = 0; b < bursts; b++) {
            double start = seconds();
    #pragma omp parallel for simd num_threads(threads) schedule(static)
            for (int64_t i = 0; i < parameters; i++) {
                float first = m[i] + .1f * (g[i] - m[i]), second = v[i] + .001f * (g[i] * g[i] - v[i]);
                m[i] = first;
                v[i] = second;
                w[i] = w[i] * .99999f - 1e-3f * first / (sqrtf(second) + 1e-8f);
            }
            double rate = 28.0 * (double)parameters / (seconds() - start) * 1e-9;
            if (rate > best) { best = rate; }
        }
        free(w);
        return best;
    }

    """#
}
