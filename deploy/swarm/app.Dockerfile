# An app with its sidecar in the same image: an example, for an app in Python.
#
#   docker build -f app.Dockerfile -t registry.example/shop/web:1 .

# The sidecar's image, as its own Dockerfile builds it; pin it by digest.
ARG OUTRIGGER=outrigger:0.1.0
FROM ${OUTRIGGER} AS outrigger

FROM python:3.14-slim
# The whole program: Node, the libraries that it needs, and the bundle. It needs nothing of the image that it comes to.
COPY --from=outrigger /outrigger /outrigger
COPY app/ /app/

# Whoever it is, not root. App and sidecar are one user.
USER 65532:65532

# CMD is the app as it was before, and what the sidecar runs. The sidecar brings its loader and libraries, whatever this
# image has, and its share of the memory is smaller than in an image of its own.
ENTRYPOINT ["/outrigger/lib/ld.so", "--library-path", "/outrigger/lib", "/outrigger/node", "--disable-sigusr1", "--max-old-space-size-percentage=20", "/outrigger/outrigger.js", "exec", "--"]
CMD ["python3", "/app/main.py"]

HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["/outrigger/lib/ld.so", "--library-path", "/outrigger/lib", "/outrigger/node", "--disable-sigusr1", "/outrigger/outrigger.js", "health"]
