// What the library says of itself: the text of manifest.json, byte for byte.

#include "moec_model.h"

#if defined(__APPLE__)
#define MANIFEST_SECTION ".section __TEXT,__const\n"
#define MANIFEST_HIDDEN ".private_extern "
#define MANIFEST "_model_manifest"
#else
#define MANIFEST_SECTION ".section .rodata\n"
#define MANIFEST_HIDDEN ".hidden "
#define MANIFEST "model_manifest"
#endif

__asm__(
    MANIFEST_SECTION
    ".globl " MANIFEST "\n"
    MANIFEST_HIDDEN MANIFEST "\n"
    MANIFEST ":\n"
    ".incbin \"manifest.json\"\n"
    ".byte 0\n"
    ".text\n");

extern __attribute__((visibility("hidden"))) const char model_manifest[];

const char *moec_manifest(void) { return model_manifest; }
