// Errors on the C++ side, and the plain record in which an error crosses the boundary.
#pragma once

#include <cstddef>
#include <exception>
#include <string>
#include <string_view>

namespace pgclone {

// An error as plain bytes: what is copied across the boundary, where neither an exception nor an
// ErrorData may go. All fields are NUL-terminated; a longer text is cut at a UTF-8 character.
struct ErrorRecord {
    static constexpr std::size_t text_bytes = 1024;

    char sqlstate[6];
    char message[text_bytes];
    char detail[text_bytes];
    char hint[text_bytes];
};

// SQLSTATEs that this code raises or tests by name (PostgreSQL documentation, appendix A).
namespace sqlstate {
inline constexpr std::string_view connection_exception = "08000";
inline constexpr std::string_view unable_to_connect = "08001";
inline constexpr std::string_view connection_failure = "08006";
inline constexpr std::string_view protocol_violation = "08P01";
inline constexpr std::string_view feature_not_supported = "0A000";
inline constexpr std::string_view character_not_in_repertoire = "22021";
inline constexpr std::string_view invalid_parameter_value = "22023";
inline constexpr std::string_view null_value_not_allowed = "22004";
inline constexpr std::string_view data_corrupted = "XX001";
inline constexpr std::string_view internal_error = "XX000";
inline constexpr std::string_view invalid_authorization = "28000";
inline constexpr std::string_view invalid_password = "28P01";
inline constexpr std::string_view insufficient_privilege = "42501";
inline constexpr std::string_view syntax_error = "42601";
inline constexpr std::string_view undefined_table = "42P01";
inline constexpr std::string_view undefined_function = "42883";
inline constexpr std::string_view duplicate_table = "42P07";
inline constexpr std::string_view undefined_object = "42704";
inline constexpr std::string_view duplicate_object = "42710";
inline constexpr std::string_view undefined_column = "42703";
inline constexpr std::string_view undefined_schema = "3F000";
inline constexpr std::string_view wrong_object_type = "42809";
inline constexpr std::string_view deadlock_detected = "40P01";
inline constexpr std::string_view dependent_objects_exist = "2BP01";
inline constexpr std::string_view disk_full = "53100";
inline constexpr std::string_view out_of_memory = "53200";
inline constexpr std::string_view too_many_connections = "53300";
inline constexpr std::string_view configuration_limit_exceeded = "53400";
inline constexpr std::string_view program_limit_exceeded = "54000";
inline constexpr std::string_view object_not_in_prerequisite_state = "55000";
inline constexpr std::string_view object_in_use = "55006";
inline constexpr std::string_view lock_not_available = "55P03";
inline constexpr std::string_view query_canceled = "57014";
inline constexpr std::string_view admin_shutdown = "57P01";
inline constexpr std::string_view crash_shutdown = "57P02";
inline constexpr std::string_view io_error = "58030";
} // namespace sqlstate

// An error with the parts that PostgreSQL's error reports have. Message style follows
// PostgreSQL's: the message lower case without a full stop, detail and hint whole sentences.
class PgError : public std::exception {
  public:
    PgError(std::string_view sqlstate, std::string message, std::string detail = {},
            std::string hint = {});
    explicit PgError(const ErrorRecord& record);

    const std::string& sqlstate() const noexcept { return sqlstate_; }
    const std::string& message() const noexcept { return message_; }
    const std::string& detail() const noexcept { return detail_; }
    const std::string& hint() const noexcept { return hint_; }
    const char* what() const noexcept override { return message_.c_str(); }

  private:
    std::string sqlstate_;
    std::string message_;
    std::string detail_;
    std::string hint_;
};

// True for five characters out of 0-9 and A-Z that say an error, not a success. A foreign server may
// send anything in their place; whatever fails this test becomes XX000.
bool is_error_sqlstate(std::string_view text) noexcept;

// Fills `record`; never throws. A part that does not fit is cut.
void fill_record(ErrorRecord& record, std::string_view sqlstate, std::string_view message,
                 std::string_view detail = {}, std::string_view hint = {}) noexcept;

// Describes the exception that is being handled: PgError as it is, std::bad_alloc as 53200, all
// else as XX000 with what() where there is one. Call only inside a catch block.
void record_current_exception(ErrorRecord& record) noexcept;

// Copies `text` into a fixed array, NUL-terminated, cut at a UTF-8 character if it must be.
// Returns false if it was cut.
bool copy_text(char* target, std::size_t target_bytes, std::string_view text) noexcept;

template <std::size_t N>
bool copy_text(char (&target)[N], std::string_view text) noexcept
{
    return copy_text(target, N, text);
}

} // namespace pgclone
