// carried.c: carries the files of this target.
#include "CRanks.h"

#if !(1 CRANKS_FILES(CARRIED_IS_THERE))
#error "a file that is to be carried is not there"
#endif

__asm__(CRANKS_FILES(CARRIED_BYTES));

CRANKS_FILES(CARRIED_SYMBOL)
CRANKS_FILES(CARRIED_FUNCTION_BODY)
