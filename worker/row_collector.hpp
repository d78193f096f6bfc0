// How PgSession keeps the rows of an answer. For pg_session.cpp alone.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <libpq-fe.h>

#include "worker/pg_session.hpp"

namespace pgclone {

// Collects the rows of a query as they come. A source may answer with rows for ever: more than a
// catalog query can yield is an error.
class RowCollector {
  public:
    // If the answer is taken in pieces, so much does not have to fit into memory.
    static constexpr std::size_t max_pieces_bytes = 512 * 1024 * 1024;
    static constexpr std::size_t max_answer_bytes = 128 * 1024 * 1024;

    explicit RowCollector(std::size_t max_bytes = max_answer_bytes) : max_bytes_(max_bytes) {}

    // Raises 54000 when it is too much.
    void add(const PGresult* result, SessionSide side)
    {
        const int column_count = PQnfields(result);
        if (columns_.empty()) {
            for (int column = 0; column < column_count; column++)
                columns_.emplace_back(PQfname(result, column));
        }
        for (int row = 0; row < PQntuples(result); row++) {
            std::vector<ResultSet::Value>& values = rows_.emplace_back();
            values.reserve(column_count);
            for (int column = 0; column < column_count; column++)
                values.push_back(take_value(result, row, column, side));
            bytes_ += sizeof(values) + column_count * sizeof(ResultSet::Value);
        }
        if (bytes_ > max_bytes_)
            throw PgError(sqlstate::program_limit_exceeded, "the answer of the " +
                                                                std::string(side_name(side)) +
                                                                " server to a query is too large");
    }

    std::size_t size() const noexcept { return rows_.size(); }

    // What has come since the last call.
    ResultSet take()
    {
        return ResultSet(columns_, std::exchange(rows_, {}));
    }

  private:
    ResultSet::Value take_value(const PGresult* result, int row, int column, SessionSide side)
    {
        if (PQgetisnull(result, row, column))
            return std::nullopt;
        const int length = PQgetlength(result, row, column);
        bytes_ += length;
        std::string value(PQgetvalue(result, row, column), length);
        // No text of a server has one. In a statement it would hide what comes after it.
        if (value.find('\0') != std::string::npos)
            throw PgError(sqlstate::protocol_violation, "the " + std::string(side_name(side)) +
                                                            " server sent a text with a zero byte");
        return value;
    }

    std::size_t max_bytes_;
    std::vector<std::string> columns_;
    std::vector<std::vector<ResultSet::Value>> rows_;
    std::size_t bytes_ = 0;
};

} // namespace pgclone
