// CKernels.h: the C that models are made of, carried in moec as it stands in the files of this target.
#ifndef CKERNELS_H
#define CKERNELS_H

#include "CCarried.h"

/// How many files of kernels there are: headers, and what of them is compiled by itself.
int ckernels_count(void);

/// File `index` of these, 0 ..< ckernels_count(): those that others include come first, a kernel's .c after its .h.
carried_file ckernels_file(int index);

#define CKERNELS_FILES(FILE) \
    FILE(moec_model_h, "moec_model.h") \
    FILE(runtime_interface_h, "runtime/interface.h") \
    FILE(runtime_interface_c, "runtime/interface.c") \
    FILE(runtime_creation_c, "runtime/creation.c") \
    FILE(runtime_tensors_c, "runtime/tensors.c") \
    FILE(runtime_training_c, "runtime/training.c") \
    FILE(runtime_update_h, "runtime/update.h") \
    FILE(runtime_update_c, "runtime/update.c") \
    FILE(runtime_ranks_h, "runtime/ranks.h") \
    FILE(runtime_ranks_c, "runtime/ranks.c") \
    FILE(runtime_ranks_step_c, "runtime/ranks_step.c") \
    FILE(runtime_expert_ranks_h, "runtime/expert_ranks.h") \
    FILE(runtime_expert_ranks_c, "runtime/expert_ranks.c") \
    FILE(runtime_documents_c, "runtime/documents.c") \
    FILE(runtime_evaluation_c, "runtime/evaluation.c") \
    FILE(runtime_routes_h, "runtime/routes.h") \
    FILE(runtime_routes_c, "runtime/routes.c") \
    FILE(runtime_adamw_c, "runtime/adamw.c") \
    FILE(runtime_manifest_c, "runtime/manifest.c") \
    FILE(runtime_moec_profile_h, "runtime/moec_profile.h") \
    FILE(runtime_moec_profile_c, "runtime/moec_profile.c")

// The text of each of these files.
CKERNELS_FILES(CARRIED_FUNCTION)

#endif
