// ---- experts of several ranks ------------------------------------------------------------

enum { MODEL_EXPERT_RANKS = MODEL_EXPERT_RANK_COUNT };  // share out the experts of every mixture

// The rows that came from one of these ranks, sorted by this rank's own experts.
typedef struct {
    const int32_t *start;  // own expert e has rows start[e] ..< start[e + 1]
    size_t first;          // of all rows that came, the first of them
    int rows;
    uint32_t number;       // which row that is on the rank that it came from
    uint64_t seed;         // of that rank's pass
} rank_rows;

static inline rank_rows rows_of_rank(const int32_t *received, const int32_t *origin, int rank, int own) {
    const int32_t *start = received + rank * own;
    rank_rows from = {start, (size_t)start[0], start[own] - start[0], (uint32_t)origin[3 * rank], 0};
    memcpy(&from.seed, origin + 3 * rank + 1, sizeof from.seed);
    return from;
}

// expert_ranks.c: tells the ranks how many rows of each of their experts come to them.
//
//   start [experts + 1]    ->    received [experts + 1], origin [MODEL_EXPERT_RANKS, 3]
void exchange_counts(int32_t *received, int32_t *origin, const int32_t *start, int experts, const model_pass *pass);

// Rows that begin as from_start says go to their ranks; those that come lie as to_start says.
void exchange_rows(float *to, const float *from, const int32_t *to_start, const int32_t *from_start, int experts,
                   int width, const model_pass *pass);
