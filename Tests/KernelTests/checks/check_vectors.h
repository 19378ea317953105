// check_vectors.h: loads, sums, transpositions, and elementary functions.
#include "check.h"
#include "angles.h"
#include "panels.h"
#include "random.h"

static void check_loads(void) {
    for (int count = -1; count <= LANES + 2; count++) {
        int inside = larger(count, 0);
        float *from = numbers(inside), *to = blank(inside);
        floats a = floats_load_some(from, count);
        for (int i = 0; i < LANES; i++) { EQUAL(a[i], i < inside ? from[i] : 0); }
        floats_store_some(to, a, count);
        for (int i = 0; i < inside; i++) { EQUAL(to[i], i < LANES ? from[i] : NAN); }
        release();
    }
}

static void check_arithmetic(void) {
    float *x = numbers(3 * LANES);
    floats a = floats_load(x), b = floats_load(x + LANES), c = floats_load(x + 2 * LANES);
    floats sum = floats_multiply_add(a, b, c), root = floats_root(a * a), all = floats_all(x[0]);
    ints above = a > b, count = ints_count();
    floats chosen = floats_select(above, a, b), most = floats_max(a, b);
    for (int i = 0; i < LANES; i++) {
        CLOSE(sum[i], (double)a[i] * (double)b[i] + (double)c[i], 2e-7);
        EQUAL(root[i], sqrtf(a[i] * a[i]));
        EQUAL(all[i], x[0]);
        EQUAL(count[i], i);
        EQUAL(chosen[i], a[i] > b[i] ? a[i] : b[i]);
        EQUAL(most[i], a[i] > b[i] ? a[i] : b[i]);
    }
    release();
}

static void check_folds(void) {
    for (int lane = 0; lane < LANES; lane++) {
        floats powers, numbers = {0}, holes = floats_all(NAN);
        for (int i = 0; i < LANES; i++) { powers[i] = (float)(1 << i); }
        EQUAL(floats_sum(powers), (1 << LANES) - 1);
        numbers[lane] = 3;
        EQUAL(floats_largest(numbers), 3);
        EQUAL(floats_largest(-numbers), 0);
        holes[lane] = -2;
        EQUAL(floats_largest(floats_max(holes, floats_all(-5))), -2);
        EQUAL(floats_max(floats_all(NAN), numbers)[lane], 3);
    }
}

static void check_transpositions(void) {
    floats rows[LANES];
    for (int i = 0; i < LANES; i++) {
        for (int j = 0; j < LANES; j++) { rows[i][j] = (float)(i * LANES + j); }
    }
    floats_transpose(rows);
    for (int i = 0; i < LANES; i++) {
        for (int j = 0; j < LANES; j++) { EQUAL(rows[i][j], j * LANES + i); }
    }
    int stride = LANES + 3;
    float *from = numbers(stride * LANES), *to = numbers(stride * LANES);
    transpose_lanes(to, (size_t)stride, from, (size_t)stride);
    for (int i = 0; i < LANES; i++) {
        for (int j = 0; j < LANES; j++) { EQUAL(to[j * stride + i], from[i * stride + j]); }
    }
    release();
}

static void check_panels(void) {
    FOR_SIZES(out, 0) FOR_SIZES(in, 0) {
        int stored = (int)panels_size(out, in);
        CHECK(stored == (out + 15) / 16 * 16 * in);
        float *rows = numbers(out * in), *panels = blank(stored), *back = blank(out * in);
        panels_from_rows(panels, rows, out, in);
        rows_from_panels(back, panels, out, in);
        for (int o = 0; o < (out + 15) / 16 * 16; o++) {
            for (int i = 0; i < in; i++) {
                double wanted = o < out ? rows[o * in + i] : 0;
                EQUAL(panels[o / 16 * in * 16 + i * 16 + o % 16], wanted);
                if (o < out) { EQUAL(back[o * in + i], wanted); }
            }
        }
        release();
    }
    FOR_SIZES(depth, 0) for (int columns = 0; columns <= PANEL; columns += 5) {
        int stride = 23;
        float *wide = numbers(larger(depth - 1, 0) * stride + (depth > 0 ? columns : 0));
        float *tall = numbers(larger(columns - 1, 0) * stride * 3 + (columns > 0 ? depth : 0));
        float *copied = blank(depth * PANEL), *turned = blank(depth * PANEL);
        panel_copy(copied, wide, (size_t)stride, depth, columns);
        panel_transpose(turned, tall, (size_t)stride * 3, depth, columns);
        for (int k = 0; k < depth; k++) {
            for (int c = 0; c < PANEL; c++) {
                int at = k * PANEL + c;
                EQUAL(copied[at], c < columns ? wide[k * stride + c] : 0);
                EQUAL(turned[at], c < columns ? tall[c * stride * 3 + k] : 0);
            }
        }
        release();
    }
    float *tall = numbers(16 * 70), *turned = blank(70 * PANEL);
    panel_transpose(turned, tall, 70, 70, PANEL);
    for (int i = 0; i < 70 * PANEL; i++) { EQUAL(turned[i], tall[i % 16 * 70 + i / 16]); }
    release();
}

