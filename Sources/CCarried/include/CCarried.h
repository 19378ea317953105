// CCarried.h: files that a program carries in itself, byte for byte, so that it needs none beside it.
//
// A target lists its files once, in a macro that takes another one, and gives that list to those below:
//
//     #define PAGE_FILES(FILE) \
//         FILE(page_css, "page/page.css") \
//         FILE(page_js, "page/page.js")
//
//     PAGE_FILES(CARRIED_FUNCTION)         in the header, for whoever reads them: page_css(), page_js()
//
//     #if !(1 PAGE_FILES(CARRIED_IS_THERE))
//     #error "a file that is to be carried is not there"
//     #endif
//     __asm__(PAGE_FILES(CARRIED_BYTES));
//     PAGE_FILES(CARRIED_SYMBOL)
//     PAGE_FILES(CARRIED_FUNCTION_BODY)    in a source file, where .headerSearchPath leads to the files
//
// The assembler copies the bytes and no compiler looks at them, which takes no time, where an array of as many
// numbers takes seconds. No build system knows what .incbin reads; what __has_include asks for, clang notes among
// the files that an object is made of. So the question is asked, and an edited file is carried anew.
#ifndef CCARRIED_H
#define CCARRIED_H

/// One file: where it lies in its target, and its text, which a zero ends.
typedef struct {
    const char *path, *text;
} carried_file;

#if defined(__APPLE__)
#define CARRIED_SECTION ".section __TEXT,__const\n"
#define CARRIED_HIDDEN ".private_extern "
#define CARRIED_NAME(name) "_carried_" #name
#else
#define CARRIED_SECTION ".section .rodata\n"
#define CARRIED_HIDDEN ".hidden "
#define CARRIED_NAME(name) "carried_" #name
#endif

// In a condition: whether the file is there.
#define CARRIED_IS_THERE(name, path) && __has_include(path)

// In a piece of assembly: the file's bytes.
#define CARRIED_BYTES(name, path) \
    CARRIED_SECTION \
    ".globl " CARRIED_NAME(name) "\n" \
    CARRIED_HIDDEN CARRIED_NAME(name) "\n" \
    CARRIED_NAME(name) ":\n" \
    ".incbin \"" path "\"\n" \
    ".byte 0\n" \
    ".text\n"

// What C calls these bytes.
#define CARRIED_SYMBOL(name, path) extern __attribute__((visibility("hidden"))) const char carried_##name[];

// In a list of carried_file.
#define CARRIED_ENTRY(name, path) {path, carried_##name},

// A function that returns the file's text.
#define CARRIED_FUNCTION(name, path) const char *name(void);
#define CARRIED_FUNCTION_BODY(name, path) \
    const char *name(void) { return carried_##name; }

#endif
