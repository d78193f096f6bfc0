#include "shared/conninfo.hpp"

#include <cstdlib>

#include "shared/job_state.hpp"
#include "test/unit/expect_error.hpp"

using namespace pgclone;
using pgclone::test::expect_error;
using pgclone::test::mentions;

namespace {

std::string value_of(const ConnectionParameters& parameters, std::string_view keyword)
{
    return std::string(find_parameter(parameters, keyword));
}

// A source that a non-superuser may name, with `more` added.
ConnectionParameters allowed_source(ConnectionParameters more = {})
{
    ConnectionParameters parameters = {{"host", "db.example"}, {"password", "geheim"}};
    parameters.insert(parameters.end(), more.begin(), more.end());
    return parameters;
}

PgError refused(std::string_view sqlstate, const ConnectionParameters& parameters)
{
    PgError error = expect_error(sqlstate, [&] { check_unprivileged_source(parameters); });
    CHECK_FALSE(mentions(error, "geheim"));
    return error;
}

} // namespace

TEST_CASE("what is a connection string and what a name")
{
    CHECK(is_conninfo("host=a"));
    CHECK(is_conninfo("postgresql://"));
    CHECK(is_conninfo("postgres://h/d"));
    CHECK(is_conninfo("a=b"));
    CHECK_FALSE(is_conninfo(""));
    CHECK_FALSE(is_conninfo("my_server"));
    CHECK_FALSE(is_conninfo("postgresql:/x"));
    CHECK_FALSE(is_conninfo("Server one"));
}

TEST_CASE("parsing of both forms")
{
    ConnectionParameters parameters =
        parse_conninfo("host=h port = 5433 dbname='a b' password='p\\'\\\\w' user=u");
    CHECK(parameters.size() == 5);
    CHECK(value_of(parameters, "host") == "h");
    CHECK(value_of(parameters, "port") == "5433");
    CHECK(value_of(parameters, "dbname") == "a b");
    CHECK(value_of(parameters, "password") == "p'\\w");
    CHECK(value_of(parameters, "user") == "u");
    CHECK(value_of(parameters, "sslmode").empty());

    parameters = parse_conninfo("postgresql://u%40x:p%20w@h:5433/d?connect_timeout=3");
    CHECK(value_of(parameters, "user") == "u@x");
    CHECK(value_of(parameters, "password") == "p w");
    CHECK(value_of(parameters, "host") == "h");
    CHECK(value_of(parameters, "port") == "5433");
    CHECK(value_of(parameters, "dbname") == "d");
    CHECK(value_of(parameters, "connect_timeout") == "3");

    CHECK(parse_conninfo("").empty());
}

TEST_CASE("an empty value is not set, the last of two counts")
{
    CHECK(parse_conninfo("host='' password=''").empty());
    CHECK(parse_conninfo("postgresql://:@/").empty());
    const ConnectionParameters parameters = parse_conninfo("host=a host=b");
    CHECK(parameters == ConnectionParameters{{"host", "b"}});
    // Empty at last: libpq would use its default, the socket.
    CHECK(parse_conninfo("host=a host=''").empty());
}

TEST_CASE("the environment is not looked at")
{
    setenv("PGPASSWORD", "from_environment", 1);
    setenv("PGHOST", "from_environment", 1);
    setenv("PGSERVICE", "no_such_service", 1);
    CHECK(parse_conninfo("dbname=d") == ConnectionParameters{{"dbname", "d"}});
    CHECK(is_libpq_keyword("host"));
    unsetenv("PGPASSWORD");
    unsetenv("PGHOST");
    unsetenv("PGSERVICE");
}

TEST_CASE("errors in a connection string repeat nothing of it")
{
    for (const std::string_view text : {
             std::string_view("host=h password=geh eim"),
             std::string_view("host=h password='geheim"),
             std::string_view("password=geheim nosuchkeyword=1"),
             std::string_view("password=geheim host"),
             std::string_view("geheim"),
             std::string_view("=geheim"),
             std::string_view("postgresql://u:geheim@h:5432/d?nosuch=1"),
             std::string_view("postgresql://u:geheim%zz@h/d"),
             std::string_view("postgresql://u:geheim%00@h/d"),
             std::string_view("postgresql://[geheim"),
             std::string_view("host=h\0password=geheim", 22),
         }) {
        CAPTURE(text);
        const PgError error = expect_error("22023", [&] { parse_conninfo(text); });
        CHECK(error.message() == "invalid connection string");
        CHECK_FALSE(mentions(error, "geh"));
        CHECK_FALSE(mentions(error, "eim"));
        CHECK_FALSE(mentions(error, "nosuch"));
    }
}

