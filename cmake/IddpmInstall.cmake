# An installed copy: libraries, headers, the program, and a package configuration for find_package(iddpm).

include(CMakePackageConfigHelpers)

get_property(IDDPM_LAYERS GLOBAL PROPERTY IDDPM_LAYERS)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/iddpm")
install(TARGETS iddpm iddpm_torch ${IDDPM_LAYERS} EXPORT iddpmTargets
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
if(TARGET iddpm_program)
  install(TARGETS iddpm_program RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/iddpm" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")
install(EXPORT iddpmTargets NAMESPACE iddpm:: DESTINATION "${package_dir}")
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/iddpmConfig.cmake.in" "${CMAKE_BINARY_DIR}/iddpmConfig.cmake"
                              INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${CMAKE_BINARY_DIR}/iddpmConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/iddpmConfig.cmake" "${CMAKE_BINARY_DIR}/iddpmConfigVersion.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/IddpmDependencies.cmake" "${PROJECT_SOURCE_DIR}/cmake/FindOneDNN.cmake"
        DESTINATION "${package_dir}")
