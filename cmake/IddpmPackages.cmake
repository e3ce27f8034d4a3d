# Debian packages, by `cpack` in the build folder: one for each part of the installation. What a package depends on is
# what its binaries link to, as dpkg-shlibdeps finds it; for what is compiled against, the list below.

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "The iddpm authors <iddpm@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL program library development cpp python)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS OFF)

set(iddpm_soversion "${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}")
set(this_library "libiddpm${iddpm_soversion} (= ${PROJECT_VERSION})")

# iddpm_package(COMPONENT PACKAGE DESCRIPTION DEPENDS)
function(iddpm_package component package description depends)
  string(TOUPPER "${component}" key)
  set("CPACK_DEBIAN_${key}_PACKAGE_NAME" "${package}" PARENT_SCOPE)
  set("CPACK_COMPONENT_${key}_DESCRIPTION" "${description}" PARENT_SCOPE)
  set("CPACK_DEBIAN_${key}_PACKAGE_DEPENDS" "${depends}" PARENT_SCOPE)
  install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" RENAME copyright
          DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/${package}" COMPONENT ${component})
endfunction()

iddpm_package(program iddpm "Diffusion models of images: the program
 Trains, samples and evaluates diffusion models of images." "")
iddpm_package(library "libiddpm${iddpm_soversion}" "Diffusion models of images: the library for C
 Opens models, draws from them and measures the likelihood of images." "")
iddpm_package(development libiddpm-dev "Diffusion models of images: what compiles against the library for C
 The header iddpm_c.h and pkg-config's iddpm.pc." "${this_library}")
iddpm_package(cpp libiddpm++-dev "Diffusion models of images: the C++ library
 Static libraries, headers and the CMake package iddpm."
 "libiddpm-dev (= ${PROJECT_VERSION}), pkg-config, libtorch-dev, libdnnl-dev, libhwy-dev, libgloo-dev, nlohmann-json3-dev, libfmt-dev, libpng-dev, libjpeg62-turbo-dev, libwebp-dev, libtiff-dev, libgif-dev, zlib1g-dev, libzip-dev, libssl-dev, libpango1.0-dev")
iddpm_package(python python3-iddpm "Diffusion models of images: the Python module
 Draws images into numpy arrays." "python3 (>= 3.9), python3-numpy, ${this_library}")

set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS "fonts-dejavu-core, fonts-droid-fallback")  # of grids and plots
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_CPP_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PYTHON_PACKAGE_SECTION python)
set(CPACK_DEBIAN_PYTHON_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_EXTRA "${PROJECT_SOURCE_DIR}/cmake/prerm")
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)  # and has the loader's cache renewed
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY "=")

include(CPack)
