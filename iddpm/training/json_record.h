#pragma once

#include "iddpm/io/json_record.h"
