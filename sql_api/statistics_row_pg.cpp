#include <cmath>

#include "sql_api/statistics_row_pg.hpp"

extern "C" {
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"
}

namespace pgclone {

namespace {

// ANALYZE takes no larger target; of elements it keeps ten times as many.
constexpr int most_values = 10000;
constexpr int most_elements = 10 * most_values;
// ANALYZE passes over values of more than 1 kB.
constexpr Size most_array_bytes = Size{1024} * (most_values + 1);
// What is wider is stored elsewhere, and counts as a pointer. Servers before 17 add widths up as int.
constexpr int32 most_bytes = 32767;

[[noreturn]] void raise_unusable(const char* what, const char* why)
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("argument \"%s\" is no statistic of this column", what),
                    errdetail_internal("%s", why)));
    pg_unreachable();
}

// Of a type with an analysis of its own pg_stats may not show all.
bool has_known_analysis(Oid type)
{
    HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
    if (!HeapTupleIsValid(tuple))
        elog(ERROR, "cache lookup failed for type %u", type);
    const Oid analysis = reinterpret_cast<Form_pg_type>(GETSTRUCT(tuple))->typanalyze;
    ReleaseSysCache(tuple);
    return !OidIsValid(analysis) || analysis == F_ARRAY_TYPANALYZE || analysis == F_TS_TYPANALYZE;
}

// Those of a one-dimensional array without NULLs (and without a place for them: a slice of another array
// may have one, and the planner takes it for the other).
struct Numbers {
    const float4* at;
    int count;
};

Numbers read_numbers(ArrayType* array, const char* what)
{
    if (ARR_NDIM(array) != 1 || ARR_HASNULL(array) || ARR_ELEMTYPE(array) != FLOAT4OID)
        raise_unusable(what, "It must be an array of one dimension without nulls.");
    return {reinterpret_cast<const float4*>(ARR_DATA_PTR(array)), ARR_DIMS(array)[0]};
}

void require_fractions(const Numbers& numbers, const char* what)
{
    for (int i = 0; i < numbers.count; i++)
        if (!(numbers.at[i] >= 0 && numbers.at[i] <= 1))
            raise_unusable(what, "Its elements must be from 0 to 1.");
}

ArrayType* read_values(const char* text, const char* what, Oid type, int32 type_modifier, int most)
{
    const Datum datum = OidInputFunctionCall(F_ARRAY_IN, const_cast<char*>(text), type, type_modifier);
    ArrayType* array = DatumGetArrayTypeP(datum);
    if (ARR_NDIM(array) != 1 || ARR_HASNULL(array))
        raise_unusable(what, "It must be an array of one dimension without nulls.");
    if (ARR_DIMS(array)[0] > most || VARSIZE(array) > most_array_bytes)
        raise_unusable(what, "It is too large.");
    return array;
}

struct Values {
    Datum* at;
    int count;
};

Values elements_of(ArrayType* array)
{
    int16 length = 0;
    bool by_value = false;
    char alignment = 0;
    get_typlenbyvalalign(ARR_ELEMTYPE(array), &length, &by_value, &alignment);
    Values values = {};
    deconstruct_array(array, ARR_ELEMTYPE(array), length, by_value, alignment, &values.at, nullptr,
                      &values.count);
    return values;
}

// The planner looks for values by halves. Servers may sort the same texts in different orders.
bool is_in_order(ArrayType* array, TypeCacheEntry* type, Oid collation)
{
    const Values values = elements_of(array);
    for (int i = 1; i < values.count; i++)
        if (DatumGetInt32(FunctionCall2Coll(&type->cmp_proc_finfo, collation, values.at[i - 1],
                                            values.at[i])) > 0)
            return false;
    return true;
}

// Lexemes have an order of their own: by length, then by bytes.
bool is_in_lexeme_order(ArrayType* array)
{
    const Values lexemes = elements_of(array);
    for (int i = 1; i < lexemes.count; i++) {
        const text* left = DatumGetTextPP(lexemes.at[i - 1]);
        const text* right = DatumGetTextPP(lexemes.at[i]);
        const Size left_size = VARSIZE_ANY_EXHDR(left);
        const Size right_size = VARSIZE_ANY_EXHDR(right);
        if (left_size > right_size ||
            (left_size == right_size && memcmp(VARDATA_ANY(left), VARDATA_ANY(right), left_size) > 0))
            return false;
    }
    return true;
}

