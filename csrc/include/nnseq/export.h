// The one export macro: everything else in the library has hidden visibility.
#pragma once

#if defined(NNSEQ_STATIC)
#define NNSEQ_API
#else
#define NNSEQ_API __attribute__((visibility("default")))
#endif
