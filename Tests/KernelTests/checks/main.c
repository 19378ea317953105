// main.c: compares kernels with plain loops in double precision, for the instruction set that it is compiled for.
// Prints what does not agree; exits with 1 then, and with 77 where the processor lacks the instructions.
#include "check_vectors.h"
#include "check_rows.h"
#include "check_places.h"
#include "check_products.h"
#include "check_routing.h"
#include "check_attention.h"

static int is_supported(void) {
#if defined(__AVX512F__)
    return __builtin_cpu_supports("avx512f") != 0;
#elif defined(__AVX2__)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    return 1;
#endif
}

int main(void) {
    if (!is_supported()) { return 77; }
    check_vectors();
    check_rows();
    check_places();
    check_products();
    check_routing();
    check_attention();
    printf("%d lanes: %ld comparisons, %ld failed\n", LANES, compared, failed);
    return failed > 0;
}
