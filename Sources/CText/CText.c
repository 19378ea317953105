#include "CText.h"

// A character of valid UTF-8 that begins at *place, which moves behind it.
static uint32_t next_character(const uint8_t *text, size_t *place) {
    const uint8_t *p = text + *place;
    if (p[0] < 0x80) {
        *place += 1;
        return p[0];
    }
    if (p[0] < 0xe0) {
        *place += 2;
        return (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
    }
    if (p[0] < 0xf0) {
        *place += 3;
        return (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
    }
    *place += 4;
    return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 |
           (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
}

text_count text_mark_characters(const uint8_t *text, size_t size, uint8_t *present) {
    text_count count = {0, 0};
    size_t place = 0;
    while (place < size) {
        present[text[place] < 0x80 ? text[place++] : next_character(text, &place)] = 1;
        count.characters++;
    }
    for (size_t c = 0; c < TEXT_SCALARS; c++) count.distinct += present[c];
    return count;
}

void text_list_characters(const uint8_t *present, uint32_t *characters) {
    for (uint32_t c = 0; c < TEXT_SCALARS; c++) {
        if (present[c]) *characters++ = c;
    }
}

void text_encode(const uint8_t *text, size_t size, const int32_t *table, int32_t *tokens) {
    size_t place = 0;
    while (place < size) {
        *tokens++ = table[text[place] < 0x80 ? text[place++] : next_character(text, &place)];
    }
}

size_t text_count_characters(const uint8_t *text, size_t size) {
    size_t count = 0;
    for (size_t i = 0; i < size; i++) count += (text[i] & 0xc0) != 0x80;
    return count;
}

size_t text_count_carriage_returns(const uint8_t *text, size_t size) {
    size_t count = 0;
    for (size_t i = 0; i + 1 < size; i++) count += text[i] == '\r' && text[i + 1] == '\n';
    return count;
}

int64_t text_sum_counts(const int32_t *tokens, size_t size, const int32_t *counts) {
    int64_t sum = 0;
    for (size_t i = 0; i < size; i++) sum += counts[tokens[i]];
    return sum;
}

uint64_t text_hash_tokens(const int32_t *tokens, size_t size, size_t stride, uint64_t hash) {
    for (size_t i = 0; i < size; i += stride) {
        hash = (hash ^ (uint32_t)tokens[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}