// ---- functions -------------------------------------------------------------------------------

static float exp_lane(float x) { return floats_exp(floats_all(x))[LANES - 1]; }
static float exp2_lane(float x) { return floats_exp2(floats_all(x))[0]; }
static float tanh_lane(float x) { return floats_tanh(floats_all(x))[LANES - 1]; }
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double softplus(double x) { return x > 40 ? x : log1p(exp(x)); }

// The error in units in the last place of what it should be.
static double ulps(float got, double wanted) {
    if (fabs(wanted) > 3.4028234e38) { return fabsf(got) > 3.40282e38f ? 0 : INFINITY; }
    int exponent;
    frexp(wanted, &exponent);
    double place = ldexp(1, larger(exponent, -125) - 24);
    return fabs((double)got - wanted) / place;
}

typedef struct {
    const char *name;
    float (*function)(float);
    double (*exact)(double);
    float low, high;
    double bound;
} elementary;

static void check_function(const elementary *e) {
    double worst = 0;
    for (uint32_t bits = 0; bits < 0x7f800000; bits += 40009) {
        for (int sign = 0; sign < 2; sign++) {
            float x = bits_float(bits | (uint32_t)sign << 31);
            if (x < e->low || x > e->high) { continue; }
            worst = fmax(worst, ulps(e->function(x), e->exact((double)x)));
        }
    }
    if (!(worst <= e->bound)) { printf("%s: %.3f ulp\n", e->name, worst); }
    CHECK(worst <= e->bound);
    CHECK(isnan(e->function(NAN)));
}

// The bounds that stand at the functions, with a little for what was not measured there.
static void check_functions(void) {
    static const elementary all[] = {
        {"exp_f", exp_f, exp, -INFINITY, INFINITY, 1.05},
        {"log_f", log_f, log, 0, INFINITY, 0.95},
        {"sqrt_f", sqrt_f, sqrt, 0, INFINITY, 0.51},
        {"tanh_f", tanh_f, tanh, -INFINITY, INFINITY, 2.8},
        {"sigmoid_f", sigmoid_f, sigmoid, -INFINITY, INFINITY, 2.6},
        {"softplus_f", softplus_f, softplus, -INFINITY, INFINITY, 2.9},
        {"erf_f", erf_f, erf, -INFINITY, INFINITY, 1.5},
        {"sin_f", sin_f, sin, -2147483648.0f, 2147483648.0f, 1.7},
        {"cos_f", cos_f, cos, -2147483648.0f, 2147483648.0f, 1.7},
        {"floats_exp", exp_lane, exp, -87, 88, 1.2},
        {"floats_exp2", exp2_lane, exp2, -126, 127, 2.4},
        {"floats_tanh", tanh_lane, tanh, -INFINITY, INFINITY, 2.9},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) { check_function(&all[i]); }
    float ends[] = {exp_f(INFINITY), exp_f(-INFINITY), log_f(0), log_f(INFINITY), log_f(-1),
                    tanh_f(INFINITY), tanh_f(-INFINITY), sigmoid_f(INFINITY),
                    sigmoid_f(-INFINITY), softplus_f(INFINITY), softplus_f(-INFINITY),
                    erf_f(INFINITY), erf_f(-INFINITY), sin_f(0), cos_f(0), sin_f(INFINITY),
                    cos_f(-INFINITY), exp_lane(-88), exp2_lane(-127),
                    tanh_lane(INFINITY), tanh_lane(-INFINITY), tanh_lane(NAN)};
    double wanted[] = {INFINITY, 0, -INFINITY, INFINITY, NAN, 1, -1, 1, 0, INFINITY, 0,
                       1, -1, 0, 1, NAN, NAN, 0, 0, 1, -1, NAN};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) { EQUAL(ends[i], wanted[i]); }
    for (float far = 2147483648.0f; far < INFINITY; far *= 1.37f) {
        CHECK(fabsf(sin_f(far)) <= 1 && fabsf(cos_f(-far)) <= 1);
    }
    double worst = 0;
    for (int k = 0; k < 1 << 23; k += 211) {
        float u = ((float)k + 0.5f) * 1.1920929e-7f;
        double turn = 0.25 - fabs((double)u - rint((double)u));
        worst = fmax(worst, ulps(cos_turns_f(u), sin(6.283185307179586 * turn)));
    }
    CHECK(worst <= 3.2);
}