TEST_CASE("rendering is read back")
{
    const std::string awkward[] = {"a",     "a b",      "it's",          "back\\slash", "'",
                                   "\\",    "\\'",      "line\nfeed",    "=",           "ä€",
                                   " lead", "x'y\\z\"", "postgresql://x"};
    for (const std::string& value : awkward) {
        CAPTURE(value);
        const ConnectionParameters parameters = {
            {"host", value}, {"user", "u"}, {"password", value}};
        const ConnectionParameters read = parse_conninfo(render_conninfo(parameters));
        CHECK(read.size() == 3);
        for (const ConnectionParameter& each : parameters)
            CHECK(value_of(read, each.keyword) == each.value);
    }
    CHECK(render_conninfo({}).empty());
    CHECK(render_conninfo({{"host", "h"}, {"port", "1"}}) == "host='h' port='1'");
}

TEST_CASE("redaction")
{
    const ConnectionParameters parameters =
        parse_conninfo("host=h password=geheim sslpassword=geheim sslkey=/k user=u");
    const std::string text = redact_conninfo(parameters);
    CHECK(text.find("geheim") == std::string::npos);
    CHECK(text.find("password") == std::string::npos);
    CHECK(parse_conninfo(text).size() == 3);
    CHECK(value_of(parse_conninfo(text), "host") == "h");
    // From user mappings: every occurrence goes, and what libpq does not know.
    CHECK(redact_conninfo({{"password", "geheim"},
                           {"host", "h"},
                           {"scram_client_key", "geheim"},
                           {"passcode", "geheim"},
                           {"password", "geheim2"}}) == "host='h'");
    CHECK(redact_conninfo({}).empty());
}

TEST_CASE("libpq's keywords")
{
    for (const char* keyword : {"host", "hostaddr", "port", "dbname", "user", "password", "sslmode",
                                "service", "passfile", "options", "target_session_attrs"})
        CHECK(is_libpq_keyword(keyword));
    for (const char* keyword : {"", "Host", "hos", "hosts", "fetch_size", "use_remote_estimate"})
        CHECK_FALSE(is_libpq_keyword(keyword));
}

TEST_CASE("finding and setting")
{
    ConnectionParameters parameters = {{"host", "a"}, {"host", "b"}, {"host", ""}, {"port", "1"}};
    CHECK(find_parameter(parameters, "host") == "b");
    CHECK(find_parameter(parameters, "user").empty());
    set_parameter(parameters, "host", "c");
    CHECK(parameters == ConnectionParameters{{"port", "1"}, {"host", "c"}});
    set_parameter(parameters, "user", "u");
    CHECK(find_parameter(parameters, "user") == "u");
    set_parameter(parameters, "host", "");
    CHECK(parameters == ConnectionParameters{{"port", "1"}, {"user", "u"}});
}

TEST_CASE("sources of non-superusers: what is allowed")
{
    CHECK_NOTHROW(check_unprivileged_source(allowed_source()));
    CHECK_NOTHROW(check_unprivileged_source({{"hostaddr", "192.0.2.1"}, {"password", "x"}}));
    CHECK_NOTHROW(check_unprivileged_source({{"hostaddr", "::1"}, {"password", "x"}}));
    for (const char* keyword :
         {"port", "dbname", "user", "sslmode", "connect_timeout", "keepalives", "keepalives_idle",
          "keepalives_interval", "keepalives_count", "tcp_user_timeout", "application_name",
          "channel_binding", "target_session_attrs"})
        CHECK_NOTHROW(check_unprivileged_source(allowed_source({{keyword, "1"}})));
    // A comma or a slash elsewhere is nothing special.
    CHECK_NOTHROW(
        check_unprivileged_source(allowed_source({{"dbname", "/a,b"}, {"user", "@a,b"}})));
}

