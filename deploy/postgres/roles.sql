-- Roles and schemas, two login roles a service: <service> serves and reads and writes rows, <service>_owner owns the
-- schema <service> and changes it. Closed to each other's and to everybody else.
--
-- Run as a superuser, connected to the database `gatehouse`; safe to run again, and on data of the time when
-- <service> owned its schema. The services come as the setting gatehouse.services, with commas between, and the
-- passwords as the settings gatehouse.<role>_password, so that the same file
-- serves psql (PGOPTIONS="-c gatehouse.users_password=...") and any driver (startup parameters), and no password
-- stands in a file or on a command line.
DO $roles$
DECLARE
    service text;
    owner text;
    role text;
    password text;
    relation regclass;
BEGIN
    -- Two runs at the same time would both see a role missing.
    PERFORM pg_advisory_xact_lock(hashtext('gatehouse roles'));

    IF nullif(current_setting('gatehouse.services', true), '') IS NULL THEN
        RAISE EXCEPTION 'gatehouse.services is not set: the names of the services with commas between';
    END IF;
    FOREACH service IN ARRAY string_to_array(current_setting('gatehouse.services'), ',') LOOP
        owner := service || '_owner';

        FOREACH role IN ARRAY ARRAY[service, owner] LOOP
            password := nullif(current_setting('gatehouse.' || role || '_password', true), '');
            IF password IS NULL THEN
                RAISE EXCEPTION 'gatehouse.%_password is not set', role;
            END IF;
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
                EXECUTE format('CREATE ROLE %I LOGIN', role);
            END IF;
            EXECUTE format(
                'ALTER ROLE %I WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT PASSWORD %L',
                role, password
            );
            EXECUTE format('ALTER ROLE %I SET search_path = %I', role, service);
            EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), role);
        END LOOP;

        -- Bounds of a session that sets none of its own; the services' pools set narrower ones.
        EXECUTE format('ALTER ROLE %I SET statement_timeout = ''60s''', service);
        EXECUTE format('ALTER ROLE %I SET idle_in_transaction_session_timeout = ''60s''', service);
        -- TEMPORARY: imports are staged in temporary tables.
        EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO %I', current_database(), service);

        -- AUTHORIZATION gives the owner everything and, by default, everybody else nothing.
        EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I AUTHORIZATION %I', service, owner);
        IF EXISTS (
            SELECT FROM pg_namespace WHERE nspname = service AND pg_get_userbyid(nspowner) <> owner
        ) THEN
            -- Of the time before there was an owner: the schema and all that is in it.
            EXECUTE format('REASSIGN OWNED BY %I TO %I', service, owner);
            EXECUTE format('ALTER SCHEMA %I OWNER TO %I', service, owner);
        END IF;
        EXECUTE format('REVOKE ALL ON SCHEMA %I FROM PUBLIC, %I', service, service);
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', service, service);

        -- What the owner makes from now on, the moment it is there. Less than this: privileges.toml of the migrations.
        EXECUTE format(
            'ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %I',
            owner, service, service
        );
        EXECUTE format(
            'ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT USAGE, SELECT ON SEQUENCES TO %I',
            owner, service, service
        );
        -- And what is there, unless it was narrowed.
        FOR relation IN
            SELECT oid FROM pg_class
            WHERE relnamespace = service::regnamespace AND relkind IN ('r', 'p', 'v')
              AND NOT has_table_privilege(service, oid, 'SELECT')
        LOOP
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE %s TO %I', relation, service);
        END LOOP;
        EXECUTE format('GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA %I TO %I', service, service);
    END LOOP;

    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    REVOKE ALL ON SCHEMA public FROM PUBLIC;
END
$roles$;
