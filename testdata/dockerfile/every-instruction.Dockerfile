# syntax=docker/dockerfile:1
# check=skip=JSONArgsRecommended

# VERSION is what the whole file is about.
ARG VERSION=1.2 REGISTRY=registry.example/base
ARG FLAVOUR

# base is what the others share.
FROM --platform=$BUILDPLATFORM ${REGISTRY}/debian:${VERSION}${FLAVOUR:+-$FLAVOUR} AS Base
MAINTAINER Somebody Here <somebody@example.org>
LABEL org.example.title="A title" org.example.empty= "quoted key"='$literal'
LABEL legacy one  value
ENV PATH=/opt/bin:$PATH LANG=C.UTF-8
ENV GREETING hello "there"
ARG TARGETARCH
WORKDIR /srv/app data
USER app:app
SHELL ["/bin/bash", "-eo", "pipefail", "-c"]
RUN make -j4 && echo "done # not a comment"
RUN ["/bin/true", "--flag"]
COPY --from=builder --chown=1000:1000 --chmod=u=rwX,go=rX --link out/* README.md ./
COPY --exclude=*.md --exclude=!KEEP.md ["with space", "/to here/"]
ADD --checksum=sha256:00 --unpack=true https://files.example.org/a.tar.gz /a/
ADD --keep-git-dir https://git.example.org/x.git#main:sub /x
EXPOSE 443/tcp 8000-8010 53/udp ${PORT:-80}
VOLUME /data /cache
VOLUME ["/other data"]
STOPSIGNAL SIGQUIT
HEALTHCHECK --interval=1m30s --timeout=10s --start-period=1h --start-interval=500ms --retries=5 \
  CMD curl -f http://localhost/ || exit 1
HEALTHCHECK CMD ["/check", "--fast"]
HEALTHCHECK NONE
ONBUILD COPY . /src
ONBUILD RUN --network=none make /src
ENTRYPOINT ["/entry"]
CMD serve --port 80

FROM base
FROM scratch AS last
CMD ["a"]
ENTRYPOINT []
