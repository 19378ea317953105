// What the library says of itself: the text of manifest.json, byte for byte.

#include "moec_model.h"

#if defined(__APPLE__)
#define SECTION ".section __TEXT,__const\n"
#define HIDDEN ".private_extern "
#define MANIFEST "_model_manifest"
#else
#define SECTION ".section .rodata\n"
#define HIDDEN ".hidden "
#define MANIFEST "model_manifest"
#endif

__asm__(
    SECTION
    ".globl " MANIFEST "\n"
    HIDDEN MANIFEST "\n"
    MANIFEST ":\n"
    ".incbin \"manifest.json\"\n"
    ".byte 0\n"
    ".text\n");

extern __attribute__((visibility("hidden"))) const char model_manifest[];

const char *moec_manifest(void) { return model_manifest; }
