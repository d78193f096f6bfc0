#include "test/unit/table_fixture.hpp"

using namespace pgclone;
using namespace pgclone::test;

TEST_CASE("names that are taken")
{
    TargetState state = empty_target();
    state.taken_relations = {"orders", "orders_pkey", "orders_id_seq", "copy_id_seq"};
    const auto tasks = plan(orders(), {}, state, {{"shop", "copy"}, "7_ab12"});
    const Statements& publish = find(tasks, TaskKind::publish).statements;
    CHECK(says(publish, "RENAME TO \"copy\""));
    CHECK(says(publish, "RENAME TO \"copy_pkey\""));
    CHECK(says(publish, "RENAME TO \"copy_id_seq_1\""));
    // Nobody has orders_total, but two clones that run at once would both want it.
    CHECK(says(publish, "RENAME TO \"copy_total\""));
}

TEST_CASE("names fit into 63 bytes")
{
    const std::string longest(63, 'x');
    CHECK(fit_name("short", "_old") == "short_old");
    CHECK(fit_name(longest, "_old") == std::string(59, 'x') + "_old");
    // ü has two bytes, which stay together
    const std::string umlauts = std::string(58, 'x') + "\xc3\xbc\xc3\xbc";
    CHECK(fit_name(umlauts, "_old") == std::string(58, 'x') + "_old");
    CHECK(default_name("t", "c", "not_null") == "t_c_not_null");
    CHECK(default_name(longest, longest, "not_null").size() == 63);
}

TEST_CASE("quoting")
{
    TableDefinition table = orders();
    table.name = {"we\"ird", "ta;ble'"};
    table.columns[1].name = "a\"b";
    table.constraints.clear();
    const auto tasks = plan(table, {}, empty_target(), {{"we\"ird", "ta;ble'"}, "7_ab12"});
    CHECK(find(tasks, TaskKind::data)
              .source_copy.starts_with("COPY \"we\"\"ird\".\"ta;ble'\" (\"id\", \"a\"\"b\""));
    CHECK(says(find(tasks, TaskKind::publish).statements, "RENAME TO \"ta;ble'\""));
    CHECK(option_list({"fillfactor=70", "x=a'b"}, {"y=1"}) ==
          "(\"fillfactor\"='70', \"x\"='a''b', toast.\"y\"='1')");
    CHECK(array_literal({"a", "b\"c\\", "NULL", ""}) == R"({"a","b\"c\\","NULL",""})");
    CHECK(array_literal({}) == "{}");
}

TEST_CASE("sequences in expressions")
{
    const std::map<std::string, QualifiedName> sequences = {{"s.a", {"s", "w"}},
                                                            {"s.\"o'o\"", {"s", "v"}}};
    CHECK(replace_sequences("nextval('s.a'::regclass)", sequences) ==
          "nextval('\"s\".\"w\"'::regclass)");
    CHECK(replace_sequences("('s.a'::text || nextval('s.a'::regclass))", sequences) ==
          "('s.a'::text || nextval('\"s\".\"w\"'::regclass))");
    CHECK(replace_sequences("nextval('s.\"o''o\"'::regclass)", sequences) ==
          "nextval('\"s\".\"v\"'::regclass)");
    // inside a literal or a quoted name nothing is touched
    CHECK(replace_sequences("f('''s.a''::regclass')", sequences) == "f('''s.a''::regclass')");
    CHECK(replace_sequences("\"'s.a'::regclass\"", sequences) == "\"'s.a'::regclass\"");
    CHECK(replace_sequences("nextval('s.b'::regclass)", sequences) == "nextval('s.b'::regclass)");
    CHECK(replace_sequences("'open", sequences) == "'open");
}

TEST_CASE("definitions that cannot be taken apart")
{
    TableDefinition table = orders();
    SUBCASE("index")
    {
        table.indexes[1].definition_tail.reset();
    }
    SUBCASE("foreign key")
    {
        table.constraints[2].foreign_tail.reset();
    }
    SUBCASE("trigger")
    {
        table.triggers = {{"orders_total", "O", {}, {}, {}}};
    }
    const PgError error = expect_error("XX000", [&] { plan(table); });
    CHECK((mentions(error, "orders_total") || mentions(error, "to_customer")));
}

