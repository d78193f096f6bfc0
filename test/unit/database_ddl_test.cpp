#include "worker/database_ddl.hpp"

#include "test/unit/expect_error.hpp"

using namespace pgclone;
using pgclone::test::expect_error;
using pgclone::test::mentions;

namespace {

using Value = ResultSet::Value;
using Strings = std::vector<std::string>;

struct Properties {
    Value provider = "libc";
    Value locale;
    Value icu_rules;
    Value tablespace;
    Value connection_limit = "-1";
    Value is_template = "f";
    Value statements = "[]";

    ResultSet get() const
    {
        return ResultSet({"quoted_name", "owner", "encoding", "locale_provider", "lc_collate",
                          "lc_ctype", "locale", "icu_rules", "tablespace", "connection_limit",
                          "is_template", "statements"},
                         {{"\"Shop\"", "alice", "UTF8", provider, "de_DE", "C", locale, icu_rules,
                           tablespace, connection_limit, is_template, statements}});
    }
};

CloneOptions all_options()
{
    CloneOptions options;
    options.owners = options.acls = true;
    return options;
}

} // namespace

TEST_CASE("CREATE DATABASE")
{
    Properties properties;
    CHECK(create_database_statement(properties.get(), "pgclone_1_x", 140000) ==
          "CREATE DATABASE \"pgclone_1_x\" TEMPLATE template0 ENCODING 'UTF8' "
          "LC_COLLATE 'de_DE' LC_CTYPE 'C' CONNECTION LIMIT 0");
    CHECK(create_database_statement(properties.get(), "a\"b", 150000) ==
          "CREATE DATABASE \"a\"\"b\" TEMPLATE template0 ENCODING 'UTF8' "
          "LC_COLLATE 'de_DE' LC_CTYPE 'C' LOCALE_PROVIDER libc CONNECTION LIMIT 0");
    properties.tablespace = "fast one";
    CHECK(create_database_statement(properties.get(), "x", 140000)
              .ends_with(" TABLESPACE \"fast one\" CONNECTION LIMIT 0"));
}

TEST_CASE("locale providers")
{
    Properties properties;
    properties.provider = "icu";
    properties.locale = "de'x";
    CHECK(
        create_database_statement(properties.get(), "x", 150000)
            .ends_with(" LC_CTYPE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'de''x' CONNECTION LIMIT 0"));
    CHECK(mentions(
        expect_error("0A000", [&] { create_database_statement(properties.get(), "x", 140009); }),
        "icu"));
    properties.icu_rules = "&a < b";
    CHECK(create_database_statement(properties.get(), "x", 160000)
              .ends_with(" ICU_RULES '&a < b' CONNECTION LIMIT 0"));
    expect_error("0A000", [&] { create_database_statement(properties.get(), "x", 150000); });

    properties = {};
    properties.provider = "builtin";
    properties.locale = "C.UTF-8";
    CHECK(create_database_statement(properties.get(), "x", 170000)
              .ends_with(" LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' CONNECTION LIMIT 0"));
    expect_error("0A000", [&] { create_database_statement(properties.get(), "x", 160000); });

    properties.provider = std::nullopt; // of a server to come
    expect_error("0A000", [&] { create_database_statement(properties.get(), "x", 190000); });
}

TEST_CASE("what comes after CREATE DATABASE")
{
    Properties properties;
    CHECK(database_statements(properties.get(), "x", all_options()) ==
          Strings{"ALTER DATABASE \"x\" CONNECTION LIMIT -1",
                  "ALTER DATABASE \"x\" OWNER TO \"alice\""});

    properties.connection_limit = "7";
    properties.is_template = "t";
    properties.statements = R"([
        ["COMMENT ON DATABASE ", "\"Shop\"", " IS '\"Shop\"'"],
        ["ALTER DATABASE ", "\"Shop\"", " SET work_mem TO '7MB'"],
        ["ALTER ROLE ", {"role": "bob"}, " IN DATABASE ", "\"Shop\"", " SET jit TO 'off'"],
        ["REVOKE TEMPORARY, CONNECT ON DATABASE ", "\"Shop\"", " FROM ", {"role": null}, ""],
        ["SET LOCAL ROLE ", {"role": "bob"}],
        ["GRANT CONNECT ON DATABASE ", "\"Shop\"", " TO ", {"role": "carol"}, ""],
        "RESET ROLE"])";
    CloneOptions options = all_options();
    options.role_map = {{"bob", "Robert"}};
    const Strings all{"ALTER DATABASE \"N\"\"x\" CONNECTION LIMIT 7",
                      "ALTER DATABASE \"N\"\"x\" OWNER TO \"alice\"",
                      "COMMENT ON DATABASE \"N\"\"x\" IS '\"Shop\"'",
                      "ALTER DATABASE \"N\"\"x\" SET work_mem TO '7MB'",
                      "ALTER ROLE \"Robert\" IN DATABASE \"N\"\"x\" SET jit TO 'off'",
                      "REVOKE TEMPORARY, CONNECT ON DATABASE \"N\"\"x\" FROM PUBLIC",
                      "SET LOCAL ROLE \"Robert\"",
                      "GRANT CONNECT ON DATABASE \"N\"\"x\" TO \"carol\"",
                      "RESET ROLE",
                      "ALTER DATABASE \"N\"\"x\" IS_TEMPLATE true"};
    CHECK(database_statements(properties.get(), "N\"x", options) == all);

    options.acls = false;
    options.comments = false;
    CHECK(database_statements(properties.get(), "N\"x", options) ==
          Strings{all[0], all[1], all[3], all[4], all[9]});
    options.owners = false;
    CHECK(database_statements(properties.get(), "N\"x", options) ==
          Strings{all[0], all[3], all[9]});

    properties.statements = "{}";
    expect_error("XX000", [&] { database_statements(properties.get(), "x", options); });
}

TEST_CASE("texts between databases of different encodings")
{
    CHECK(can_be_stored("UTF8", "UTF8"));
    CHECK(can_be_stored("LATIN1", "LATIN1"));
    CHECK(can_be_stored("LATIN1", "UTF8"));
    CHECK(can_be_stored("UTF8", "SQL_ASCII"));
    CHECK_FALSE(can_be_stored("UTF8", "LATIN1"));
    CHECK_FALSE(can_be_stored("SQL_ASCII", "UTF8"));
    CHECK_FALSE(can_be_stored("LATIN1", "LATIN9"));
    CHECK(in_ascii("plain \"text\"") == "plain \"text\"");
    CHECK(in_ascii("späte €-Kasse") == "sp?te ?-Kasse");
    CHECK(in_ascii("") == "");
}