static void check_power(float p) {
    double worst = 0;
    for (uint32_t bits = 0x00800000; bits < 0x7f800000; bits += 40009) {
        float x = bits_float(bits);
        double wanted = pow((double)x, (double)p);
        if (wanted < 1e-30 || wanted > 1e30) { continue; }
        worst = fmax(worst, fabs((double)power_f(x, p) - wanted) / wanted);
    }
    double bound = 1e-7 + 6e-9 * fabs((double)p);
    if (!(worst <= bound)) { printf("power_f %g: %.3g\n", (double)p, worst); }
    CHECK(worst <= bound);
}

static void check_powers_and_extremes(void) {
    static const float powers[] = {5, -7, 1.5f, 0.3f, -2.25f, 30};
    for (size_t i = 0; i < sizeof powers / sizeof *powers; i++) { check_power(powers[i]); }
    CLOSE(power_f(-2, 3), -8, 1e-6);
    CLOSE(power_f(-2, -4), 0.0625, 1e-8);
    float ends[] = {power_f(0, 1.5f), power_f(0, -1.5f), power_f(-2, 0.5f), power_f(-2, 0),
                    power_f(NAN, 2), power_f(INFINITY, 0.5f), power_f(INFINITY, -1),
                    max_f(1, 2), max_f(2, 1), max_f(NAN, 1), max_f(1, NAN), max_f(-INFINITY, 1),
                    min_f(1, 2), min_f(2, 1), min_f(NAN, 1), min_f(1, NAN), min_f(INFINITY, 1),
                    1 / max_f(-0.0f, 0), 1 / min_f(0, -0.0f), sqrt_f(-1)};
    double wanted[] = {0, INFINITY, NAN, 1, NAN, INFINITY, 0, 2, 2, NAN, NAN, 1,
                       1, 1, NAN, NAN, 1, -INFINITY, INFINITY, NAN};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) { EQUAL(ends[i], wanted[i]); }
}

// ---- random numbers --------------------------------------------------------------------------

static void check_random(void) {
    CHECK(random_key(0, 0) == 0xe220a8397b1dcdafu);  // splitmix64's first number
    CHECK(random_key(0, 1) == 0x6e789e6aa1b965f4u);  // and its second
    uint64_t key = random_key(7, 3);
    words lanes = random_lanes(key, (words)ints_count() + 100u);
    for (int i = 0; i < LANES; i++) { EQUAL(lanes[i], random_bits(key, 100u + (uint32_t)i)); }
    for (uint32_t i = 0; i < 50; i++) {
        CHECK(random_bits(key_from(key, 0xfffffff0u), i) == random_bits(key, i + 0xfffffff0u));
    }
    enum { COUNT = 20000 };
    double uniform = 0, mean = 0, square = 0, kept = 0, dropped = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        float u = random_uniform(key, i), n = random_normal(key, i);
        CHECK(u > 0 && u < 1 && isfinite(n));
        uniform += (double)u;
        mean += (double)n;
        square += (double)n * (double)n;
        float keep = dropout_keep(key, i, 0.25);
        CHECK(keep == 0 || keep == 1 / 0.75f);
        kept += (double)keep;
        dropped += keep == 0;
        EQUAL(dropout_keep(key, i, 0), 1);
        EQUAL(dropout_keep(key, i, 1), 0);
    }
    CLOSE(uniform / COUNT, 0.5, 0.01);
    CLOSE(mean / COUNT, 0, 0.03);
    CLOSE(square / COUNT, 1, 0.04);
    CLOSE(kept / COUNT, 1, 0.02);
    CLOSE(dropped / COUNT, 0.25, 0.015);
}

static void check_vectors(void) {
    check_loads();
    check_arithmetic();
    check_folds();
    check_transpositions();
    check_panels();
    check_functions();
    check_powers_and_extremes();
    check_random();
}
