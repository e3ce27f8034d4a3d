# What the library links to. A user may point CMAKE_PREFIX_PATH at any LibTorch, CUDA builds included.
# Shared with the installed package configuration, so that both find the same things.

# Debian's Torch configuration asks for CMake policies older than ours; its messages are not ours either.
find_package(Torch REQUIRED QUIET)
find_package(OneDNN REQUIRED)
find_package(hwy REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PNG REQUIRED)
find_package(JPEG REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(TIFF 4.5 REQUIRED)
find_package(GIF 5 REQUIRED)
# Optional: without it, 'iddpm export --to onnx' refuses.
find_path(IDDPM_ONNX_INCLUDE onnx/onnx_pb.h)
find_library(IDDPM_ONNX_LIBRARY onnx_proto)
find_library(IDDPM_PROTOBUF_LIBRARY protobuf)
mark_as_advanced(IDDPM_ONNX_INCLUDE IDDPM_ONNX_LIBRARY IDDPM_PROTOBUF_LIBRARY)
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(PkgConfig REQUIRED)
pkg_check_modules(libzip REQUIRED IMPORTED_TARGET libzip)
pkg_check_modules(webp REQUIRED IMPORTED_TARGET libwebp)
pkg_check_modules(webpmux REQUIRED IMPORTED_TARGET libwebpmux)
pkg_check_modules(pangocairo REQUIRED IMPORTED_TARGET pangocairo cairo)
# -pthread, which only linking needs, would shut out the precompiled header.
set_target_properties(PkgConfig::pangocairo PROPERTIES INTERFACE_COMPILE_OPTIONS "")