TypeCacheEntry* comparable_type(Oid type, const char* what)
{
    TypeCacheEntry* entry = lookup_type_cache(
        type, TYPECACHE_EQ_OPR | TYPECACHE_LT_OPR | TYPECACHE_CMP_PROC_FINFO);
    if (!OidIsValid(entry->eq_opr) || !OidIsValid(entry->lt_opr) ||
        !OidIsValid(entry->cmp_proc_finfo.fn_oid))
        raise_unusable(what, "Values of its type have no order.");
    return entry;
}

// The type of what an array's column has as elements. (A tsvector's lexemes are no such.)
Oid array_element_type(Oid type, const char* what)
{
    const Oid element = get_base_element_type(type);
    if (!OidIsValid(element))
        raise_unusable(what, "Its type has no elements.");
    return element;
}

} // namespace

StatisticsRow::StatisticsRow(Oid relation, const StatisticsColumn& column, bool inherited)
    : column_(column), can_be_stored_(has_known_analysis(column.type))
{
    for (int slot = 0; slot < STATISTIC_NUM_SLOTS; slot++) {
        values_[Anum_pg_statistic_stakind1 - 1 + slot] = Int16GetDatum(0);
        values_[Anum_pg_statistic_staop1 - 1 + slot] = ObjectIdGetDatum(InvalidOid);
        values_[Anum_pg_statistic_stacoll1 - 1 + slot] = ObjectIdGetDatum(InvalidOid);
        nulls_[Anum_pg_statistic_stanumbers1 - 1 + slot] = true;
        nulls_[Anum_pg_statistic_stavalues1 - 1 + slot] = true;
    }
    values_[Anum_pg_statistic_starelid - 1] = ObjectIdGetDatum(relation);
    values_[Anum_pg_statistic_staattnum - 1] = Int16GetDatum(column.number);
    values_[Anum_pg_statistic_stainherit - 1] = BoolGetDatum(inherited);
}

void StatisticsRow::set_basics(float4 null_fraction, int32 average_width, float4 distinct)
{
    if (!(null_fraction >= 0 && null_fraction <= 1))
        raise_unusable("null_frac", "It must be from 0 to 1.");
    if (average_width < 0)
        raise_unusable("avg_width", "It must not be negative.");
    can_be_stored_ = can_be_stored_ && average_width <= most_bytes;
    if (!(distinct >= -1 && std::isfinite(distinct)))
        raise_unusable("n_distinct", "It must be a number from -1 on.");
    values_[Anum_pg_statistic_stanullfrac - 1] = Float4GetDatum(null_fraction);
    values_[Anum_pg_statistic_stawidth - 1] = Int32GetDatum(average_width);
    values_[Anum_pg_statistic_stadistinct - 1] = Float4GetDatum(distinct);
}

void StatisticsRow::add_common_values(const char* values, ArrayType* frequencies)
{
    const Numbers numbers = read_numbers(frequencies, "most_common_freqs");
    require_fractions(numbers, "most_common_freqs");
    TypeCacheEntry* type = lookup_type_cache(column_.type, TYPECACHE_EQ_OPR);
    if (!OidIsValid(type->eq_opr))
        raise_unusable("most_common_vals", "Values of its type cannot be compared.");
    ArrayType* array = read_values(values, "most_common_vals", column_.type, column_.type_modifier,
                                   most_values);
    if (ARR_DIMS(array)[0] != numbers.count)
        raise_unusable("most_common_freqs", "It must have an element for each common value.");
    add_slot(STATISTIC_KIND_MCV, type->eq_opr, column_.collation, frequencies, array);
}

void StatisticsRow::add_histogram(const char* bounds)
{
    constexpr const char* what = "histogram_bounds";
    TypeCacheEntry* type = comparable_type(column_.type, what);
    ArrayType* array = read_values(bounds, what, column_.type, column_.type_modifier, most_values + 1);
    if (ARR_DIMS(array)[0] < 2)
        raise_unusable(what, "It must have at least two elements.");
    can_be_stored_ = can_be_stored_ && is_in_order(array, type, column_.collation);
    add_slot(STATISTIC_KIND_HISTOGRAM, type->lt_opr, column_.collation, nullptr, array);
}

void StatisticsRow::add_correlation(float4 correlation)
{
    constexpr const char* what = "correlation";
    if (!(correlation >= -1 && correlation <= 1))
        raise_unusable(what, "It must be from -1 to 1.");
    const TypeCacheEntry* type = comparable_type(column_.type, what);
    Datum number = Float4GetDatum(correlation);
    ArrayType* numbers =
        construct_array(&number, 1, FLOAT4OID, sizeof(float4), true, TYPALIGN_INT);
    add_slot(STATISTIC_KIND_CORRELATION, type->lt_opr, column_.collation, numbers, nullptr);
}

