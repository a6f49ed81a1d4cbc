# The image of Outrigger: what is in it, how to build and run it: deploy/image/README.md.
# The image that builds. Whoever cannot pull it puts one of their own under the name, as deploy/image/build.sh does.
ARG NODE_IMAGE=node:26.10.0-trixie-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json ./
# Which registry, and by which certificates, is the builder's affair. A secret is there during this line, in no layer.
RUN --mount=type=secret,id=npmrc --mount=type=secret,id=ca \
    NPM_CONFIG_USERCONFIG=/run/secrets/npmrc npm ci --ignore-scripts --no-audit --no-fund
COPY . .
# Not `npm run build`: the scripts' path begins with node_modules/.bin, whose Node is not there without install scripts.
RUN node deploy/bundle.ts /outrigger && node deploy/start/code-cache.ts /outrigger && \
    node deploy/image/assemble.ts /outrigger /image

FROM scratch
COPY --from=build /image /
COPY --from=build /outrigger /outrigger

ARG VERSION=0.1.0
ARG REVISION=
ARG CREATED=
LABEL org.opencontainers.image.title="Outrigger" \
      org.opencontainers.image.description="A resilience sidecar: circuit breaking, bulkheads, timeouts and retries for every outbound call" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"

# The file is the embedded default until one is mounted over it. By the variable HEALTHCHECK finds it, too.
ENV OUTRIGGER_CONFIG=/etc/outrigger/outrigger.yaml
# glibc's own default, but written down: then it gives back what the start took, instead of keeping it from then on.
ENV MALLOC_TRIM_THRESHOLD_=131072
ENV NODE_COMPILE_CACHE=/outrigger/cache

USER 65532:65532

# Proxy, admin interface, and the usual port of admin.probes. The first two listen on loopback, for the containers of the
# same pod, until the configuration or OUTRIGGER_EGRESS and OUTRIGGER_ADMIN say otherwise; the third on nothing.
EXPOSE 7400 7401 7402

STOPSIGNAL SIGTERM
# `outrigger health` without the rest of the program: a third of the time, and half of the memory, which it shares.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["/outrigger/node", "--disable-sigusr1", "/outrigger/health.js"]

# A share of the container's limit: V8 by itself takes 256 MiB for its heap where the limit is smaller than that. A small
# young generation: 7 MB less after load than with V8's own 16 MiB, and as fast. One thread for V8 besides our own, not
# four: on a single core they took it away from the requests while everything was compiled at once.
ENTRYPOINT ["/outrigger/node", "--disable-sigusr1", "--max-old-space-size-percentage=30", "--max-semi-space-size=4", "--v8-pool-size=1", "/outrigger/outrigger.js"]
CMD ["run"]
