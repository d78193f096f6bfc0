// Connection strings: what is shown of one must not have its secrets, nor what an error says.
#include "fuzz_target.hpp"

#include <string>

#include "shared/conninfo.hpp"
#include "shared/server_message.hpp"

using namespace pgclone;

namespace {

// Something that no input has by chance, so that it is found wherever it appears.
constexpr std::string_view canary = "c4n4ry-S3cr3t";

bool shows_canary(std::string_view text)
{
    return text.find(canary) != std::string_view::npos;
}

void check_parsing(std::string_view text)
{
    ConnectionParameters parameters;
    if (!fuzz::succeeds([&] { parameters = parse_conninfo(text); },
                        sqlstate::invalid_parameter_value))
        return;
    fuzz::require(parse_conninfo(render_conninfo(parameters)) == parameters);
    fuzz::succeeds([&] { check_unprivileged_source(parameters); },
                   sqlstate::insufficient_privilege, sqlstate::invalid_parameter_value, "2F003");
    fuzz::succeeds([&] { check_loopback_conninfo(parameters); },
                   sqlstate::invalid_parameter_value);

    const std::string shown = redact_conninfo(parameters);
    for (const ConnectionParameter& parameter : parse_conninfo(shown))
        fuzz::require(parameter.keyword != "password" && parameter.keyword != "sslpassword");
    set_parameter(parameters, "password", std::string(canary));
    set_parameter(parameters, "sslpassword", std::string(canary));
    fuzz::require(redact_conninfo(parameters) == shown);
}

// In whatever place of a malformed string a password stands: the error must not repeat it.
void check_error(std::string_view text)
{
    const std::string source = std::string(text.substr(0, text.size() / 2)) + std::string(canary) +
                               std::string(text.substr(text.size() / 2));
    try {
        check_unprivileged_source(parse_conninfo(source));
    } catch (const PgError& error) {
        fuzz::require(!shows_canary(error.message()) && !shows_canary(error.detail()) &&
                      !shows_canary(error.hint()));
    }
}

// What a server says goes to the ledger, the log and a terminal.
void check_message(std::string_view text)
{
    const std::string cleaned = clean_text(text);
    fuzz::require(clean_text(cleaned) == cleaned);
    for (const char c : cleaned)
        fuzz::require(c == '\n' || c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F));
    const std::string repeated = std::string(text) + std::string(canary) + std::string(text);
    fuzz::require(!shows_canary(without_secret(repeated, canary)));
    fuzz::require(parse_connection_failure(text).sqlstate().size() == 5);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text = fuzz::as_text(data, size);
    check_parsing(text);
    check_error(text);
    check_message(text);
    return 0;
}
