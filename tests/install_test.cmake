# Installs into a folder of its own, then configures, builds and runs tests/consumer against it.
# Run with -DBUILD=<build folder> -DSOURCE=<source folder> -DPREFIX_PATH=<CMAKE_PREFIX_PATH of the build>.

set(prefix "${BUILD}/install-test/prefix")
set(consumer "${BUILD}/install-test/consumer")
file(REMOVE_RECURSE "${BUILD}/install-test")

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "failed: ${ARGN}\n${output}")
  endif()
endfunction()

run("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${prefix}")
run("${CMAKE_COMMAND}" -G Ninja -S "${SOURCE}/tests/consumer" -B "${consumer}"
    "-DCMAKE_PREFIX_PATH=${prefix};${PREFIX_PATH}" -DCMAKE_BUILD_TYPE=Debug)
run("${CMAKE_COMMAND}" --build "${consumer}")
run("${consumer}/consumer")
run("${consumer}/c_consumer")
run("${consumer}/c_consumer_by_pkg_config")
run("${prefix}/bin/iddpm" --version)

# What lies beside: documentation of the program, the Python module.
foreach(file share/man/man1/iddpm.1 share/man/man1/iddpm-sample.1 share/bash-completion/completions/iddpm
             share/zsh/vendor-completions/_iddpm share/fish/vendor_completions.d/iddpm.fish
             lib/python3/dist-packages/iddpm/py.typed)
  if(NOT EXISTS "${prefix}/${file}")
    message(FATAL_ERROR "${file} is not installed")
  endif()
endforeach()
