-- The bot's database and its roles: its login, which may connect to that database and is no administrator,
-- and the role that it works as there, which owns the tables. Administrators are members of that one too, so
-- that they can dump and restore what is its. Run by the Entra administrator of the server, with psql 16 or
-- newer; running it again changes nothing. docs/setup.md says how, and what to see.
--
--   psql "host=HOST dbname=postgres user=ADMINISTRATOR sslmode=verify-full sslrootcert=system" \
--        -v role=id-secondkey -v object_id=PRINCIPAL_ID -v database=secondkey -f infra/database.sql
--
-- With -v owner=NAME the owner is called otherwise than secondkey_owner; the database URL says so too.
\set ON_ERROR_STOP on
\if :{?owner}
\else
  \set owner secondkey_owner
\endif

-- By object id, since display names are not unique in a tenant.
SELECT format('SELECT pg_catalog.pgaadauth_create_principal_with_oid(%L, %L, %L, false, false)',
              :'role', :'object_id', 'service')
 WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = :'role')
\gexec
SELECT format('CREATE ROLE %I NOLOGIN', :'owner')
 WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = :'owner')
\gexec

-- The login has nothing of the owner's until it says SET ROLE: a bot that is not told to would make tables
-- that are its own, and that no administrator can dump.
SELECT current_setting('server_version_num')::int >= 160000 AS by_grant \gset
\if :by_grant
  GRANT :"owner" TO :"role" WITH INHERIT FALSE, SET TRUE;
\else
  ALTER ROLE :"role" NOINHERIT;
  GRANT :"owner" TO :"role";
\endif
GRANT :"owner" TO CURRENT_USER;

-- Made here and not by Resource Manager, which may give it to a role that nobody can be.
SELECT format('CREATE DATABASE %I', :'database')
 WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = :'database')
\gexec
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO :"role";

\connect :"database"
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO :"owner";

-- What may not be granted is a warning to PostgreSQL. Here it is an error.
SELECT set_config('secondkey.role', :'role', false), set_config('secondkey.owner', :'owner', false),
       set_config('secondkey.object_id', :'object_id', false)
\g (format=unaligned tuples_only=on) /dev/null
DO $$
DECLARE
    login text := current_setting('secondkey.role');
    owner text := current_setting('secondkey.owner');
    here text := current_database();
    holder text := (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = here);
    principal text := lower(current_setting('secondkey.object_id'));
    label text;
    stray record;
BEGIN
    BEGIN -- whose tokens the login takes is in a label, where Azure lets us see it
        SELECT l.label INTO label FROM pg_shseclabel l JOIN pg_roles r ON r.oid = l.objoid
         WHERE l.provider = 'pgaadauth' AND r.rolname = login;
    EXCEPTION WHEN insufficient_privilege THEN NULL;
    END;
    IF lower(label) NOT LIKE '%' || principal || '%' THEN
        RAISE EXCEPTION 'Login "%" is there already, and is another principal''s: %.', login, label
              USING HINT = format('If that one is gone: SECURITY LABEL FOR pgaadauth ON ROLE %I IS %L;',
                                  login, 'aadauth,oid=' || principal || ',type=service');
    END IF;
    IF has_database_privilege('public', here, 'CONNECT')
       OR NOT has_database_privilege(login, here, 'CONNECT')
       OR has_schema_privilege('public', 'public', 'USAGE')
       OR NOT has_schema_privilege(owner, 'public', 'USAGE')
       OR NOT has_schema_privilege(owner, 'public', 'CREATE') THEN
        RAISE EXCEPTION 'Nothing could be granted: database "%" belongs to "%", and you are "%".', here, holder, current_user
              USING HINT = 'If nothing is in it, delete it as whoever made it (on Azure: az postgres flexible-server db '
                           'delete), and run this again: it makes a database of its own. Otherwise run it as its owner.';
    END IF;
    IF NOT pg_has_role(login, owner, 'MEMBER') OR NOT pg_has_role(current_user, owner, 'MEMBER') THEN
        RAISE EXCEPTION 'Not both "%" and "%" are members of "%".', login, current_user, owner;
    END IF;
    SELECT c.relname, pg_get_userbyid(c.relowner) AS holder INTO stray
      FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND pg_get_userbyid(c.relowner) <> owner
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Table "%" belongs to "%" and not to "%".', stray.relname, stray.holder, owner
              USING HINT = format('As a member of both, in this database: REASSIGN OWNED BY %I TO %I;', stray.holder, owner);
    END IF;
END $$;
SELECT format('Ready: %I works in %I as %I.', :'role', :'database', :'owner') AS "Second Key"
\g (format=unaligned tuples_only=on)
