# The feed: supervisor, sessions, simulator and sample data. Build with `npm run images`.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# Where packages come from is the builder's affair: an npmrc and a CA bundle arrive as secrets, and no layer keeps them.
# What the feed does not call is left out, and the `node` package, for the image has its own.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca \
    npm uninstall --package-lock-only --no-audit --no-fund --no-update-notifier --cache /tmp/npm \
      node @kubernetes/client-node chokidar commander dockerode fastify tar-stream \
    && npm ci --omit=dev --ignore-scripts --no-audit --no-fund --no-update-notifier --cache /tmp/npm \
    && find node_modules \( -name '*.d.ts' -o -name '*.map' \) -delete \
    && rm -rf /tmp/npm
# The CTP binding comes from where its owner keeps it: a package name with version, or the URL of a tarball. It compiles when it is
# installed, so the compiler comes with it, and stays in this stage.
ARG NAPI_CTP=
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca \
    if [ -n "$NAPI_CTP" ]; then \
      apt-get update && apt-get install -y --no-install-recommends python3 make g++ \
      && npm install --no-save --omit=dev --no-audit --no-fund --cache /tmp/npm "$NAPI_CTP" \
      && rm -rf /tmp/npm /var/lib/apt/lists/*; fi

FROM node:24-bookworm-slim
RUN groupadd --gid 10001 feedplane \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin feedplane \
    && install -d -o feedplane -g feedplane -m 0700 /var/lib/feedplane
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
COPY compose/health /usr/local/bin/health
COPY examples/data examples/data
COPY crds crds
COPY feed feed
# The exchanges' clock. Node brings its own time zones; the C library of a CTP front reads the system's.
ENV NODE_ENV=production TZ=Asia/Shanghai FEEDPLANE_DATA=/app/examples/data FEEDPLANE_DIRECTORY=/var/lib/feedplane \
    FEEDPLANE_BIND=0.0.0.0
ARG VERSION=dev
LABEL org.opencontainers.image.title="feedplane-feed" \
      org.opencontainers.image.description="Market-data feed: supervisor and one session per account" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"
# What Node has compiled beforehand it need not compile at a start: a standby that is cold, and a handover, come sooner.
ENV NODE_COMPILE_CACHE=/app/compile-cache
RUN node feed/precompile.ts
USER 10001:10001
VOLUME /var/lib/feedplane
EXPOSE 9100
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 CMD ["health", "9100"]
ENTRYPOINT ["node", "feed/main.ts"]
