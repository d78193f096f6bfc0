#include "shared/error_types.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "shared/cpp_only.hpp"

namespace pgclone {

bool is_error_sqlstate(std::string_view text) noexcept
{
    const auto is_allowed = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); };
    return text.size() == 5 && !text.starts_with("00") &&
           std::all_of(text.begin(), text.end(), is_allowed);
}

PgError::PgError(std::string_view sqlstate, std::string message, std::string detail,
                 std::string hint)
    : sqlstate_(is_error_sqlstate(sqlstate) ? sqlstate : sqlstate::internal_error), message_(std::move(message)), detail_(std::move(detail)),
      hint_(std::move(hint))
{
}

PgError::PgError(const ErrorRecord& record)
    : sqlstate_(record.sqlstate), message_(record.message), detail_(record.detail),
      hint_(record.hint)
{
}

bool copy_text(char* target, std::size_t target_bytes, std::string_view text) noexcept
{
    std::size_t length = text.size();
    const bool fits = length < target_bytes;
    if (!fits) {
        length = target_bytes - 1;
        // Step back over continuation bytes, so that no character is cut in two. More than three
        // of them are no UTF-8: such a text is cut where it must be.
        const std::size_t at_least = length > 3 ? length - 3 : 0;
        std::size_t start = length;
        while (start > at_least && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80)
            start--;
        if ((static_cast<unsigned char>(text[start]) & 0xC0) != 0x80)
            length = start;
    }
    if (length > 0)
        std::memcpy(target, text.data(), length);
    target[length] = '\0';
    return fits;
}

void fill_record(ErrorRecord& record, std::string_view sqlstate, std::string_view message,
                 std::string_view detail, std::string_view hint) noexcept
{
    copy_text(record.sqlstate, is_error_sqlstate(sqlstate) ? sqlstate : sqlstate::internal_error);
    copy_text(record.message, message);
    copy_text(record.detail, detail);
    copy_text(record.hint, hint);
}

void record_current_exception(ErrorRecord& record) noexcept
{
    try {
        throw;
    } catch (const PgError& error) {
        fill_record(record, error.sqlstate(), error.message(), error.detail(), error.hint());
    } catch (const std::bad_alloc&) {
        fill_record(record, sqlstate::out_of_memory, "out of memory");
    } catch (const std::exception& error) {
        const char* what = error.what();
        fill_record(record, sqlstate::internal_error, what ? what : "C++ exception without a text");
    } catch (...) {
        fill_record(record, sqlstate::internal_error, "unknown C++ exception");
    }
}

} // namespace pgclone
