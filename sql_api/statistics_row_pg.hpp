// What ANALYZE keeps about a table, as the server has it in pg_statistic and pg_class.
//
// The kinds of statistics, what their numbers mean and which of them the planner searches by halves
// are described in the server's catalog/pg_statistic.h and in the functions *_typanalyze.
#pragma once

#include "shared/server_pg.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_statistic.h"
#include "utils/array.h"
#include "utils/rel.h"
}

namespace pgclone {

// A column of a table, or an expression that an index has as one.
struct StatisticsColumn {
    AttrNumber number;
    Oid type;
    int32 type_modifier;
    Oid collation;
};

// A column's statistics as they will be stored, put together from what a caller says. The planner
// trusts the form of what it finds there, so that is checked: types, numbers and their ranges, order.
// Whether it is true is the caller's business.
// Plain data. Each function raises 22023 for numbers or values that cannot be, and what a type's
// input function says. What other servers have good reasons for is no error, but can_be_stored().
class StatisticsRow {
  public:
    StatisticsRow(Oid relation, const StatisticsColumn& column, bool inherited);

    void set_basics(float4 null_fraction, int32 average_width, float4 distinct);
    void add_common_values(const char* values, ArrayType* frequencies);
    void add_histogram(const char* bounds);
    void add_correlation(float4 correlation);
    void add_common_elements(const char* elements, ArrayType* frequencies);
    void add_element_counts(ArrayType* counts);

    // False if values are not in the order that this server has, if the column's type has statistics
    // of kinds that are not known here, or if its values (an expression's) are very wide.
    bool can_be_stored() const { return can_be_stored_; }
    // Takes the place of the row that is there, if any.
    void store();

  private:
    void add_slot(int16 kind, Oid op, Oid collation, ArrayType* numbers, ArrayType* values);

    StatisticsColumn column_;
    bool can_be_stored_;
    int slots_ = 0;
    Datum values_[Natts_pg_statistic] = {};
    bool nulls_[Natts_pg_statistic] = {};
};

} // namespace pgclone
