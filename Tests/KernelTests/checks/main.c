// main.c: compares kernels with plain loops in double precision, for the instruction set that it is compiled for.
// Prints what does not agree; exits with 1 then, and with 77 where the processor lacks the instructions.
// With MODEL_TAKES_DOCUMENTS the kernels are those of a model whose rows hold several documents: the others are the same.
#if !MODEL_TAKES_DOCUMENTS
#include "check_vectors.h"
#include "check_rows.h"
#include "check_places.h"
#include "check_products.h"
#include "check_routing.h"
#endif
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
#if MODEL_TAKES_DOCUMENTS
    static const int means[] = {0, 1, 3, 20, 150};
    for (size_t i = 0; i < sizeof means / sizeof *means; i++) {
        mean_document = means[i];
        check_attention();
    }
    check_what_documents_leave_out();
    check_documents();
#else
    check_vectors();
    check_rows();
    check_places();
    check_products();
    check_routing();
    check_attention();
#endif
    printf("%d lanes: %ld comparisons, %ld failed\n", LANES, compared, failed);
    return failed > 0;
}
