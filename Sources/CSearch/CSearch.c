// CSearch.c: carries the file of this target.
#include "CSearch.h"

#if !(1 CSEARCH_FILES(CARRIED_IS_THERE))
#error "a file that is to be carried is not there"
#endif

__asm__(CSEARCH_FILES(CARRIED_BYTES));

CSEARCH_FILES(CARRIED_SYMBOL)
CSEARCH_FILES(CARRIED_FUNCTION_BODY)
