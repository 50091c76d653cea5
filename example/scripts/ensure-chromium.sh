#!/bin/sh
# Installs Debian's Chromium where the end-to-end tests look for it, unless a
# browser is there already.
set -eu
if [ -x "${CHROMIUM_PATH:-/usr/bin/chromium}" ]; then
  exit 0
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends chromium
