#include "shared/server_message.hpp"

#include <algorithm>
#include <cstddef>

namespace pgclone {

namespace {

// Length of the UTF-8 character at `text[at]`, 0 if there is none.
std::size_t character_length(std::string_view text, std::size_t at)
{
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(at);
    if (lead < 0x80)
        return 1;
    std::size_t length = 0;
    if (lead >= 0xC2 && lead <= 0xDF)
        length = 2;
    else if (lead >= 0xE0 && lead <= 0xEF)
        length = 3;
    else if (lead >= 0xF0 && lead <= 0xF4)
        length = 4;
    if (length == 0 || at + length > text.size())
        return 0;
    for (std::size_t i = 1; i < length; i++) {
        if ((byte(at + i) & 0xC0) != 0x80)
            return 0;
    }
    // Overlong forms, surrogates, and what lies beyond U+10FFFF.
    const unsigned char second = byte(at + 1);
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
        (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F))
        return 0;
    return length;
}

// Of both sets, C0 and C1: U+009B begins an escape sequence of terminals as well as U+001B does.
bool is_control(std::string_view text, std::size_t at, std::size_t length)
{
    const auto first = static_cast<unsigned char>(text[at]);
    if (length == 2)
        return first == 0xC2 && static_cast<unsigned char>(text[at + 1]) < 0xA0;
    return (first < 0x20 && first != '\n' && first != '\t') || first == 0x7F;
}

} // namespace

std::string clean_text(std::string_view text)
{
    std::string clean;
    clean.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = character_length(text, at);
        if (length == 0 || is_control(text, at, length))
            clean += '?';
        else
            clean.append(text, at, length);
        at += std::max<std::size_t>(length, 1);
    }
    return clean;
}

std::string without_secret(std::string_view text, std::string_view secret)
{
    constexpr std::size_t shortest_secret = 3;
    std::string masked(text);
    if (secret.size() < shortest_secret)
        return masked;
    constexpr std::string_view mask = "***";
    for (auto at = masked.find(secret); at != std::string::npos;
         at = masked.find(secret, at + mask.size()))
        masked.replace(at, secret.size(), mask);
    return masked;
}

PgError parse_connection_failure(std::string_view text)
{
    std::string message = clean_text(text);
    // VERBOSE adds a line about the place in the server's source, of no use to anybody here.
    if (const auto location = message.find("\nLOCATION:"); location != std::string::npos)
        message.erase(location);
    while (!message.empty() && message.back() == '\n')
        message.pop_back();

    std::string detail, hint;
    auto take_part = [&message](std::string_view label, std::string& part) {
        const auto at = message.find(label);
        if (at == std::string::npos)
            return;
        const auto end = message.find('\n', at + 1);
        const auto from = at + label.size();
        part = message.substr(from, end == std::string::npos ? end : end - from);
        message.erase(at, end == std::string::npos ? end : end - at);
    };
    take_part("\nHINT:  ", hint);
    take_part("\nDETAIL:  ", detail);

    // "SEVERITY:  SQLSTATE: text"
    for (auto at = message.find(":  "); at != std::string::npos; at = message.find(":  ", at + 1)) {
        const std::string_view state = std::string_view(message).substr(at + 3, 5);
        if (is_error_sqlstate(state) && message.compare(at + 8, 2, ": ") == 0) {
            const std::string sqlstate(state);
            message.erase(at + 3, 7);
            return PgError(sqlstate, message, detail, hint);
        }
    }
    return PgError(sqlstate::unable_to_connect, message, detail, hint);
}

} // namespace pgclone
