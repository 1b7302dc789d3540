// The version of nnseq, here and nowhere else: CMake and the Python package read this line.
#pragma once

#define NNSEQ_VERSION "0.1.0"