TEST_CASE("row-level security")
{
    TableDefinition table = orders();
    table.row_security = true;
    table.force_row_security = true;
    PolicyDefinition open;
    open.name = "open";
    open.command = "SELECT";
    open.roles = {"clerk"};
    open.using_expression = "true";
    PolicyDefinition narrow = open;
    narrow.name = "narrow";
    narrow.is_permissive = false;
    narrow.roles = {"guard"};
    table.policies = {open, narrow};

    CloneOptions options;
    options.role_map = {{"clerk", "Target Clerk"}};
    auto tasks = plan(table, options);
    CHECK(says(find(tasks, TaskKind::table).statements, "ENABLE ROW LEVEL SECURITY"));
    const Statements& publish = find(tasks, TaskKind::publish).statements;
    CHECK(says(publish, "CREATE POLICY \"open\" ON \"shop\".\"orders\" FOR SELECT TO \"Target "
                        "Clerk\" USING (true)"));
    CHECK(says(publish, "AS RESTRICTIVE"));
    CHECK(says(publish, "FORCE ROW LEVEL SECURITY"));

    // without a restrictive policy there is none at all
    TargetState state = empty_target();
    state.missing = {{"role", "guard"}};
    tasks = plan(table, options, state);
    CHECK(!says(find(tasks, TaskKind::publish).statements, "CREATE POLICY"));
    CHECK(!find(tasks, TaskKind::acl, "policy open").skip_reason.empty());
    CHECK(!find(tasks, TaskKind::acl, "policy narrow").skip_reason.empty());
}

TEST_CASE("privileges and owner")
{
    TableDefinition table = orders();
    table.privileges = {{"revoke", "table", "", "TRUNCATE", false, "boss"},
                        {"grant", "table", "", "SELECT", false, std::nullopt},
                        {"grant", "table", "", "INSERT", true, "clerk"},
                        {"grant", "table", "", "UPDATE", true, "clerk"},
                        {"grant", "column", "total", "UPDATE", false, "clerk"},
                        {"grant", "sequence", "orders_id_seq", "USAGE", false, "clerk"},
                        {"grant", "table", "", "MAINTAIN", false, "clerk"}};
    CHECK(!has(plan(table), TaskKind::acl));
    CHECK(!has(plan(table), TaskKind::owner));

    CloneOptions options;
    options.acls = true;
    options.owners = true;
    options.role_map = {{"clerk", "c2"}};
    TargetState state = empty_target();
    state.default_grantees = {{"table", "spy"}, {"sequence", std::nullopt}};
    const auto tasks = plan(table, options, state);
    CHECK(has(tasks, TaskKind::acl));
    CHECK(!find(tasks, TaskKind::acl).skip_reason.empty()); // MAINTAIN, on 15
    const CloneTask& grants = tasks[static_cast<std::size_t>(find(tasks, TaskKind::acl).task_id)];
    const std::string clone = "\"shop\".\"pgclone_7_ab12_1\"";
    const Statements expected = {"REVOKE ALL ON TABLE " + clone + " FROM \"spy\"",
                                 "REVOKE ALL ON SEQUENCE \"shop\".\"pgclone_7_ab12_2\" FROM PUBLIC",
                                 "REVOKE TRUNCATE ON TABLE " + clone + " FROM CURRENT_USER",
                                 "GRANT SELECT ON TABLE " + clone + " TO PUBLIC",
                                 "GRANT INSERT, UPDATE ON TABLE " + clone +
                                     " TO \"c2\" WITH GRANT OPTION",
                                 "GRANT UPDATE (\"total\") ON TABLE " + clone + " TO \"c2\"",
                                 "GRANT USAGE ON SEQUENCE \"shop\".\"pgclone_7_ab12_2\" TO \"c2\""};
    CHECK(grants.statements == expected);
    CHECK(says(find(tasks, TaskKind::owner).statements, "OWNER TO \"boss\""));
    CHECK(find(tasks, TaskKind::owner).stage > grants.stage);
}

