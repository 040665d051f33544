#!/bin/sh
exec echo "quickstart $APP_VERSION: $*"
