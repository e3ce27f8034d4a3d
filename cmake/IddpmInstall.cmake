# An installed copy, in five parts: the program, the C interface's library, what compiles against it, the C++ library,
# and the Python module. Package configurations for find_package(iddpm) and pkg-config.

include(CMakePackageConfigHelpers)

get_property(IDDPM_LAYERS GLOBAL PROPERTY IDDPM_LAYERS)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/iddpm")

# The program, with its manual pages and completions.
if(TARGET iddpm_program)
  install(TARGETS iddpm_program RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT program)
  install(DIRECTORY "${IDDPM_DOCUMENTATION}/man1" DESTINATION "${CMAKE_INSTALL_MANDIR}" COMPONENT program)
  install(FILES "${IDDPM_DOCUMENTATION}/completion.bash" RENAME iddpm
          DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" COMPONENT program)
  install(FILES "${IDDPM_DOCUMENTATION}/completion.zsh" RENAME _iddpm
          DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions" COMPONENT program)
  install(FILES "${IDDPM_DOCUMENTATION}/completion.fish" RENAME iddpm.fish
          DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d" COMPONENT program)
endif()

# The C interface: what runs, and what compiles.
install(TARGETS iddpm_c EXPORT iddpmTargets
        LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT library NAMELINK_COMPONENT development)
install(FILES "${PROJECT_SOURCE_DIR}/capi/iddpm_c.h" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development)
file(RELATIVE_PATH prefix_from_pkgconfig "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
configure_file("${PROJECT_SOURCE_DIR}/cmake/iddpm.pc.in" "${CMAKE_BINARY_DIR}/iddpm.pc" @ONLY)
install(FILES "${CMAKE_BINARY_DIR}/iddpm.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT development)

# The C++ library: static, a library for each layer.
install(TARGETS iddpm iddpm_torch ${IDDPM_LAYERS} EXPORT iddpmTargets
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT cpp)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/iddpm" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT cpp
        FILES_MATCHING PATTERN "*.h")
install(EXPORT iddpmTargets NAMESPACE iddpm:: DESTINATION "${package_dir}" COMPONENT cpp)
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/iddpmConfig.cmake.in" "${CMAKE_BINARY_DIR}/iddpmConfig.cmake"
                              INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${CMAKE_BINARY_DIR}/iddpmConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/iddpmConfig.cmake" "${CMAKE_BINARY_DIR}/iddpmConfigVersion.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/IddpmDependencies.cmake" "${PROJECT_SOURCE_DIR}/cmake/FindOneDNN.cmake"
        DESTINATION "${package_dir}" COMPONENT cpp)

# The Python module, where Debian's Python looks; it finds the library by the loader.
set(IDDPM_PYTHON_DIR "lib/python3/dist-packages" CACHE STRING "Where Python modules go, below the prefix")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/python/iddpm" DESTINATION "${IDDPM_PYTHON_DIR}" COMPONENT python
        FILES_MATCHING PATTERN "*.py" PATTERN "py.typed")
