# What an installation, or a wheel, holds for C and C++: library, headers, CMake package, pkg-config.
include(CMakePackageConfigHelpers)
if(SKBUILD)
  set(package_dir nnseq/cmake)
  set(library_dir nnseq)
  set(targets nnseq)
else()
  set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/nnseq)
  set(library_dir ${CMAKE_INSTALL_LIBDIR})
  set(targets nnseq nnseq_static)
endif()

install(TARGETS ${targets} EXPORT nnseq-targets LIBRARY DESTINATION ${library_dir}
                                                ARCHIVE DESTINATION ${library_dir})
install(DIRECTORY csrc/include/nnseq DESTINATION ${include_dir})
install(EXPORT nnseq-targets NAMESPACE nnseq:: DESTINATION ${package_dir})
configure_package_config_file(cmake/nnseq-config.cmake.in nnseq-config.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(nnseq-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/nnseq-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/nnseq-config-version.cmake DESTINATION ${package_dir})
if(NOT SKBUILD)
  file(RELATIVE_PATH to_prefix /${library_dir}/pkgconfig /)
  configure_file(cmake/nnseq.pc.in nnseq.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/nnseq.pc DESTINATION ${library_dir}/pkgconfig)
endif()
