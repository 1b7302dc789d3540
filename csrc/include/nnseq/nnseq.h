// All of nnseq for C++: models from files, models defined here, and what they are made of.
#pragma once

#include "nnseq/builder.h"
#include "nnseq/context.h"
#include "nnseq/error.h"
#include "nnseq/model.h"
#include "nnseq/version.h"
