# The program in an image: built on Debian 12, without what only building needs.
#
#   docker build -t iddpm .
#   docker run --rm -v "$PWD/runs:/images/runs" iddpm sample runs/photos --count 16
#
# Never run: the machine that this was written on has no Docker daemon. The packages that it makes and installs are tested
# by scripts/test_packages.sh.
FROM debian:bookworm AS build
WORKDIR /src
COPY scripts/install_dependencies.sh scripts/
RUN scripts/install_dependencies.sh && apt-get install -y --no-install-recommends dpkg-dev && rm -rf /var/lib/apt/lists/*
COPY . .
RUN cmake --preset release -DCMAKE_INSTALL_PREFIX=/usr -DIDDPM_UNITY_BUILD=ON -DIDDPM_BUILD_TESTS=OFF -DIDDPM_BUILD_EXAMPLES=OFF \
    && cmake --build --preset release \
    && cd build/release && cpack -G DEB -B /packages

FROM debian:bookworm-slim
COPY --from=build /packages /packages
RUN apt-get update \
    && apt-get install -y --no-install-recommends /packages/iddpm_*.deb /packages/libiddpm0.1_*.deb /packages/python3-iddpm_*.deb \
    && rm -rf /var/lib/apt/lists/* /packages
WORKDIR /images
ENTRYPOINT ["iddpm"]
