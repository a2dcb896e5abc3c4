"""HAProxy, Redis, PostgreSQL and an S3 store under the names that compose.scale.yml gives: Debian's packages, and moto."""

SERVICES = {
    "haproxy:3.0-alpine": "haproxy",
    "redis:7-alpine": "redis",
    "postgres:16-alpine": "postgres",
    "minio/minio:RELEASE.2025-04-22T22-12-26Z": "s3",
}
"""{image: its stage of the Dockerfile}"""
DOCKERFILE = r"""FROM micro-models-debian AS haproxy
RUN apt-get update && apt-get install -y --no-install-recommends haproxy
CMD ["haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]

FROM micro-models-debian AS redis
RUN apt-get update && apt-get install -y --no-install-recommends redis-server
# The image of the registry listens to all, as this does.
ENTRYPOINT ["sh", "-c", "exec \"$@\" --protected-mode no --bind 0.0.0.0", "redis"]

FROM micro-models-debian AS postgres
RUN apt-get update && apt-get install -y --no-install-recommends postgresql
ENV PATH=/usr/lib/postgresql/15/bin:$PATH PGDATA=/var/lib/postgresql/data
COPY postgres.sh /postgres.sh
ENTRYPOINT ["sh", "/postgres.sh"]

FROM python:3.12-slim AS s3
RUN python3 -m venv /opt/moto && /opt/moto/bin/pip install --no-cache-dir 'moto[server]=={moto}'
# `s3` is the store's name here, not that of a bucket.
ENV S3_IGNORE_SUBDOMAIN_BUCKETNAME=true
# What the compose file gives minio on its command line means nothing to moto.
ENTRYPOINT ["sh", "-c", "exec /opt/moto/bin/moto_server -H 0.0.0.0 -p 9000"]
"""
POSTGRES = """set -e
as_postgres="setpriv --reuid=postgres --regid=postgres --init-groups"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    install -d -o postgres -g postgres -m 700 "$PGDATA"
    echo "$POSTGRES_PASSWORD" >/tmp/password
    chown postgres /tmp/password
    $as_postgres initdb -D "$PGDATA" -U postgres -E UTF8 --locale=C.UTF-8 -A scram-sha-256 --pwfile=/tmp/password
    echo "CREATE DATABASE $POSTGRES_DB" | $as_postgres postgres --single -D "$PGDATA" postgres
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    sed -i 's/^local .*/local all all trust/' "$PGDATA/pg_hba.conf"
fi
exec $as_postgres postgres -D "$PGDATA" -c listen_addresses='*'
"""
