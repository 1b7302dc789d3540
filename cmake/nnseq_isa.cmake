# csrc/cpu/isa/*.cpp is compiled once per ISA, each time in a namespace of its own (NNSEQ_ISA_NS).
# Sets NNSEQ_ISA_OBJECTS to the objects of all ISAs, and NNSEQ_ARCHITECTURE to X86, NEON or "".
file(GLOB isa_sources CONFIGURE_DEPENDS csrc/cpu/isa/*.cpp)
set(NNSEQ_ISAS scalar)
set(NNSEQ_ARCHITECTURE "")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(NNSEQ_ARCHITECTURE X86)
  list(APPEND NNSEQ_ISAS avx2 avx512)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|ARM64|arm64)$")
  set(NNSEQ_ARCHITECTURE NEON)
  list(APPEND NNSEQ_ISAS neon)
endif()
set(flags_scalar "")
set(flags_neon "")  # every AArch64 has it
set(flags_avx2 -mavx2 -mfma)
set(flags_avx512 -mavx512f -mavx512bw -mavx512vl -mavx512dq -mfma
                 -mprefer-vector-width=512)

# Compilers take minutes for each of these files otherwise. Of two options the last one counts, so
# this is linked after the flags of all code.
add_library(nnseq_isa_flags INTERFACE)
if(NNSEQ_SANITIZE MATCHES undefined)
  target_compile_options(nnseq_isa_flags INTERFACE -fno-sanitize=undefined
                                                   -fno-sanitize-address-use-after-scope)
endif()

set(NNSEQ_ISA_OBJECTS "")
foreach(isa IN LISTS NNSEQ_ISAS)
  if(isa_sources)
    add_library(nnseq_isa_${isa} OBJECT ${isa_sources})
    target_link_libraries(nnseq_isa_${isa} PRIVATE nnseq_flags nnseq_isa_flags)
    target_include_directories(nnseq_isa_${isa} PRIVATE csrc csrc/include)
    target_compile_definitions(nnseq_isa_${isa} PRIVATE NNSEQ_ISA_NS=${isa})
    target_compile_options(nnseq_isa_${isa} PRIVATE ${flags_${isa}})
    list(APPEND NNSEQ_ISA_OBJECTS $<TARGET_OBJECTS:nnseq_isa_${isa}>)
  endif()
endforeach()
