# SPDX-License-Identifier: Apache-2.0
#
#   bin/package --platform linux-x64
#   docker build -t eslm .
#   docker run --rm -v "$PWD:/work" eslm train --data book.txt
#
# On a machine with ARM processors, the archive is that of linux-arm64. /work must be writable for the user 1000, or name another:
# docker run --user "$(id -u)".
FROM debian:13-slim
ARG TARGETARCH
RUN useradd --uid 1000 --create-home eslm && mkdir /work && chown eslm /work
COPY target/package/eslm-*-linux-*.tar.gz /tmp/
RUN case ${TARGETARCH:-$(dpkg --print-architecture)} in amd64) platform=linux-x64 ;; *) platform=linux-arm64 ;; esac \
    && mkdir /opt/eslm && tar -xzf /tmp/eslm-*-$platform.tar.gz --strip-components=1 -C /opt/eslm \
    && rm /tmp/eslm-* && ln -s /opt/eslm/bin/eslm /usr/local/bin/eslm
ENV HOME=/tmp LC_ALL=C.UTF-8
USER 1000
WORKDIR /work
ENTRYPOINT ["eslm"]
CMD ["--help"]
