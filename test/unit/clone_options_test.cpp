#include "shared/clone_options.hpp"

#include "test/unit/expect_error.hpp"

using namespace pgclone;
using pgclone::test::expect_error;
using pgclone::test::mentions;

namespace {

CloneOptions parse(std::string_view json, JobScope scope = JobScope::table)
{
    return parse_options(json, scope);
}

PgError refused(std::string_view json, std::string_view sqlstate = "22023",
                JobScope scope = JobScope::table)
{
    CAPTURE(json);
    return expect_error(sqlstate, [&] { parse(json, scope); });
}

// Whether `name`, plain, matches the pattern as a user writes it.
bool matches(std::string_view pattern, std::string_view schema, std::string_view name)
{
    return matches_any({parse_table_pattern(pattern, "include")}, schema, name);
}

std::string deep_array(int depth)
{
    return std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']');
}

} // namespace

TEST_CASE("defaults of the options")
{
    const CloneOptions options = parse("{}");
    CHECK(options.data);
    CHECK(options.indexes);
    CHECK(options.constraints);
    CHECK(options.triggers);
    CHECK(options.comments);
    CHECK_FALSE(options.owners);
    CHECK_FALSE(options.acls);
    CHECK(options.conflict == ConflictAction::error);
    CHECK_FALSE(options.parallel);
    CHECK_FALSE(options.retries);
    CHECK_FALSE(options.target_schema);
    CHECK_FALSE(options.target_name);
    CHECK_FALSE(options.where);
    CHECK_FALSE(options.unique_key);
    CHECK(options.columns.empty());
    CHECK(options.role_map.empty());
    CHECK_FALSE(options.analyze);
    CHECK_FALSE(options.dry_run);

    for (const JobScope scope : {JobScope::schema, JobScope::database, JobScope::functions}) {
        const CloneOptions of_scope = parse("{}", scope);
        CHECK(of_scope.data);
        CHECK(of_scope.owners);
        CHECK(of_scope.acls);
        CHECK(of_scope.comments);
        CHECK(of_scope.views);
        CHECK(of_scope.matviews);
        CHECK(of_scope.functions);
        CHECK(of_scope.analyze == (scope != JobScope::functions));
        CHECK(of_scope.on_error == OnError::stop);
        CHECK(of_scope.include.empty());
        CHECK(of_scope.exclude.empty());
        CHECK_FALSE(of_scope.target_database);
        CHECK_FALSE(of_scope.keep_extension);
        CHECK_FALSE(of_scope.dry_run);
    }
}

TEST_CASE("every option is read")
{
    const CloneOptions options = parse(R"({
        "data": true, "indexes": false, "constraints": false, "triggers": false,
        "comments": false, "owners": true, "acls": true, "conflict": "replace",
        "parallel": 64, "retries": 0, "target_schema": "Sales \"EU\"", "target_name": "späte Kasse",
        "where": "id > 5 AND note <> E'\\n'", "unique_key": "nightly",
        "columns": ["id", "Note"], "role_map": {"alice": "bob", "carol": "bob"}})");
    CHECK(options.data);
    CHECK_FALSE(options.indexes);
    CHECK_FALSE(options.constraints);
    CHECK_FALSE(options.triggers);
    CHECK_FALSE(options.comments);
    CHECK(options.owners);
    CHECK(options.acls);
    CHECK(options.conflict == ConflictAction::replace);
    CHECK(options.parallel == 64);
    CHECK(options.retries == 0);
    CHECK(options.target_schema == "Sales \"EU\"");
    CHECK(options.target_name == "späte Kasse");
    CHECK(options.where == "id > 5 AND note <> E'\\n'");
    CHECK(options.unique_key == "nightly");
    CHECK(options.columns == std::vector<std::string>{"id", "Note"});
    CHECK(options.role_map ==
          std::map<std::string, std::string>{{"alice", "bob"}, {"carol", "bob"}});
}

