-- What needs what: edges between the nodes that README.md names, of objects that users made.
-- $1 = oids of the cloned schemas; not looked at, as who reads this passes over what is no node.
-- psql 16+: (echo "\bind '{2200}'"; cat dependencies.sql) | psql "$SOURCE"
--
-- pg_depend knows more objects than there are nodes, so both ends of its rows are mapped to the
-- node that they belong to. The FULL JOINs mean LEFT JOIN, as the WHERE clauses under them say, but
-- in a way that the planner does not see through: a FULL JOIN is never done by nested loops, which
-- it chooses with the stale statistics of catalogs that grew a minute ago, and which would take
-- hours with 10,000 tables.
WITH RECURSIVE multirange (oid, range) AS (
    SELECT m.oid, r.rngtypid
    FROM pg_catalog.pg_range r
    CROSS JOIN LATERAL (
        SELECT (pg_catalog.to_jsonb(r)->>'rngmultitypid')::pg_catalog.oid AS oid) m
    WHERE m.oid IS NOT NULL
), part (classid, objid, whole_classid, whole_objid) AS (
    -- row types of relations, array types, multiranges
    SELECT t.tableoid, t.oid, coalesce(c.tableoid, t.tableoid), coalesce(c.oid, m.range, e.oid)
    FROM pg_catalog.pg_type t
    LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND e.typarray = t.oid
    LEFT JOIN pg_catalog.pg_class c ON c.oid = coalesce(e.typrelid, t.typrelid) AND c.relkind <> 'c'
    LEFT JOIN multirange m ON m.oid = coalesce(e.oid, t.oid)
    WHERE t.oid >= 16384 AND coalesce(c.oid, m.range, e.oid) IS NOT NULL
    UNION ALL
    -- the relation behind a composite type
    SELECT c.tableoid, c.oid, 'pg_catalog.pg_type'::pg_catalog.regclass, c.reltype
    FROM pg_catalog.pg_class c
    WHERE c.oid >= 16384 AND c.relkind = 'c'
    UNION ALL
    SELECT con.tableoid, con.oid,
           CASE WHEN con.conrelid <> 0 THEN 'pg_catalog.pg_class'::pg_catalog.regclass
                ELSE 'pg_catalog.pg_type'::pg_catalog.regclass END,
           CASE WHEN con.conrelid <> 0 THEN con.conrelid ELSE con.contypid END
    FROM pg_catalog.pg_constraint con
    WHERE con.contype = 'n' AND con.oid >= 16384
    UNION ALL
    SELECT d.tableoid, d.oid, 'pg_catalog.pg_class'::pg_catalog.regclass, d.adrelid
    FROM pg_catalog.pg_attrdef d
    JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    WHERE a.atthasdef AND coalesce(pg_catalog.to_jsonb(a)->>'attgenerated', '') <> ''
    UNION ALL
    SELECT r.tableoid, r.oid, 'pg_catalog.pg_class'::pg_catalog.regclass, r.ev_class
    FROM pg_catalog.pg_rewrite r
    WHERE r.oid >= 16384 AND r.rulename = '_RETURN' AND r.ev_type = '1'
    UNION ALL
    -- indexes of constraints, identity sequences, internal triggers, constructors of ranges,
    -- members of operator classes
    SELECT dep.classid, dep.objid, dep.refclassid, coalesce(m.range, dep.refobjid)
    FROM pg_catalog.pg_depend dep
    LEFT JOIN multirange m ON m.oid = dep.refobjid
                          AND dep.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
    WHERE dep.deptype = 'i' AND dep.objid >= 16384
      -- a table hangs on columns of its own partition key
      AND dep.objid <> dep.refobjid
      AND (dep.classid, dep.refclassid) IN (
          ('pg_catalog.pg_class'::pg_catalog.regclass,
           'pg_catalog.pg_constraint'::pg_catalog.regclass),
          ('pg_catalog.pg_class'::pg_catalog.regclass,
           'pg_catalog.pg_class'::pg_catalog.regclass),
          ('pg_catalog.pg_trigger'::pg_catalog.regclass,
           'pg_catalog.pg_constraint'::pg_catalog.regclass),
          ('pg_catalog.pg_proc'::pg_catalog.regclass,
           'pg_catalog.pg_type'::pg_catalog.regclass),
          ('pg_catalog.pg_amop'::pg_catalog.regclass,
           'pg_catalog.pg_opclass'::pg_catalog.regclass),
          ('pg_catalog.pg_amproc'::pg_catalog.regclass,
           'pg_catalog.pg_opclass'::pg_catalog.regclass))
    UNION ALL
    -- members of operator families that belong to no class
    SELECT dep.classid, dep.objid, dep.refclassid, dep.refobjid
    FROM pg_catalog.pg_depend dep
    WHERE dep.deptype = 'a' AND dep.objid >= 16384
      AND dep.classid IN ('pg_catalog.pg_amop'::pg_catalog.regclass,
                          'pg_catalog.pg_amproc'::pg_catalog.regclass)
      AND dep.refclassid = 'pg_catalog.pg_opfamily'::pg_catalog.regclass
), member (classid, objid, extension) AS (
    SELECT dep.classid, dep.objid, dep.refobjid
    FROM pg_catalog.pg_depend dep
    WHERE dep.deptype = 'e'
      AND dep.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
), brought (classid, objid, extension) AS (
    -- with what their tables and domains have, and what would be nodes if these were no members
    SELECT member.classid, member.objid, member.extension FROM member
    UNION ALL
    SELECT con.tableoid, con.oid, m.extension
    FROM member m
    JOIN pg_catalog.pg_constraint con ON con.conrelid = m.objid
    WHERE m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    UNION ALL
    SELECT con.tableoid, con.oid, m.extension
    FROM member m
    JOIN pg_catalog.pg_constraint con ON con.contypid = m.objid
    WHERE m.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
    UNION ALL
    SELECT m.classid, i.indexrelid, m.extension
    FROM member m
    JOIN pg_catalog.pg_index i ON i.indrelid = m.objid
    WHERE m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
), dependency (classid, objid, refclassid, refobjid) AS (
    SELECT dep.classid, dep.objid, dep.refclassid, dep.refobjid
    FROM pg_catalog.pg_depend dep
    LEFT JOIN pg_catalog.pg_index i
           ON dep.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
          AND i.indexrelid = dep.refobjid
    WHERE dep.objid >= 16384 AND dep.refobjid >= 16384 AND dep.deptype <> 'e'
      -- what hangs on its counterpart in the parent's table (I: 11 and 12): made by itself, and
      -- attached
      AND NOT (dep.deptype IN ('P', 'I') AND dep.classid = dep.refclassid
               AND (i.indexrelid IS NOT NULL
                    OR dep.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass))
), own_node (classid, objid, refclassid, refobjid, of_shell) AS (
    SELECT coalesce(own.whole_classid, dep.classid), coalesce(own.whole_objid, dep.objid),
           dep.refclassid, dep.refobjid,
           -- the shell of a view has its columns and no more
           dep.classid <> 'pg_catalog.pg_rewrite'::pg_catalog.regclass OR own.objid IS NULL
    FROM dependency dep
    FULL JOIN part own ON own.classid = dep.classid AND own.objid = dep.objid
    WHERE coalesce(dep.objid, 0) <> 0
), both_nodes (classid, objid, refclassid, refobjid, of_shell) AS (
    SELECT dep.classid, dep.objid,
           coalesce(ref.whole_classid, dep.refclassid), coalesce(ref.whole_objid, dep.refobjid),
           dep.of_shell
    FROM own_node dep
    FULL JOIN part ref ON ref.classid = dep.refclassid AND ref.objid = dep.refobjid
    WHERE coalesce(dep.objid, 0) <> 0
), not_of_members (classid, objid, refclassid, refobjid, of_shell) AS (
    -- what an extension is made of needs nothing by itself
    SELECT dep.classid, dep.objid, dep.refclassid, dep.refobjid, dep.of_shell
    FROM both_nodes dep
    FULL JOIN member m ON m.classid = dep.classid AND m.objid = dep.objid
    WHERE coalesce(dep.objid, 0) <> 0 AND coalesce(m.objid, 0) = 0
), edge (classid, objid, refclassid, refobjid, of_shell) AS (
    SELECT dep.classid, dep.objid,
           CASE WHEN b.extension IS NULL THEN dep.refclassid
                ELSE 'pg_catalog.pg_extension'::pg_catalog.regclass::pg_catalog.oid END,
           coalesce(b.extension, dep.refobjid), dep.of_shell
    FROM not_of_members dep
    FULL JOIN brought b ON b.classid = dep.refclassid AND b.objid = dep.refobjid
    WHERE coalesce(dep.objid, 0) <> 0
    UNION ALL
    -- a foreign key needs a valid index: one of a partitioned table gets so with its last attachment
    SELECT k.classid, k.objid, 'pg_catalog.pg_inherits'::pg_catalog.regclass, k.index, true
    FROM key_index k
    WHERE k.is_attached
), key_index (classid, objid, index, is_attached) AS (
    SELECT con.tableoid, con.oid, con.conindid, false
    FROM pg_catalog.pg_class c
    -- before 11 pg_constraint lacks the column, and then its name means the one of `absent`
    CROSS JOIN (SELECT 0::pg_catalog.oid AS conparentid) absent
    CROSS JOIN LATERAL (
        SELECT x.tableoid, x.oid, x.conindid, conparentid AS parent
        FROM pg_catalog.pg_constraint x
        WHERE x.confrelid = c.oid AND x.contype = 'f') con
    -- a foreign key has further rows, one for each partition
    WHERE c.relkind = 'p' AND con.parent = 0
    UNION ALL
    SELECT k.classid, k.objid, p.inhrelid, true
    FROM key_index k
    JOIN pg_catalog.pg_inherits p ON p.inhparent = k.index
)
SELECT e.classid, e.objid, e.refclassid AS ref_classid, e.refobjid AS ref_objid,
       -- the shell of a type has no more than its name
       pg_catalog.bool_or(
           e.of_shell
           AND (t.oid IS NULL
                OR e.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass)) AS of_shell
FROM edge e
LEFT JOIN pg_catalog.pg_type t
       ON e.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND t.oid = e.objid
      AND t.typtype IN ('b', 'r')
WHERE $1::pg_catalog.oid[] IS NOT NULL
  AND e.refobjid >= 16384 AND (e.classid, e.objid) <> (e.refclassid, e.refobjid)
GROUP BY e.classid, e.objid, e.refclassid, e.refobjid
ORDER BY e.classid, e.objid, e.refclassid, e.refobjid;
