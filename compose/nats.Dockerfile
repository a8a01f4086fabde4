# NATS as a user of its own: the public image runs as root and has no folder that another user could keep a stream in.
FROM nats:2.10.27-alpine
RUN mkdir -m 0700 /data && chown 10001:10001 /data
ARG VERSION=dev
LABEL org.opencontainers.image.title="feedplane-nats" \
      org.opencontainers.image.description="NATS with JetStream, not as root" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"
USER 10001:10001
VOLUME /data
EXPOSE 4222
STOPSIGNAL SIGTERM
# On by `http: 127.0.0.1:8222` in compose/nats/nats-server.conf.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8222/healthz"]
ENTRYPOINT ["nats-server"]
CMD ["--config", "/etc/nats/nats-server.conf"]
