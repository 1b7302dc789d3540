# Compile options of all our code: strict IEEE except that errno and FP traps are not observed.
add_library(nnseq_flags INTERFACE)
target_compile_features(nnseq_flags INTERFACE cxx_std_20)
target_compile_options(
  nnseq_flags INTERFACE -Wall -Wextra -ffp-contract=off -fno-math-errno -fno-trapping-math)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # A library that defines unique symbols can never be unloaded.
  target_compile_options(nnseq_flags INTERFACE -fno-gnu-unique)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # False in gcc 12 for std::string + (GCC bug 105651).
  target_compile_options(nnseq_flags INTERFACE -Wno-restrict)
elseif(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # Pragmas may name warnings of gcc; & and | join masks, which are bool on the host.
  target_compile_options(nnseq_flags INTERFACE -Wno-unknown-warning-option
                                               -Wno-bitwise-instead-of-logical)
endif()
if(NNSEQ_WERROR)
  target_compile_options(nnseq_flags INTERFACE -Werror)
endif()
if(NNSEQ_SANITIZE)
  set(sanitize -fsanitize=${NNSEQ_SANITIZE} -fno-sanitize-recover=all)
  target_compile_options(nnseq_flags INTERFACE ${sanitize} -fno-omit-frame-pointer)
  target_link_options(nnseq_flags INTERFACE ${sanitize})
endif()
