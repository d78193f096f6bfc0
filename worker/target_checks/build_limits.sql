-- What the session may use for building indexes; sizes in bytes. One row.
--   psql -f build_limits.sql
SELECT pg_catalog.pg_size_bytes(pg_catalog.current_setting('maintenance_work_mem'))
           AS maintenance_work_mem,
       pg_catalog.pg_size_bytes(pg_catalog.current_setting('shared_buffers')) AS shared_buffers,
       pg_catalog.current_setting('temp_file_limit') <> '-1' AS temp_files_are_limited,
       pg_catalog.current_setting('max_parallel_maintenance_workers')
           AS max_parallel_maintenance_workers,
       pg_catalog.current_setting('max_parallel_workers_per_gather')
           AS max_parallel_workers_per_gather,
       pg_catalog.current_setting('max_parallel_workers') AS max_parallel_workers,
       pg_catalog.current_setting('max_worker_processes') AS max_worker_processes
