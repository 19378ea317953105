// Loops over all bytes or tokens of a text. They are C because a text may have many millions, and a
// debug build of Swift takes twenty times as long for each; that of C is nearly as fast as any.
#ifndef CTEXT_H
#define CTEXT_H

#include <stddef.h>
#include <stdint.h>

// One more than the largest character.
enum { TEXT_SCALARS = 0x110000 };

typedef struct {
    size_t characters;  // in the text
    size_t distinct;    // of these
} text_count;

// Counts the characters of valid UTF-8 and sets present[c] of each c; present has TEXT_SCALARS
// bytes, 0 at first.
text_count text_mark_characters(const uint8_t *text, size_t size, uint8_t *present);

// Writes the characters that are present in ascending order.
void text_list_characters(const uint8_t *present, uint32_t *characters);

// Writes the token of each character of valid UTF-8: a table has one for all of them.
void text_encode(const uint8_t *text, size_t size, const int32_t *table, int32_t *tokens);

// How many characters UTF-8 has.
size_t text_count_characters(const uint8_t *text, size_t size);

// How often a line feed follows a carriage return.
size_t text_count_carriage_returns(const uint8_t *text, size_t size);

// The sum of counts[t] over tokens, all of which must be indices of counts.
int64_t text_sum_counts(const int32_t *tokens, size_t size, const int32_t *counts);

// FNV-1a of every stride-th token, going on from hash.
uint64_t text_hash_tokens(const int32_t *tokens, size_t size, size_t stride, uint64_t hash);

#endif
