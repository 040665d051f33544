# syntax=docker/dockerfile:1-labs
FROM scratch AS deps
FROM scratch
RUN --mount=type=bind,from=deps,source=/lib,target=/deps,rw make
RUN --mount=type=cache,id=go-$TARGETARCH,target=/root/.cache,sharing=locked,uid=1000,gid=1000,mode=0755 \
    --mount=type=cache,target=/go/pkg \
    go build
RUN --mount=type=secret,id=token,env=TOKEN,required=true --mount=type=secret,id=npmrc,target=/root/.npmrc,mode=0400 npm ci
RUN --mount=type=ssh,id=default,required git clone git@example.org:x
RUN --mount=type=tmpfs,target=/tmp,size=64m --network=none --security=sandbox true
RUN --mount="type=bind,\"target=/with,comma\"" true
RUN --mount=type=$KIND,target=${DIR:-/x},ro=$RO true
RUN --device=vendor.example/gpu=all,required nvidia-smi
RUN -- --mount=type=cache
