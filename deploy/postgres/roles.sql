-- Roles and schemas: one login role and one schema a service, with the same name, closed to the others.
--
-- Run as a superuser, connected to the database `gatehouse`; safe to run again. The passwords come as the
-- settings gatehouse.users_password, gatehouse.orders_password and gatehouse.reports_password, so that the
-- same file serves psql (PGOPTIONS="-c gatehouse.users_password=...") and any driver (startup parameters),
-- and no password stands in a file or on a command line.
DO $roles$
DECLARE
    service text;
    password text;
BEGIN
    -- Two runs at the same time would both see a role missing.
    PERFORM pg_advisory_xact_lock(hashtext('gatehouse roles'));

    FOREACH service IN ARRAY ARRAY['users', 'orders', 'reports'] LOOP
        password := nullif(current_setting('gatehouse.' || service || '_password', true), '');
        IF password IS NULL THEN
            RAISE EXCEPTION 'gatehouse.%_password is not set', service;
        END IF;
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = service) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', service);
        END IF;
        EXECUTE format(
            'ALTER ROLE %I WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT PASSWORD %L',
            service, password
        );
        EXECUTE format('ALTER ROLE %I SET search_path = %I', service, service);
        -- AUTHORIZATION gives the owner everything and, by default, everybody else nothing.
        EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I AUTHORIZATION %I', service, service);
        EXECUTE format('REVOKE ALL ON SCHEMA %I FROM PUBLIC', service);
        -- TEMPORARY: imports are staged in temporary tables.
        EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I', current_database(), service);
    END LOOP;

    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    REVOKE ALL ON SCHEMA public FROM PUBLIC;
END
$roles$;
