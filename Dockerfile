# The image has the program, the authorities' certificates, and nothing else: no shell, no user but a number.
#   make binaries PLATFORMS=linux/amd64 && docker build --build-arg ARCH=amd64 -t yoozak .
FROM debian:12-slim AS certificates
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates

FROM scratch
ARG ARCH=amd64
COPY --from=certificates /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY dist/yoozak-linux-${ARCH} /yoozak
COPY --chown=65532:65532 packaging/image/data /data
USER 65532:65532
WORKDIR /data
VOLUME /data
ENV YOOZAK_LISTEN=:8000
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s CMD ["/yoozak", "healthcheck"]
ENTRYPOINT ["/yoozak"]
CMD ["serve"]
