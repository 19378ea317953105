// Documents that stand in one row: of each token, where its own begins.

#include "interface.h"

#include <stdio.h>
#include <stdlib.h>

// A document begins at each token anew, or is that of the token before.
static int check_beginnings(moec_model *m, const int32_t *beginnings, size_t rows) {
    for (size_t r = 0; r < rows; r++) {
        const int32_t *row = beginnings + r * MODEL_CONTEXT;
        for (int t = 0; t < MODEL_CONTEXT; t++) {
            const int32_t before = t > 0 ? row[t - 1] : 0;
            if (row[t] == t || row[t] == before) { continue; }
            snprintf(m->error, sizeof m->error,
                     "batch %zu, row %zu, token %d: its document cannot begin at %d, only at %d or with that of the "
                     "token before, at %d", r / MODEL_BATCH, r % MODEL_BATCH, t, row[t], t, before);
            return 1;
        }
    }
    return 0;
}

int moec_documents(moec_model *m, int batches, const int32_t *beginnings) {
    if (!m) { return 1; }
    m->error[0] = 0;
    if (batches < 0) { return model_fail(m, "cannot take documents of %d batches", batches, 0); }
    if (batches > 0 && !beginnings) { return model_fail(m, "the beginnings of documents are missing", 0, 0); }
    if (batches == 0) {
        m->documents = 0;
        return 0;
    }
    const size_t each = (size_t)MODEL_BATCH * MODEL_CONTEXT;
    if (check_beginnings(m, beginnings, (size_t)batches * MODEL_BATCH)) { return 1; }
    if (batches > m->documents_room) {
        int32_t *room = realloc(m->beginnings, (size_t)batches * each * sizeof *room);
        if (!room) { return model_fail(m, "there is no memory for the documents of %d batches", batches, 0); }
        m->beginnings = room;
        m->documents_room = batches;
    }
    memmove(m->beginnings, beginnings, (size_t)batches * each * sizeof *beginnings);
    m->documents = batches;
    return 0;
}

int documents_misfit(moec_model *m, int batches) {
    if (!m->documents || batches <= m->documents) { return 0; }
    return model_fail(m, "documents are given for %d of %d batches", m->documents, batches);
}

const int32_t *documents_of(const moec_model *m, int batch) {
    return m->documents ? m->beginnings + (size_t)batch * MODEL_BATCH * MODEL_CONTEXT : NULL;
}
