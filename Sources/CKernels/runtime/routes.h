// ---- routers -----------------------------------------------------------------------------

enum { MODEL_ROUTERS = MODEL_ROUTER_COUNT, MODEL_EXPERTS = MODEL_EXPERT_COUNT, MODEL_CHOICES = MODEL_BATCH * MODEL_CONTEXT * MODEL_CHOICE_COUNT };

// A router: its experts, the choices of a token; the path of its layer's use, and how many of each the routers
// before it have.
typedef struct {
    const char *name;
    int experts, choices;
} model_router_row;

typedef struct {
    model_router_row row;
    const char *scope;
    int use, first_expert, first_choice;
} model_router;

// What an expert was given: pairs that chose it, pairs that it kept, the sum of all their weights.
typedef struct {
    uint64_t chosen, kept;
    double weight;
} model_load;

// What the routers chose, router after router, [tokens, choices] each.
typedef struct {
    int tokens;                         // of the last pass
    int32_t expert[MODEL_CHOICES];
    int32_t row[MODEL_CHOICES];         // among the experts' rows; -1 where dropped
    float weight[MODEL_CHOICES];
    int32_t replay[MODEL_CHOICES];      // the experts that the next pass takes
    model_load load[2][MODEL_EXPERTS];  // counted in evaluation, in training
} model_routes;

struct moec_model;

// Gives a layer's router the experts to take; keeps what it chose; counts what all chose in the last pass.
void routes_take(const struct moec_model *m, int router, int32_t *chosen);
void routes_keep(struct moec_model *m, int router, const int32_t *chosen, const int32_t *slot,
                 const float *weights, const model_pass *pass);
void routes_count(struct moec_model *m, const model_pass *pass);

// Whether a pass of so many tokens cannot take the experts that it is to take; they are forgotten then.
int routes_misfit(struct moec_model *m, int tokens);