TEST_CASE("options of schemas and databases")
{
    const CloneOptions schema = parse(R"({
        "data": false, "target_schema": "copy", "include": ["a*", "Sales.\"B\"?"],
        "exclude": ["\"*\""], "views": false, "matviews": false, "functions": false,
        "on_error": "continue", "analyze": false, "owners": false, "acls": false, "parallel": 3})",
                                      JobScope::schema);
    CHECK_FALSE(schema.data);
    CHECK(schema.target_schema == "copy");
    CHECK(schema.include == std::vector<TablePattern>{{"", "a*"}, {"sales", "B?"}});
    CHECK(schema.exclude == std::vector<TablePattern>{{"", "\\*"}});
    CHECK_FALSE(schema.views);
    CHECK_FALSE(schema.matviews);
    CHECK_FALSE(schema.functions);
    CHECK(schema.on_error == OnError::continue_);
    CHECK_FALSE(schema.analyze);
    CHECK_FALSE(schema.always_analyze);
    CHECK_FALSE(schema.owners);
    CHECK_FALSE(schema.acls);
    CHECK(schema.parallel == 3);

    const CloneOptions database =
        parse(R"({"target_database": "My db", "keep_extension": true, "on_error": "stop"})",
              JobScope::database);
    CHECK(database.target_database == "My db");
    CHECK(database.keep_extension);
    CHECK(database.on_error == OnError::stop);

    const CloneOptions functions = parse(
        R"({"target_schema": "f", "conflict": "replace", "on_error": "stop", "retries": 1})",
        JobScope::functions);
    CHECK(functions.target_schema == "f");
    CHECK(functions.conflict == ConflictAction::replace);
}

TEST_CASE("all ways to treat a conflict")
{
    CHECK(parse(R"({"conflict": "error"})").conflict == ConflictAction::error);
    CHECK(parse(R"({"conflict": "skip"})").conflict == ConflictAction::skip);
    CHECK(parse(R"({"conflict": "replace"})").conflict == ConflictAction::replace);
    CHECK(parse(R"({"conflict": "rename"})").conflict == ConflictAction::rename);
    CHECK(refused(R"({"conflict": "Replace"})").message() ==
          R"(option "conflict" must be "error", "skip", "replace" or "rename")");
    CHECK(mentions(refused(R"({"conflict": true})"), "boolean"));
}

