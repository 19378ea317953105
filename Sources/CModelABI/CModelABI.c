#include "moec_model.h"
