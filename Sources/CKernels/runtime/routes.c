// What the routers chose: kept of the last pass, counted over many, and replayed. Evaluation keeps no
// layer's buffers, so all that is asked for later is copied when the layer has run.

#include "interface.h"

#include <stdio.h>
#include <string.h>

// Where a router's numbers begin: for the caller, those of so many tokens; in the model, where there is room
// for a batch.
static size_t first_of(const moec_model *m, int router, int tokens) {
    return (size_t)m->router[router].first_choice * tokens;
}

static size_t place_of(const moec_model *m, int router) {
    return first_of(m, router, MODEL_BATCH * MODEL_CONTEXT);
}

static size_t count_of(const moec_model *m, int router, int tokens) {
    return (size_t)m->router[router].row.choices * tokens;
}

void routes_take(const moec_model *m, int router, int32_t *chosen) {
    memcpy(chosen, m->routes.replay + first_of(m, router, m->replay_tokens),
           sizeof *chosen * count_of(m, router, m->replay_tokens));
}

void routes_keep(moec_model *m, int router, const int32_t *chosen, const int32_t *slot,
                 const float *weights, const model_pass *pass) {
#if MODEL_KEEPS_ROWS
    size_t first = place_of(m, router) + (size_t)pass->past * m->router[router].row.choices;
#else
    size_t first = place_of(m, router);
#endif
    size_t count = count_of(m, router, pass->sequences * pass->length);
    memcpy(m->routes.expert + first, chosen, sizeof *chosen * count);
    memcpy(m->routes.row + first, slot, sizeof *slot * count);
    if (weights) {
        memcpy(m->routes.weight + first, weights, sizeof *weights * count);
    } else {
        memset(m->routes.weight + first, 0, sizeof *weights * count);
    }
}

// Rounded so that their sums are exact, up to 2^29: passes may be added up in any order, also those of other ranks.
static double rounded(double weight) { return rint(weight * 0x1p24) * 0x1p-24; }

// Adds up what the tokens chose whose targets are not ignored; a pass without targets has only such.
static void count_router(const moec_model *m, int router, int tokens, const int32_t *targets, model_load *load) {
    const model_routes *made = &m->last->routes;
    size_t i = place_of(m, router), choices = (size_t)m->router[router].row.choices;
    for (int t = 0; t < tokens; t++) {
        size_t end = i + choices;
        if (targets && targets[t] < 0) { i = end; }
        for (; i < end; i++) {
            model_load *l = &load[made->expert[i]];
            l->chosen += 1;
            l->kept += made->row[i] >= 0;
            l->weight += rounded(made->weight[i]);
        }
    }
}

// By one thread, in the order of tokens: it is quicker than asking others, and the bits are the same.
void routes_count(moec_model *m, const model_pass *pass) {
#if MODEL_KEEPS_ROWS
    int tokens = pass->sequences * (pass->past + pass->length);
#else
    int tokens = pass->sequences * pass->length;
#endif
    model_load *load = m->routes.load[pass->training != 0];
    for (int r = 0; r < MODEL_ROUTERS; r++) {
        count_router(m, r, tokens, pass->targets, load + m->router[r].first_expert);
    }
    m->routes.tokens = tokens;
    m->replay_tokens = 0;
}

int routes_misfit(moec_model *m, int tokens) {
    int given = m->replay_tokens;
    if (!given || given == tokens) { return 0; }
    m->replay_tokens = 0;
    snprintf(m->error, sizeof m->error, "the choices to be replayed are of %d tokens, the pass has %d", given, tokens);
    return 1;
}

int moec_expert_loads(moec_model *m, int training, moec_load *out) {
    if (!m) { return 1; }
    m->error[0] = 0;
    if (!out) {
        snprintf(m->error, sizeof m->error, "the place for the loads is missing");
        return 1;
    }
    model_load *load = m->routes.load[training != 0];
    for (int e = 0; e < MODEL_EXPERTS; e++) {
        out[e] = (moec_load){load[e].chosen, load[e].kept, load[e].weight};
    }
    memset(load, 0, sizeof m->routes.load[0]);
    return 0;
}

int moec_routes(moec_model *m, int tokens, int32_t *experts, int32_t *kept, float *weights) {
    if (!m) { return 1; }
    m->error[0] = 0;
    if (tokens < 1 || tokens != m->routes.tokens) {
        snprintf(m->error, sizeof m->error, "the last pass had %d tokens, not %d", m->routes.tokens, tokens);
        return 1;
    }
    const model_routes *made = &m->last->routes;
    for (int r = 0; r < MODEL_ROUTERS; r++) {
        size_t from = place_of(m, r), to = first_of(m, r, tokens), count = count_of(m, r, tokens);
        if (experts) { memcpy(experts + to, made->expert + from, sizeof *experts * count); }
        if (weights) { memcpy(weights + to, made->weight + from, sizeof *weights * count); }
    }
    // A loop of its own: within the one above compilers made eight copies of it for each router.
    for (int r = 0; kept && r < MODEL_ROUTERS; r++) {
        const int32_t *row = made->row + place_of(m, r);
        int32_t *to = kept + first_of(m, r, tokens), *end = to + count_of(m, r, tokens);
        while (to < end) { *to++ = *row++ >= 0; }
    }
    return 0;
}

// Whether each token's experts are there and in ascending order, in which their outputs are added up.
static int are_choices(const int32_t *experts, int tokens, const model_router_row *router) {
    for (int t = 0; t < tokens; t++) {
        int32_t last = -1;
        for (int k = 0; k < router->choices; k++) {
            int32_t expert = *experts++;
            if (expert <= last || expert >= router->experts) { return 0; }
            last = expert;
        }
    }
    return 1;
}

int moec_replay(moec_model *m, const int32_t *experts, int tokens) {
    if (!m) { return 1; }
    m->error[0] = 0;
    m->replay_tokens = 0;
    if (!experts || tokens < 1 || tokens > MODEL_BATCH * MODEL_CONTEXT) {
        snprintf(m->error, sizeof m->error, "there are no choices to replay, or not for 1 to %d tokens",
                 MODEL_BATCH * MODEL_CONTEXT);
        return 1;
    }
    size_t count = 0;
    for (int r = 0; r < MODEL_ROUTERS; r++) {
        if (!are_choices(experts + count, tokens, &m->router[r].row)) {
            snprintf(m->error, sizeof m->error, "%s: choices to replay must be different experts of 0 ..< %d, ascending",
                     model_name(m, m->router[r].scope, m->router[r].use, m->router[r].row.name),
                     m->router[r].row.experts);
            return 1;
        }
        count += count_of(m, r, tokens);
    }
    memcpy(m->routes.replay, experts, sizeof *experts * count);
    m->replay_tokens = tokens;
    return 0;
}