TEST_CASE("sources of non-superusers: parameters outside the allow-list")
{
    // All that this libpq knows, so that a new one is noticed here as well.
    for (const char* keyword : {"service",
                                "passfile",
                                "sslcert",
                                "sslkey",
                                "sslrootcert",
                                "sslcrl",
                                "sslcrldir",
                                "sslpassword",
                                "sslcompression",
                                "sslsni",
                                "ssl_min_protocol_version",
                                "ssl_max_protocol_version",
                                "requirepeer",
                                "krbsrvname",
                                "gssencmode",
                                "gsslib",
                                "replication",
                                "options",
                                "client_encoding",
                                "fallback_application_name",
                                "tty",
                                "authtype"}) {
        if (!is_libpq_keyword(keyword))
            continue;
        const PgError error = refused("42501", allowed_source({{keyword, "1"}}));
        CHECK(error.message() ==
              "connection parameter \"" + std::string(keyword) + "\" is not allowed");
    }
    CHECK(refused("42501", allowed_source({{"geheim", "1"}})).message() ==
          "unknown connection parameter");
}

TEST_CASE("sources of non-superusers: hosts")
{
    for (const char* host : {"/tmp", "/", "@abstract", "@"}) {
        CHECK(refused("42501", {{"host", host}, {"password", "x"}}).message() ==
              "connection parameter \"host\" must not be a socket path");
        refused("42501", {{"hostaddr", host}, {"password", "x"}});
    }
    for (const char* host : {"a,b", ",", "a,", ",/tmp"})
        CHECK(refused("42501", {{"host", host}, {"password", "x"}}).message() ==
              "connection parameter \"host\" must not be a list");
    refused("42501", {{"hostaddr", "192.0.2.1,192.0.2.2"}, {"password", "x"}});
    refused("42501", allowed_source({{"port", "5432,5433"}}));
    // A list that libpq would not use, since a later value follows, is refused all the same.
    refused("42501", {{"host", "/tmp"}, {"host", "h"}, {"password", "x"}});

    CHECK(mentions(refused("22023", {{"password", "x"}}), "host"));
    CHECK(mentions(refused("22023", {{"host", ""}, {"password", "x"}}), "host"));
    CHECK(mentions(refused("22023", {{"host", ""}, {"hostaddr", ""}, {"password", "x"}}), "host"));
    CHECK(mentions(refused("22023", parse_conninfo("password=x host=a host=''")), "host"));
    CHECK(mentions(refused("22023", parse_conninfo("postgresql://u:x@/d")), "host"));
    refused("42501", parse_conninfo("postgresql://u:x@%2Ftmp/d"));
    refused("42501", parse_conninfo("postgresql://u:x@a,b/d"));
    refused("42501", parse_conninfo("postgresql://u:x@/d?host=/tmp"));
}

TEST_CASE("sources of non-superusers: the password")
{
    CHECK(refused("2F003", {{"host", "h"}}).message() == "password is required");
    refused("2F003", {{"host", "h"}, {"password", ""}});
    refused("2F003", parse_conninfo("host=h password=x password=''"));
    CHECK_NOTHROW(check_unprivileged_source(parse_conninfo("host=h password=x")));
}

TEST_CASE("sources of non-superusers: a connection string hidden in dbname")
{
    for (const char* name : {"host=/tmp", "postgresql://h/d", "postgres://", "a=b"}) {
        CHECK(refused("42501", allowed_source({{"dbname", name}})).message() ==
              "connection parameter \"dbname\" must not be a connection string");
    }
}

TEST_CASE("the loopback address")
{
    CHECK_NOTHROW(check_loopback_conninfo({}));
    CHECK_NOTHROW(check_loopback_conninfo(parse_conninfo("host=/run/postgresql port=5433")));
    CHECK(expect_error("22023", [] {
              check_loopback_conninfo({{"host", "h"}, {"user", "u"}});
          }).message() == "connection parameter \"user\" is not allowed");
    CHECK(expect_error("22023", [] {
              check_loopback_conninfo(parse_conninfo("dbname=d"));
          }).message() == "connection parameter \"dbname\" is not allowed");
    expect_error("22023", [] { check_loopback_conninfo(parse_conninfo("postgresql://u@h")); });
    expect_error("22023", [] { check_loopback_conninfo({{"geheim", "1"}}); });
}

TEST_CASE("a connection string must fit into a job slot")
{
    CHECK_NOTHROW(check_conninfo_length(std::string(conninfo_bytes - 1, 'x')));
    const PgError error =
        expect_error("22023", [] { check_conninfo_length(std::string(conninfo_bytes, 'x')); });
    CHECK(error.message() == "argument \"source\" is too long");
    CHECK(mentions(error, "2047"));
    CHECK_FALSE(mentions(error, "xx"));
}
