#!/usr/bin/env build
# syntax=docker/dockerfile:1
# escape=` is too late here
# first

# kept over the blank line
FROM scratch
# gone
#
# check=skip=all
RUN a
 # name describes something
ARG name=1
RUN b # c
# left over
