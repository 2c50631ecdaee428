# The service alone: one static binary, no shell, not root. The embedded
# ClickHouse is left out (it needs libc); give the addresses of Kafka and
# ClickHouse in the environment, as compose.yaml does.
FROM golang:1.26.8 AS build
WORKDIR /src
# By themselves, so that a change of the code does not fetch them again.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -tags noembed -trimpath -buildvcs=false -ldflags="-s -w" -o /out/clickstream . \
    && mkdir -p /out/var/lib/clickstream

FROM scratch
# To check certificates, and for the shop's time zone.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /usr/local/go/lib/time/zoneinfo.zip /usr/local/go/lib/time/
ENV ZONEINFO=/usr/local/go/lib/time/zoneinfo.zip
COPY --from=build /out/clickstream /clickstream
# A volume mounted here belongs to the user below from its first use on.
COPY --from=build --chown=65532:65532 /out/var/lib/clickstream /var/lib/clickstream
WORKDIR /var/lib/clickstream
USER 65532:65532
EXPOSE 8080
# It exits with 1 when an engine, a role or a job is unwell.
HEALTHCHECK --interval=30s --timeout=15s --start-period=60s CMD ["/clickstream", "status"]
ENTRYPOINT ["/clickstream"]
CMD ["serve"]
