#!/usr/bin/env bash
# Builds the image without a container engine and without a registry of images: with Debian's buildah, and with a base of
# debootstrap and npm's package of Node in the place of the image that the Dockerfile names. Where there is an engine,
# `docker build .` does.
#
#   deploy/image/build.sh [FILE]      FILE: the image as an archive for `docker load` (default: dist/outrigger-image.tar)
#
# Needs root, npm, and the Debian packages buildah and debootstrap. Registries and certificates are those that apt and npm
# of this machine use. What it makes on the way lies in one temporary folder, which it removes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

archive=$(realpath -m "${1:-dist/outrigger-image.tar}")
reference=$(sed -n 's/^ARG NODE_IMAGE=//p' Dockerfile)
node_version=$(sed -n 's/^node:\([0-9.]*\)-.*/\1/p' <<<"$reference")
suite=$(sed -n 's/^node:[0-9.]*-\([a-z]*\)-slim$/\1/p' <<<"$reference")
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)
revision=$(git rev-parse HEAD)
# The commit's time, so that the same commit makes the same image.
epoch=$(git log -1 --format=%ct)
case $(uname -m) in
  x86_64) architecture=x64 ;;
  aarch64) architecture=arm64 ;;
  *) echo "build.sh: there is no package of Node for $(uname -m)" >&2 && exit 1 ;;
esac

work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
# What an engine's configuration on this machine says is of no interest.
storage=(--storage-driver vfs --root "$work/storage" --runroot "$work/run")
step() { echo "== $1 ($SECONDS s)"; }

step "debootstrap: $suite"
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | head -n 1)
# libatomic1: what the Node of the official image needs, and has.
debootstrap --variant=minbase --include=libstdc++6,libatomic1 "$suite" "$work/base" "$mirror" >"$work/debootstrap.log" ||
  { tail -n 20 "$work/debootstrap.log" >&2 && exit 1; }
rm -rf "$work"/base/var/cache/apt/archives/* "$work"/base/var/lib/apt/lists/*

step "Node $node_version and npm"
(cd "$work" && npm pack --silent "node-linux-$architecture@$node_version" "npm@$(npm --version)" >/dev/null)
tar -xzf "$work"/node-linux-*.tgz -C "$work/base/usr/local" --strip-components=1 --no-same-owner package/bin package/LICENSE
mkdir -p "$work/base/usr/local/lib/node_modules/npm"
tar -xzf "$work"/npm-*.tgz -C "$work/base/usr/local/lib/node_modules/npm" --strip-components=1 --no-same-owner
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$work/base/usr/local/bin/npm"

step "the base image, under the name $reference"
base=$(buildah "${storage[@]}" from scratch)
buildah "${storage[@]}" copy --quiet "$base" "$work/base" / >/dev/null
buildah "${storage[@]}" config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$base"
buildah "${storage[@]}" commit --quiet --rm "$base" "docker.io/library/$reference" >/dev/null
rm -rf --one-file-system "$work/base"

# npm's own configuration of this machine, whatever files it is spread over, for the time of one line of the Dockerfile.
step "the image"
{
  echo "registry=$(npm config get registry)"
  echo "cafile=/run/secrets/ca"
  cat "$(npm config get userconfig)" 2>/dev/null || true
} >"$work/npmrc"
certificates=${NODE_EXTRA_CA_CERTS:-$(npm config get cafile)}
[[ -r $certificates ]] || certificates=/etc/ssl/certs/ca-certificates.crt
# Docker's format, since OCI's own knows no HEALTHCHECK.
buildah "${storage[@]}" build --quiet --pull-never --isolation chroot --format docker --identity-label=false --timestamp "$epoch" \
  --secret "id=npmrc,src=$work/npmrc" --secret "id=ca,src=$certificates" \
  --build-arg "VERSION=$version" --build-arg "REVISION=$revision" \
  --build-arg "CREATED=$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)" \
  --tag "outrigger:$version" . >"$work/build.log" 2>&1 || { tail -n 30 "$work/build.log" >&2 && exit 1; }

mkdir -p "$(dirname "$archive")"
rm -f "$archive"
buildah "${storage[@]}" push --quiet "outrigger:$version" "docker-archive:$archive:outrigger:$version" >/dev/null
step "$archive"
