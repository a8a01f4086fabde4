# The controller and feedctl. Build with `npm run images`.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# Where packages come from is the builder's affair: an npmrc and a CA bundle arrive as secrets, and no layer keeps them.
# What the controller does not call is left out, and the `node` package, for the image has its own.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca \
    npm uninstall --package-lock-only --no-audit --no-fund --no-update-notifier --cache /tmp/npm \
      node @kubernetes/client-node chinese-days csv-parse \
    && npm ci --omit=dev --ignore-scripts --no-audit --no-fund --no-update-notifier --cache /tmp/npm \
    && find node_modules \( -name '*.d.ts' -o -name '*.map' \) -delete \
    && rm -rf /tmp/npm

FROM node:24-bookworm-slim
RUN groupadd --gid 10001 feedplane \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin feedplane \
    && install -d -o feedplane -g feedplane -m 0700 /var/lib/feedplane
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
# Compose converges a Stack.
COPY --from=docker:27.5-cli /usr/local/bin/docker /usr/local/bin/docker
COPY --from=docker:27.5-cli /usr/local/libexec/docker/cli-plugins/docker-compose /usr/local/libexec/docker/cli-plugins/docker-compose
COPY package.json ./
COPY compose/health compose/feedctl /usr/local/bin/
COPY crds crds
COPY feed/client feed/client
COPY examples/data examples/data
COPY controller controller
# On all addresses of the container: what of it is published is said at its start. The port only answers questions.
ENV NODE_ENV=production FEEDPLANE_MANIFESTS=/manifests FEEDPLANE_LISTEN=0.0.0.0:9181
ARG VERSION=dev
LABEL org.opencontainers.image.title="feedplane-controller" \
      org.opencontainers.image.description="Converges market-data feeds to their declared state; holds feedctl" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"
USER 10001:10001
VOLUME /var/lib/feedplane
EXPOSE 9181
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 CMD ["health", "9181"]
ENTRYPOINT ["node", "controller/main.ts"]
