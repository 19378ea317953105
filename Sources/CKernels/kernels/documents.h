// documents.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_DOCUMENTS_H
#define KERNEL_DOCUMENTS_H

#include "threads.h"

// Positions from the beginning of each token's document, where a sequence may hold several.
//
//   y[s, t] = positions[t] - beginnings[s, t]
//
//   y, beginnings [sequences, length]; without beginnings each sequence is one document
KERNEL void document_positions(int32_t *restrict y, const int32_t *restrict positions,
                               const int32_t *restrict beginnings, int sequences,
                               int length) {
    for (int n = 0; n < sequences * length; n++) {
        y[n] = positions[n % length] - (beginnings ? beginnings[n] : 0);
    }
}

// Fills what square matrices have of keys after the query, and of those before its document; y
// may be x.
//
//   y[s, m, query, key] = beginnings[s, query] <= key <= query ? x[s, m, query, key] : fill
//
//   x [sequences, matrices, length, length]    ->    y [sequences, matrices, length, length]
KERNEL void document_mask(float *y, const float *x, const int32_t *beginnings, int sequences,
                          int matrices, int length, float fill) {
    int rows = sequences * matrices * length;
    #pragma omp parallel if ((size_t)rows * length > 4096)
    FOR_OWN(r, rows) {
        const float *x_r = x + (size_t)r * length;
        float *y_r = y + (size_t)r * length;
        int query = r % length, s = r / length / matrices;
        int first = beginnings ? beginnings[s * length + query] : 0;
        for (int key = 0; key < length; key++) {
            y_r[key] = key < first || key > query ? fill : x_r[key];
        }
    }
}

#endif
