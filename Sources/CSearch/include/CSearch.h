// CSearch.h: the Python program that moec search starts, carried in it as it stands in the file of this target.
#ifndef CSEARCH_H
#define CSEARCH_H

#include "CCarried.h"

#define CSEARCH_FILES(FILE) FILE(optuna_helper_py, "helper/optuna_helper.py")

// The text of the file.
CSEARCH_FILES(CARRIED_FUNCTION)

#endif
