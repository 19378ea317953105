// CKernels.h: the C that models are made of, carried in moec as it stands in the files of this target.
#ifndef CKERNELS_H
#define CKERNELS_H

#include "CCarried.h"

/// How many files of kernels there are: headers, and what of them is compiled by itself.
int ckernels_count(void);

/// File `index` of these, 0 ..< ckernels_count(): those that others include come first, a kernel's .c after its .h.
carried_file ckernels_file(int index);

#define CKERNELS_FILES(FILE) \
    FILE(moec_model_h, "moec_model.h")

// The text of each of these files.
CKERNELS_FILES(CARRIED_FUNCTION)

#endif