TEST_CASE("comments")
{
    TableDefinition table = orders();
    table.comments = {{"table", "", "it's"},
                      {"constraint", "orders_pkey", "key"},
                      {"column", "total", "sum"},
                      {"index", "gone", "none"}};
    const auto tasks = plan(table);
    const Statements expected = {
        "COMMENT ON TABLE \"shop\".\"pgclone_7_ab12_1\" IS 'it''s'",
        "COMMENT ON CONSTRAINT \"pgclone_7_ab12_3\" ON \"shop\".\"pgclone_7_ab12_1\" IS 'key'",
        "COMMENT ON COLUMN \"shop\".\"pgclone_7_ab12_1\".\"total\" IS 'sum'"};
    CHECK(find(tasks, TaskKind::comment).statements == expected);
    CloneOptions options;
    options.comments = false;
    CHECK(!has(plan(table, options), TaskKind::comment));
}

TEST_CASE("named NOT NULL constraints")
{
    TableDefinition table = orders();
    TargetState state = empty_target();
    state.server_version = 180000;
    CHECK(says(find(plan(table, {}, state), TaskKind::table).statements,
               "CONSTRAINT \"orders_id_not_null\" NOT NULL"));
    table.columns[0].not_null_name = "must";
    table.columns[0].not_null_valid = false;
    const auto tasks = plan(table, {}, state);
    CHECK(!says(find(tasks, TaskKind::table).statements, "NOT NULL"));
    CHECK(says(find(tasks, TaskKind::constraint, "must").statements, "NOT NULL \"id\" NOT VALID"));
    CHECK(!find(plan(table), TaskKind::constraint, "must").skip_reason.empty());
}

TEST_CASE("requirements")
{
    TableDefinition table = orders();
    table.columns[1].default_sequences = {"shop.other_seq"};
    table.columns[2].compression = "lz4";
    table.tablespace = "fast";
    table.dependencies = {{"column", "customer", "type", "public.citext", "citext"},
                          {"trigger", "gone", "function", "shop.log()", ""}};
    const auto has_requirement = [](const std::vector<Requirement>& list, const char* kind,
                                    const char* name) {
        return std::any_of(list.begin(), list.end(), [&](const Requirement& requirement) {
            return requirement.kind == kind && requirement.name == name;
        });
    };
    CloneOptions options;
    auto list = list_requirements(table, options);
    CHECK(has_requirement(list, "type", "public.citext"));
    CHECK(has_requirement(list, "type", "bigint"));
    CHECK(has_requirement(list, "sequence", "shop.other_seq"));
    CHECK(!has_requirement(list, "sequence", "shop.orders_id_seq")); // comes along
    CHECK(has_requirement(list, "tablespace", "fast"));
    CHECK(has_requirement(list, "compression method", "lz4"));
    CHECK(!has_requirement(list, "function", "shop.log()")); // of a trigger that is not cloned
    CHECK(!has_requirement(list, "role", "boss"));

    options.owners = true;
    options.role_map = {{"boss", "chief"}};
    options.columns = {"id"};
    list = list_requirements(table, options);
    CHECK(has_requirement(list, "role", "chief"));
    CHECK(has_requirement(list, "membership", "chief"));
    CHECK(!has_requirement(list, "type", "public.citext"));
    CHECK(!has_requirement(list, "sequence", "shop.other_seq"));
}

TEST_CASE("what is read from the source")
{
    const ResultSet none({"kind"}, {});
    CHECK(mentions(expect_error("42P01",
                                [&] {
                                    table_of_row(none, {"shop", "orders"});
                                }),
                   "\"shop\".\"orders\""));
    const ResultSet view({"kind"}, {{"v"}});
    CHECK(mentions(expect_error("42809", [&] { table_of_row(view, {"shop", "v"}); }), "view"));

    CloneOptions options;
    options.columns = {"id", "nope", "Neither"};
    const PgError absent = expect_error("42703", [&] { check_columns(orders(), options); });
    CHECK(mentions(absent, "\"nope\", \"Neither\""));
    TableDefinition table = orders();
    table.columns[2].can_select = false;
    options.columns.clear();
    CHECK(mentions(expect_error("42501", [&] { check_columns(table, options); }), "\"total\""));
    options.columns = {"id"};
    CHECK_NOTHROW(check_columns(table, options));
    options.columns.clear();
    options.data = false;
    CHECK_NOTHROW(check_columns(table, options));

    CHECK(rows_of_plan(R"([{"Plan": {"Node Type": "Seq Scan", "Plan Rows": 17}}])") == 17);
    CHECK(rows_of_plan("[]") == -1);
    CHECK(rows_of_plan("no plan") == -1);
}