TEST_CASE("options must be a JSON object")
{
    for (const char* json : {"[]", "\"x\"", "1", "true", "null"}) {
        CHECK(refused(json).message() == R"(argument "options" must be a JSON object)");
    }
    for (const char* json : {"", " ", "{", "{\"data\":}", "{} {}"}) {
        CHECK(refused(json).message() == R"(argument "options" is not valid JSON)");
    }
    // (Some versions of Boost.JSON take that for a number.)
    refused("{\"data\": 1e99999999999}");
    CHECK(refused("{\"columns\": " + deep_array(100'000) + "}").message() ==
          R"(argument "options" is nested too deeply)");
}

TEST_CASE("unknown options")
{
    PgError error = refused(R"({"foo": 1})");
    CHECK(error.message() == R"(unknown option "foo")");
    CHECK(error.hint().starts_with("Options of scope \"table\" are: data, target_schema"));
    CHECK(error.hint().ends_with("unique_key."));
    CHECK_FALSE(mentions(error, "matviews"));

    CHECK(refused(R"({"indices": false})")
              .hint()
              .starts_with("Perhaps you meant the option \"indexes\"."));
    CHECK(refused(R"({"paralel": 2})")
              .hint()
              .starts_with("Perhaps you meant the option \"parallel\"."));
    CHECK(
        refused(R"({"Where": ""})").hint().starts_with("Perhaps you meant the option \"where\"."));
    CHECK(refused(R"({"": 1})").message() == R"(unknown option "")");
    // Also a wrong name with a null or without a sensible value.
    CHECK(refused(R"({"foo": null})").message() == R"(unknown option "foo")");
    // A long name is cut, between two characters.
    std::string long_name;
    for (int i = 0; i < 10'000; i++)
        long_name += "ä";
    const PgError cut = refused("{\"x" + long_name + "\": 1}");
    CHECK(cut.message() == "unknown option \"x" + long_name.substr(0, 62) + "\"");
}

TEST_CASE("options of other scopes")
{
    const auto check = [](JobScope scope, std::initializer_list<const char*> names) {
        for (const char* name : names) {
            for (const char* value : {"true", "null", "[\"x\"]", "\"strict\""}) {
                const std::string json = "{\"" + std::string(name) + "\": " + value + "}";
                CHECK(refused(json, "0A000", scope).message() ==
                      "option \"" + std::string(name) + "\" cannot be used in scope \"" +
                          std::string(to_text(scope)) + "\"");
            }
        }
    };
    check(JobScope::table, {"include", "exclude", "views", "matviews", "functions", "on_error",
                            "analyze", "target_database", "keep_extension", "consistency"});
    check(JobScope::schema,
          {"where", "columns", "target_name", "target_database", "keep_extension"});
    check(JobScope::database, {"where", "columns", "target_name", "target_schema"});
    check(JobScope::functions,
          {"data", "where", "columns", "target_name", "include", "exclude", "indexes",
           "constraints", "triggers", "views", "matviews", "functions", "analyze", "parallel",
           "target_database", "keep_extension", "consistency"});

    CHECK(refused(R"({"columns": ["a"]})", "0A000", JobScope::schema).hint() ==
          R"(Scopes that have it are: "table".)");
    CHECK(refused(R"({"data": true})", "0A000", JobScope::functions).hint() ==
          R"(Scopes that have it are: "table", "schema", "database".)");
    CHECK(refused(R"({"consistency": "strict"})", "0A000").hint() ==
          R"(Scopes that have it are: "schema", "database".)");
    CHECK(refused(R"({"consistency": "loose"})", "22023", JobScope::schema).message() ==
          R"(option "consistency" must be "strict" or "relaxed")");
    CHECK(refused(R"({"consistency": true})", "22023", JobScope::database).message() ==
          R"(option "consistency" must be "strict" or "relaxed")");
    // Who may set it is pgclone_plan alone.
    CHECK(refused(R"({"dry_run": true})").message() == R"(unknown option "dry_run")");

    const std::string hint = refused(R"({"viws": true})", "22023", JobScope::schema).hint();
    CHECK(hint.starts_with("Perhaps you meant the option \"views\". Options of scope \"schema\" "));
    CHECK(mentions(refused(R"({"x": 1})", "22023", JobScope::database), "keep_extension"));
    CHECK_FALSE(mentions(refused(R"({"x": 1})", "22023", JobScope::functions), "parallel"));
}

TEST_CASE("wrong types name the option and never repeat the value")
{
    const std::string secret = "postgresql://u:geheim@host/db";
    struct Case {
        const char* option;
        const char* value;
    };
    const Case cases[] = {{"data", "\"true\""},
                          {"data", "1"},
                          {"data", "[]"},
                          {"data", "1e400"},
                          {"indexes", "0"},
                          {"constraints", "{}"},
                          {"triggers", "\"\""},
                          {"comments", "[true]"},
                          {"owners", "1.5"},
                          {"acls", "\"no\""},
                          {"target_name", "1"},
                          {"target_name", "[\"a\"]"},
                          {"target_schema", "true"},
                          {"columns", "\"id\""},
                          {"columns", "{\"id\": 1}"},
                          {"columns", "[1]"},
                          {"columns", "[null]"},
                          {"columns", "[[\"id\"]]"},
                          {"where", "true"},
                          {"where", "[\"id = 1\"]"},
                          {"conflict", "[]"},
                          {"conflict", "\"postgresql://u:geheim@host/db\""},
                          {"parallel", "\"4\""},
                          {"parallel", "true"},
                          {"retries", "{}"},
                          {"unique_key", "7"},
                          {"role_map", "[]"},
                          {"role_map", "{\"a\": 1}"},
                          {"role_map", "{\"a\": {}}"}};
    for (const Case& each : cases) {
        const PgError error = refused("{\"" + std::string(each.option) + "\": " + each.value + "}");
        CHECK(error.message().starts_with("option \"" + std::string(each.option) + "\" must be "));
        CHECK_FALSE(error.detail().empty());
        CHECK_FALSE(mentions(error, "geheim"));
    }
}

TEST_CASE("wrong types of the options of schemas and databases")
{
    struct Case {
        const char* option;
        const char* value;
    };
    const Case cases[] = {
        {"include", "\"a\""},      {"include", "{}"},           {"include", "[1]"},
        {"include", "[]"},         {"exclude", "[[\"a\"]]"},    {"exclude", "[null]"},
        {"views", "\"no\""},       {"matviews", "0"},           {"functions", "[]"},
        {"analyze", "\"yes\""},    {"analyze", "1"},          {"on_error", "true"},        {"on_error", "\"Continue\""},
        {"target_database", "1"},  {"target_database", "\"\""}, {"keep_extension", "\"x\""},
        {"on_error", "\"geheim\""}};
    for (const Case& each : cases) {
        const PgError error = refused("{\"" + std::string(each.option) + "\": " + each.value + "}",
                                      "22023", JobScope::database);
        CHECK(error.message().starts_with("option \"" + std::string(each.option) + "\" must be "));
        CHECK_FALSE(error.detail().empty());
        CHECK_FALSE(mentions(error, "geheim"));
        CHECK(refused("{\"" + std::string(each.option) + "\": null}", "22023", JobScope::database)
                  .message() == "option \"" + std::string(each.option) + "\" must not be null");
    }
}

TEST_CASE("analyze is true, false or always")
{
    const CloneOptions usual = parse(R"({"analyze": true})", JobScope::schema);
    CHECK(usual.analyze);
    CHECK_FALSE(usual.always_analyze);
    const CloneOptions always = parse(R"({"analyze": "always"})", JobScope::database);
    CHECK(always.analyze);
    CHECK(always.always_analyze);
}

TEST_CASE("null is no value for any option")
{
    for (const char* name : {"data", "target_name", "target_schema", "columns", "where", "indexes",
                             "constraints", "triggers", "comments", "owners", "acls", "role_map",
                             "conflict", "parallel", "retries", "unique_key"}) {
        CHECK(refused("{\"" + std::string(name) + "\": null}").message() ==
              "option \"" + std::string(name) + "\" must not be null");
    }
}

TEST_CASE("integers")
{
    CHECK(parse(R"({"parallel": 1})").parallel == 1);
    CHECK(parse(R"({"retries": 100})").retries == 100);
    for (const char* value : {"0", "65", "-1", "2147483648", "4294967297", "9223372036854775807",
                              "-9223372036854775808", "9223372036854775808", "18446744073709551616",
                              "4.0", "0.5", "1e1000", "-1e1000", "1e-1000"}) {
        CHECK(refused("{\"parallel\": " + std::string(value) + "}").message() ==
              R"(option "parallel" must be an integer from 1 to 64)");
    }
    // jsonb writes numeric values out: this is what 1e1000 and the like look like.
    for (const std::string& value :
         {"1" + std::string(1000, '0'), std::string(200, '9'), "1" + std::string(131'071, '0'),
          "0." + std::string(16'383, '1')}) {
        const PgError error = refused("{\"retries\": " + value + "}");
        CHECK(error.message() == R"(option "retries" must be an integer from 0 to 100)");
        CHECK(error.detail().size() < 100);
    }
    CHECK(refused(R"({"retries": 101})").detail() == "It is 101.");
}

TEST_CASE("strings: length and emptiness")
{
    const std::string name63(63, 'n');
    for (const std::string option : {"target_name", "target_schema"}) {
        CHECK_NOTHROW(parse("{\"" + option + "\": \"" + name63 + "\"}"));
        CHECK(refused("{\"" + option + "\": \"" + name63 + "x\"}").detail() ==
              "A name in it is longer than 63 bytes.");
        CHECK(refused("{\"" + option + "\": \"\"}").detail() == "A name in it is empty.");
    }
    CHECK(parse("{\"columns\": [\"" + name63 + "\"]}").columns.front() == name63);
    refused("{\"columns\": [\"" + name63 + "x\"]}");
    refused(R"({"columns": []})");
    refused(R"({"columns": [""]})");
    CHECK(refused(R"({"columns": ["a", "b", "a"]})").detail() == R"(The name "a" occurs twice.)");
    // Names are compared as they are: these are two columns.
    CHECK(parse(R"({"columns": ["a", "A"]})").columns.size() == 2);

    for (const char* blank : {"", " ", "\\n\\t "})
        CHECK(refused("{\"where\": \"" + std::string(blank) + "\"}").detail() == "It is empty.");

    CHECK(parse("{\"unique_key\": \"" + std::string(255, 'k') + "\"}").unique_key->size() == 255);
    CHECK(refused("{\"unique_key\": \"" + std::string(256, 'k') + "\"}").detail() ==
          "It is longer.");
    refused(R"({"unique_key": ""})");

    refused(R"({"owners": true, "role_map": {"": "bob"}})");
    refused(R"({"owners": true, "role_map": {"bob": ""}})");
    refused("{\"owners\": true, \"role_map\": {\"bob\": \"" + name63 + "x\"}}");
}

TEST_CASE("text in another encoding than UTF-8 passes as it is")
{
    CHECK(parse("{\"target_name\": \"caf\xe9\"}").target_name == "caf\xe9");
    CHECK(parse("{\"where\": \"a = '\xff'\"}").where == "a = '\xff'");
}

TEST_CASE("options that contradict each other")
{
    CHECK(refused(R"({"data": false, "where": "id > 1"})").message() ==
          R"(option "where" cannot be used when option "data" is false)");
    CHECK_NOTHROW(parse(R"({"data": false, "columns": ["id"]})"));
    CHECK(refused(R"({"role_map": {"a": "b"}})").message() ==
          R"(option "role_map" needs option "owners" or "acls")");
    CHECK_NOTHROW(parse(R"({"role_map": {"a": "b"}, "owners": true})"));
    CHECK_NOTHROW(parse(R"({"role_map": {"a": "b"}, "acls": true})"));
    CHECK_NOTHROW(parse(R"({"role_map": {}})"));
    CHECK_NOTHROW(parse(R"({"role_map": {"a": "b"}})", JobScope::schema));
    CHECK(refused(R"({"role_map": {"a": "b"}, "owners": false, "acls": false})", "22023",
                  JobScope::functions)
              .message() == R"(option "role_map" needs option "owners" or "acls")");
    CHECK(refused(R"({"keep_extension": true})", "22023", JobScope::database).message() ==
          R"(option "keep_extension" needs option "target_database")");
    CHECK_NOTHROW(parse(R"({"keep_extension": false})", JobScope::database));
    for (const char* conflict : {"replace", "rename"})
        CHECK(refused(std::string(R"({"on_error": "continue", "conflict": ")") + conflict + "\"}",
                      "22023", JobScope::schema)
                  .message()
                  .starts_with("option \"on_error\" cannot be \"continue\""));
    CHECK(refused(R"({"target_database": "d", "conflict": "skip"})", "22023", JobScope::database)
              .message() == R"(option "conflict" cannot be used with option "target_database")");
    CHECK_NOTHROW(parse(R"({"target_database": "d", "conflict": "error"})", JobScope::database));
    for (const char* schema : {"pg_catalog", "information_schema", "pg_toast", "pg_x"})
        CHECK(refused("{\"target_schema\": \"" + std::string(schema) + "\"}", "22023",
                      JobScope::schema)
                  .message() == "option \"target_schema\" must not name a system schema");
}

TEST_CASE("patterns")
{
    CHECK(matches("orders", "sales", "orders"));
    CHECK(matches("Orders", "sales", "orders"));
    CHECK_FALSE(matches("orders", "sales", "Orders"));
    CHECK_FALSE(matches("orders", "sales", "orders2"));
    CHECK_FALSE(matches("orders", "sales", "xorders"));
    CHECK(matches("\"Orders\"", "sales", "Orders"));
    CHECK(matches("sales.orders", "sales", "orders"));
    CHECK_FALSE(matches("sales.orders", "sale", "orders"));
    CHECK(matches(" sales . orders ", "sales", "orders"));
    CHECK(matches("*", "s", ""));
    CHECK(matches("*.*", "s", "x"));
    CHECK(matches("ord*", "s", "ord"));
    CHECK(matches("ord*", "s", "orders"));
    CHECK(matches("*s", "s", "orders"));
    CHECK_FALSE(matches("*s", "s", "order"));
    CHECK(matches("o*e*s", "s", "orders_es"));
    CHECK(matches("a*bc", "s", "abcabbc"));
    CHECK_FALSE(matches("a*bc*d", "s", "abcabbc"));
    CHECK(matches("**a**", "s", "a"));
    CHECK(matches("t?", "s", "t1"));
    CHECK_FALSE(matches("t?", "s", "t"));
    CHECK_FALSE(matches("t?", "s", "t12"));
    CHECK(matches("t?", "s", "tä"));
    CHECK(matches("?*", "s", "ä"));
    CHECK(matches("*ä", "s", "xöä"));
    CHECK(matches("tenant_*.*_2024", "tenant_7", "bills_2024"));
    // What is quoted stands for itself, and may be a piece of a part.
    CHECK(matches("\"a*\"", "s", "a*"));
    CHECK_FALSE(matches("\"a*\"", "s", "ab"));
    CHECK(matches("\"a?\"*", "s", "a?bc"));
    CHECK_FALSE(matches("\"a?\"*", "s", "abbc"));
    CHECK(matches("\"a\"\"b\"", "s", "a\"b"));
    CHECK(matches("\"a.b\"", "s", "a.b"));
    CHECK(matches("\"a\\\"", "s", "a\\"));
    CHECK(matches("\"a\\*\"?", "s", "a\\*x"));
    CHECK_FALSE(matches("\"a\\*\"", "s", "a\\x"));
    CHECK(matches("Ab\"Cd\"eF", "s", "abCdef"));
    CHECK(matches("1*", "s", "1a")); // not quoted, as psql has it
    CHECK_FALSE(matches_any({}, "s", "a"));

    // The worst case is not a catastrophe.
    std::string stars;
    for (int i = 0; i < 60; i++)
        stars += "*a";
    CHECK_FALSE(matches(stars, "s", std::string(1000, 'a') + "b"));
}

TEST_CASE("malformed patterns")
{
    const auto detail_of = [](std::string_view text) {
        CAPTURE(text);
        const PgError error = expect_error("22023", [&] { parse_table_pattern(text, "include"); });
        CHECK(error.message() == R"(option "include" has a pattern that is not valid)");
        CHECK_FALSE(error.hint().empty());
        return error.detail();
    };
    CHECK(detail_of("") == "It is empty.");
    CHECK(detail_of(" \t") == "It is empty.");
    for (const char* text : {".", ".a", "a.", "\"\"", "a..b", "\"\".a"})
        CHECK(detail_of(text) == "A part of it is empty.");
    CHECK(detail_of("a.b.c") == "It has more than two parts.");
    CHECK(detail_of("*.*.*") == "It has more than two parts.");
    CHECK(detail_of("\"a") == "A double quote is not closed.");
    for (const char* text : {"a-b", "a[0-9]", "a|b", "a+", "(a)", "a;b", "a'b", "a b", "a,b", "^a"})
        CHECK(detail_of(text) == "A part of it has a character that must be quoted.");
    CHECK(detail_of(std::string(64, 'a')) == "A part of it is longer than 63 bytes.");
    CHECK_NOTHROW(parse_table_pattern(std::string(63, 'a') + "*", "include"));
    CHECK(refused(R"({"exclude": ["a", "b b"]})", "22023", JobScope::schema).message() ==
          R"(option "exclude" has a pattern that is not valid)");
}

TEST_CASE("names of schemas")
{
    const auto name = [](std::string_view text) { return parse_schema_name(text, "object"); };
    CHECK(name("Sales") == "sales");
    CHECK(name(" \"My Schema\" ") == "My Schema");
    CHECK(name("\"a.b\"") == "a.b");
    for (const char* text : {"", " ", "a.b", "a b", "1a", "\"\"", "\"a", "a;"}) {
        CAPTURE(text);
        CHECK(expect_error("22023", [&] { name(text); }).message() ==
              R"(argument "object" is not a valid schema name)");
    }
    CHECK(is_system_schema("pg_catalog"));
    CHECK(is_system_schema("information_schema"));
    CHECK(is_system_schema("pg_temp_3"));
    CHECK_FALSE(is_system_schema("pgclone"));
    CHECK_FALSE(is_system_schema("public"));
}

TEST_CASE("qualified names")
{
    const auto parse_name = [](std::string_view text) {
        return parse_qualified_name(text, "object");
    };
    using Name = QualifiedName;
    CHECK(parse_name("public.orders") == Name{"public", "orders"});
    CHECK(parse_name("Public.ORDERS_2$x") == Name{"public", "orders_2$x"});
    CHECK(parse_name(R"("Public".Orders)") == Name{"Public", "orders"});
    CHECK(parse_name(R"("we""ird"."T a b")") == Name{"we\"ird", "T a b"});
    CHECK(parse_name(R"("a.b"."c.d")") == Name{"a.b", "c.d"});
    CHECK(parse_name("\"\"\"\".\"\"\"\"\"\"") == Name{"\"", "\"\""});
    CHECK(parse_name(" a \t.\n b\r\f\v") == Name{"a", "b"});
    CHECK(parse_name(R"( "a" . "b" )") == Name{"a", "b"});
    CHECK(parse_name(R"(" a "." b ")") == Name{" a ", " b "});
    CHECK(parse_name("_x._1") == Name{"_x", "_1"});
    CHECK(parse_name("select.\"table\"") == Name{"select", "table"});
    // Only ASCII is folded, whatever the encoding.
    CHECK(parse_name("ÄB.Éa") == Name{"Äb", "Éa"});
    CHECK(parse_name("\xc4.\xe9") == Name{"\xc4", "\xe9"});
    const std::string longest(63, 'x');
    CHECK(parse_name(longest + "." + longest) == Name{longest, longest});
    CHECK(parse_name("\"" + longest + "\".a") == Name{longest, "a"});
}

TEST_CASE("malformed qualified names")
{
    const auto detail_of = [](std::string_view text) {
        CAPTURE(text);
        const PgError error = expect_error("22023", [&] { parse_qualified_name(text, "object"); });
        CHECK(error.message() == R"(argument "object" is not a valid qualified name)");
        CHECK_FALSE(error.hint().empty());
        return error.detail();
    };
    CHECK(detail_of("") == "It is empty.");
    CHECK(detail_of("  ") == "It is empty.");
    CHECK(detail_of("orders") == "It has no schema.");
    CHECK(detail_of("\"a.b\"") == "It has no schema.");
    CHECK(detail_of("db.public.orders") == "It has more than two parts.");
    CHECK(detail_of("a.b.") == "It has more than two parts.");
    for (const char* text : {".", ".b", "a.", "a..b", "\"\".b", "a.\"\"", "a. "})
        CHECK(detail_of(text) == "A part of it is empty.");
    for (const char* text : {"\"", "\"a", "\"a.b", "a.\"b", "a.\"b\"\""})
        CHECK(detail_of(text) == "A double quote is not closed.");
    for (const char* text : {"1a.b", "a.1b", "a.$b", "a-b.c", "a.-b", "a b.c", "a.'b'", "(a).b",
                             "\"a\"b.c", "U&\"a\".b", "a=b"})
        CHECK(detail_of(text) == "A part of it has a character that must be quoted.");
    for (const char* text : {"a.b c", "a.b;", "a.b-c", "a.b, c.d", "a.\"b\"c", "a.b\"c\"", "a.b=c"})
        CHECK(detail_of(text) == "There is text after the name.");
    const std::string too_long(64, 'x');
    for (const std::string& text : {too_long + ".a", "a." + too_long, "\"" + too_long + "\".a"})
        CHECK(detail_of(text) == "A part of it is longer than 63 bytes.");
    // Arguments get mixed up; what is in them is not repeated.
    CHECK_FALSE(mentions(
        expect_error("22023", [] { parse_qualified_name("postgresql://u:geheim@h/d", "object"); }),
        "geheim"));
}

TEST_CASE("quoting")
{
    CHECK(quote_identifier("a") == "\"a\"");
    CHECK(quote_identifier("we\"ird") == "\"we\"\"ird\"");
    CHECK(quote_identifier("\\") == "\"\\\"");
    CHECK(quote_identifier("select") == "\"select\"");
    CHECK(quote_qualified({"Public", "a b"}) == "\"Public\".\"a b\"");
    CHECK(quote_literal("") == "''");
    CHECK(quote_literal("it's") == "'it''s'");
    CHECK(quote_literal("a\\b") == "E'a\\\\b'");
    CHECK(quote_literal("\\'; drop table x; --") == "E'\\\\''; drop table x; --'");
    CHECK(quote_literal("\"") == "'\"'");
    // What is quoted is read back.
    const QualifiedName odd{"a\"\".b", "\"\\ '"};
    CHECK(parse_qualified_name(quote_qualified(odd), "object") == odd);
}
