# What the official image does at its start, as far as compose.yaml counts on it.
set -eu
data=/var/lib/postgresql/data
if [ ! -s "$data/PG_VERSION" ]; then
    initdb --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" --auth=scram-sha-256 --encoding=UTF8 \
        --no-locale --no-instructions --pgdata="$data" >/dev/null
    echo "host all all all scram-sha-256" >> "$data/pg_hba.conf"
    # Nobody comes in by the network before the database is there.
    printf 'CREATE DATABASE "%s";\n' "$POSTGRES_DB" |
        postgres --single -D "$data" postgres >/dev/null
fi
exec postgres -D "$data" -c listen_addresses='*'
