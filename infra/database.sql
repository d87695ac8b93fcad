-- The bot's role in the database: it may connect to its own database and make its tables there, and is
-- no administrator. Run once by the Entra administrator of the server, with psql 16 or newer; running it
-- again changes nothing. docs/setup.md says how.
--
--   psql "host=HOST dbname=postgres user=ADMINISTRATOR sslmode=verify-full sslrootcert=system" \
--        -v role=id-secondkey -v object_id=PRINCIPAL_ID -v database=secondkey -f infra/database.sql
\set ON_ERROR_STOP on

-- By object id, since display names are not unique in a tenant.
SELECT format('SELECT pg_catalog.pgaadauth_create_principal_with_oid(%L, %L, %L, false, false)',
              :'role', :'object_id', 'service')
 WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = :'role')
\gexec

REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO :"role";

\connect :"database"
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO :"role";
