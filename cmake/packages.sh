#!/usr/bin/env bash
# Installs the Debian packages that building dcs needs, and those named as arguments, where they are missing. Nothing happens on a machine that has them.
packages="g++ cmake make doctest-dev libpng-dev libjpeg62-turbo-dev libtiff-dev libhdf5-dev libdcmtk-dev libcli11-dev nlohmann-json3-dev libeigen3-dev libxtensor-dev libopenmpi-dev openmpi-bin $*"
missing=""
for p in $packages; do dpkg -s "$p" >/dev/null 2>&1 || missing="$missing $p"; done
if [ -n "$missing" ]; then
  sudo=""
  [ "$(id -u)" = 0 ] || sudo="sudo"
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq $missing
fi
