ARG IMAGE=busybox
FROM $IMAGE AS a
FROM a as B.2_x
FROM --platform=linux/arm64/v8 registry.example:5000/x/y:z@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef AS a
COPY --from=B.2_x / /
COPY --from=0 / /
FROM scratch
COPY --from=alpine:3 /etc /etc
RUN --mount=from=a,target=/a true
