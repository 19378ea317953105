// CKernels.c: carries the files of this target.
#include "CKernels.h"

// Those that others include first; what is compiled by itself stands after its header.
#define KERNEL_FILES(FILE) \
    FILE(kernel_base_h, "kernels/base.h") \
    FILE(kernel_adamw_h, "kernels/adamw.h") \
    FILE(kernel_threads_h, "kernels/threads.h") \
    FILE(kernel_vector_h, "kernels/vector.h") \
    FILE(kernel_panels_h, "kernels/panels.h") \
    FILE(kernel_shares_h, "kernels/shares.h") \
    FILE(kernel_product_h, "kernels/product.h") \
    FILE(kernel_product_c, "kernels/product.c") \
    FILE(kernel_finish_h, "kernels/finish.h") \
    FILE(kernel_elementwise_h, "kernels/elementwise.h") \
    FILE(kernel_expert_rows_h, "kernels/expert_rows.h") \
    FILE(kernel_expert_linear_h, "kernels/expert_linear.h") \
    FILE(kernel_expert_linear_c, "kernels/expert_linear.c") \
    FILE(kernel_expert_linear_input_gradient_h, "kernels/expert_linear_input_gradient.h") \
    FILE(kernel_expert_linear_input_gradient_c, "kernels/expert_linear_input_gradient.c") \
    FILE(kernel_expert_linear_weight_gradient_h, "kernels/expert_linear_weight_gradient.h") \
    FILE(kernel_expert_linear_weight_gradient_c, "kernels/expert_linear_weight_gradient.c") \
    FILE(kernel_linear_h, "kernels/linear.h") \
    FILE(kernel_matmul_h, "kernels/matmul.h") \
    FILE(kernel_scalar_math_h, "kernels/scalar_math.h") \
    FILE(kernel_angles_h, "kernels/angles.h") \
    FILE(kernel_vector_math_h, "kernels/vector_math.h") \
    FILE(kernel_random_h, "kernels/random.h") \
    FILE(kernel_rows_h, "kernels/rows.h") \
    FILE(kernel_sum_h, "kernels/sum.h") \
    FILE(kernel_layer_norm_h, "kernels/layer_norm.h") \
    FILE(kernel_layer_norm_c, "kernels/layer_norm.c") \
    FILE(kernel_rms_norm_h, "kernels/rms_norm.h") \
    FILE(kernel_softmax_h, "kernels/softmax.h") \
    FILE(kernel_softmax_c, "kernels/softmax.c") \
    FILE(kernel_heads_h, "kernels/heads.h") \
    FILE(kernel_rotary_h, "kernels/rotary.h") \
    FILE(kernel_transpose_h, "kernels/transpose.h") \
    FILE(kernel_fit_h, "kernels/fit.h") \
    FILE(kernel_causal_mask_h, "kernels/causal_mask.h") \
    FILE(kernel_documents_h, "kernels/documents.h") \
    FILE(kernel_attention_sizes_h, "kernels/attention_sizes.h") \
    FILE(kernel_attention_tile_h, "kernels/attention_tile.h") \
    FILE(kernel_attention_head_h, "kernels/attention_head.h") \
    FILE(kernel_attention_h, "kernels/attention.h") \
    FILE(kernel_attention_c, "kernels/attention.c") \
    FILE(kernel_attention_head_gradient_h, "kernels/attention_head_gradient.h") \
    FILE(kernel_attention_gradient_h, "kernels/attention_gradient.h") \
    FILE(kernel_attention_gradient_c, "kernels/attention_gradient.c") \
    FILE(kernel_attention_form_h, "kernels/attention_form.h") \
    FILE(kernel_general_attention_h, "kernels/general_attention.h") \
    FILE(kernel_general_attention_c, "kernels/general_attention.c") \
    FILE(kernel_general_attention_gradient_h, "kernels/general_attention_gradient.h") \
    FILE(kernel_general_attention_gradient_c, "kernels/general_attention_gradient.c") \
    FILE(kernel_attention_sinks_h, "kernels/attention_sinks.h") \
    FILE(kernel_embedding_h, "kernels/embedding.h") \
    FILE(kernel_panel_embedding_h, "kernels/panel_embedding.h") \
    FILE(kernel_numbers_h, "kernels/numbers.h") \
    FILE(kernel_columns_h, "kernels/columns.h") \
    FILE(kernel_gather_h, "kernels/gather.h") \
    FILE(kernel_top_h, "kernels/top.h") \
    FILE(kernel_top_c, "kernels/top.c") \
    FILE(kernel_route_h, "kernels/route.h") \
    FILE(kernel_dispatch_h, "kernels/dispatch.h") \
    FILE(kernel_combine_h, "kernels/combine.h") \
    FILE(kernel_targets_h, "kernels/targets.h") \
    FILE(kernel_cross_entropy_h, "kernels/cross_entropy.h") \
    FILE(kernel_linear_cross_entropy_h, "kernels/linear_cross_entropy.h")

#if !(1 KERNEL_FILES(CARRIED_IS_THERE) CKERNELS_FILES(CARRIED_IS_THERE))
#error "a file that is to be carried is not there"
#endif

__asm__(KERNEL_FILES(CARRIED_BYTES) CKERNELS_FILES(CARRIED_BYTES));

KERNEL_FILES(CARRIED_SYMBOL)
CKERNELS_FILES(CARRIED_SYMBOL)
CKERNELS_FILES(CARRIED_FUNCTION_BODY)

static const carried_file kernels[] = {KERNEL_FILES(CARRIED_ENTRY)};

int ckernels_count(void) { return sizeof kernels / sizeof *kernels; }

carried_file ckernels_file(int index) { return kernels[index]; }