// After the frequencies come the lowest and the highest of them, and, of arrays, that of NULL.
void StatisticsRow::add_common_elements(const char* elements, ArrayType* frequencies)
{
    constexpr const char* what = "most_common_elems";
    const Numbers numbers = read_numbers(frequencies, "most_common_elem_freqs");
    require_fractions(numbers, "most_common_elem_freqs");
    const bool is_lexemes = getBaseType(column_.type) == TSVECTOROID;
    const Oid element = is_lexemes ? TEXTOID : array_element_type(column_.type, what);
    ArrayType* array = read_values(elements, what, element, is_lexemes ? -1 : column_.type_modifier,
                                   most_elements);
    if (numbers.count != ARR_DIMS(array)[0] + (is_lexemes ? 2 : 3))
        raise_unusable("most_common_elem_freqs", "It has another number of elements than it must.");
    if (is_lexemes) {
        can_be_stored_ = can_be_stored_ && is_in_lexeme_order(array);
        add_slot(STATISTIC_KIND_MCELEM, TextEqualOperator, DEFAULT_COLLATION_OID, frequencies, array);
    } else {
        TypeCacheEntry* type = comparable_type(element, what);
        can_be_stored_ = can_be_stored_ && is_in_order(array, type, column_.collation);
        add_slot(STATISTIC_KIND_MCELEM, type->eq_opr, column_.collation, frequencies, array);
    }
}

// A histogram of how many distinct elements an array has, and after it their average.
void StatisticsRow::add_element_counts(ArrayType* counts)
{
    constexpr const char* what = "elem_count_histogram";
    const TypeCacheEntry* type = comparable_type(array_element_type(column_.type, what), what);
    const Numbers numbers = read_numbers(counts, what);
    if (numbers.count < 3 || numbers.count > most_elements)
        raise_unusable(what, "It has another number of elements than it must.");
    for (int i = 0; i < numbers.count; i++) {
        const bool is_average = i == numbers.count - 1;
        const float4 least = i == 0 || is_average ? 0 : numbers.at[i - 1];
        if (!(numbers.at[i] >= least && std::isfinite(numbers.at[i])))
            raise_unusable(what, "Its elements must be in ascending order.");
    }
    add_slot(STATISTIC_KIND_DECHIST, type->eq_opr, column_.collation, counts, nullptr);
}

// As many as there are kinds that one column can have.
void StatisticsRow::add_slot(int16 kind, Oid op, Oid collation, ArrayType* numbers,
                             ArrayType* values)
{
    const int slot = slots_++;
    Assert(slot < STATISTIC_NUM_SLOTS);
    values_[Anum_pg_statistic_stakind1 - 1 + slot] = Int16GetDatum(kind);
    values_[Anum_pg_statistic_staop1 - 1 + slot] = ObjectIdGetDatum(op);
    values_[Anum_pg_statistic_stacoll1 - 1 + slot] = ObjectIdGetDatum(collation);
    if (numbers) {
        values_[Anum_pg_statistic_stanumbers1 - 1 + slot] = PointerGetDatum(numbers);
        nulls_[Anum_pg_statistic_stanumbers1 - 1 + slot] = false;
    }
    if (values) {
        values_[Anum_pg_statistic_stavalues1 - 1 + slot] = PointerGetDatum(values);
        nulls_[Anum_pg_statistic_stavalues1 - 1 + slot] = false;
    }
}

void StatisticsRow::store()
{
    Relation catalog = table_open(StatisticRelationId, RowExclusiveLock);
    HeapTuple old = SearchSysCache3(STATRELATTINH, values_[Anum_pg_statistic_starelid - 1],
                                    values_[Anum_pg_statistic_staattnum - 1],
                                    values_[Anum_pg_statistic_stainherit - 1]);
    HeapTuple tuple = heap_form_tuple(RelationGetDescr(catalog), values_, nulls_);
    if (HeapTupleIsValid(old)) {
        CatalogTupleUpdate(catalog, &old->t_self, tuple);
        ReleaseSysCache(old);
    } else {
        CatalogTupleInsert(catalog, tuple);
    }
    heap_freetuple(tuple);
    table_close(catalog, RowExclusiveLock);
    CommandCounterIncrement(); // another call of the same command may find the row
}

} // namespace pgclone
