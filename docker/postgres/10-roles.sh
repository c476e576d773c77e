#!/bin/sh
# Run once, by PostgreSQL's image, when the database is empty: the schema's owner, the role the product
# runs as, and the database. Passwords come from secret files and appear in no command line.
set -eu

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username postgres --dbname postgres <<'SQL'
\set owner `cat /run/secrets/postgres_owner_password`
\set runtime `cat /run/secrets/postgres_runtime_password`
CREATE ROLE ai_trader_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'owner';
CREATE ROLE ai_trader LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    PASSWORD :'runtime';
CREATE DATABASE ai_trader OWNER ai_trader_owner;
REVOKE ALL ON DATABASE ai_trader FROM PUBLIC;
GRANT CONNECT ON DATABASE ai_trader TO ai_trader;
\connect ai_trader
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO ai_trader;
SQL
