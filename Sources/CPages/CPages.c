// CPages.c: carries the files of this target.
#include "CPages.h"

#if !(1 CPAGES_FILES(CARRIED_IS_THERE))
#error "a file that is to be carried is not there"
#endif

__asm__(CPAGES_FILES(CARRIED_BYTES));

CPAGES_FILES(CARRIED_SYMBOL)
CPAGES_FILES(CARRIED_FUNCTION_BODY)
