// pgclone_restore_statistics and pgclone_restore_row_count: what ANALYZE would find out about a
// table, said by somebody who knows. The caller must be an owner of the table.
//
// From 18 on the server has pg_restore_attribute_stats. It takes histograms as they come, though,
// and a source may sort texts in another order than this server.
#include <cmath>

#include "shared/pg_compat_pg.hpp"
#include "sql_api/statistics_row_pg.hpp"

extern "C" {
#include "access/relation.h"
#include "access/visibilitymap.h"
#include "catalog/index.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pg_list.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/relcache.h"

PG_FUNCTION_INFO_V1(pgclone_restore_statistics);
PG_FUNCTION_INFO_V1(pgclone_restore_row_count);
}

namespace pgclone {

namespace {

// In the order of the SQL function.
enum Argument {
    relation_argument,
    column_name_argument,
    column_number_argument,
    inherited_argument,
    null_frac_argument,
    avg_width_argument,
    n_distinct_argument,
    most_common_vals_argument,
    most_common_freqs_argument,
    histogram_bounds_argument,
    correlation_argument,
    most_common_elems_argument,
    most_common_elem_freqs_argument,
    elem_count_histogram_argument,
};

void require_argument(FunctionCallInfo fcinfo, int number, const char* name)
{
    if (PG_ARGISNULL(number))
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                        errmsg("argument \"%s\" must not be null", name)));
}

// Also says no to catalogs: they are their superuser's alone.
void require_owner(Oid table)
{
    if (!is_owner(RelationRelationId, table, GetUserId()))
        aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(table));
    if (table < FirstNormalObjectId)
        ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                        errmsg("\"%s\" is a system catalog", get_rel_name(table))));
}

[[noreturn]] void raise_no_relation(Oid oid)
{
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with OID %u does not exist", oid)));
    pg_unreachable();
}

// The relation, opened, and its table (itself, or an index's) locked as ANALYZE does.
Relation open_for_statistics(Oid oid)
{
    const char kind = get_rel_relkind(oid);
    const Oid table = kind == RELKIND_INDEX ? IndexGetRelation(oid, true) : oid;
    // Before the lock, since others would wait for one that is asked for.
    if (kind == '\0' || !OidIsValid(table))
        raise_no_relation(oid);
    require_owner(table);
    LockRelationOid(table, ShareUpdateExclusiveLock);
    Relation relation = try_relation_open(oid, AccessShareLock);
    if (!relation)
        raise_no_relation(oid);
    require_owner(table);
    // Its OID may have become another's while the lock was waited for.
    if (kind == RELKIND_INDEX ? !relation->rd_index || relation->rd_index->indrelid != table
                              : relation->rd_rel->relkind != kind)
        raise_no_relation(oid);
    if (RELATION_IS_OTHER_TEMP(relation))
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("cannot access temporary tables of other sessions")));
    return relation;
}

// The expression that index column `number` (from 1) is; null if it is a column of the table.
Node* index_expression(Relation index, AttrNumber number)
{
    if (index->rd_index->indkey.values[number - 1] != 0)
        return nullptr;
    int before = 0;
    for (int i = 0; i < number - 1; i++)
        before += index->rd_index->indkey.values[i] == 0 ? 1 : 0;
    return static_cast<Node*>(list_nth(RelationGetIndexExpressions(index), before));
}

// A column of a table has a name. One of an index is better called by its number: its name is what the
// table's columns were called when the index was made.
AttrNumber column_number(FunctionCallInfo fcinfo, Relation relation)
{
    const bool has_name = !PG_ARGISNULL(column_name_argument);
    if (has_name == !PG_ARGISNULL(column_number_argument))
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("either argument \"column_name\" or argument \"column_number\" must "
                               "be null")));
    if (has_name) {
        const char* name = NameStr(*PG_GETARG_NAME(column_name_argument));
        const AttrNumber number = get_attnum(RelationGetRelid(relation), name);
        if (number <= 0)
            ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                            errmsg("column \"%s\" of relation \"%s\" does not exist", name,
                                   RelationGetRelationName(relation))));
        return number;
    }
    const AttrNumber number = PG_GETARG_INT16(column_number_argument);
    if (number <= 0 || number > RelationGetNumberOfAttributes(relation) ||
        TupleDescAttr(RelationGetDescr(relation), number - 1)->attisdropped)
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                        errmsg("column number %d of relation \"%s\" does not exist", number,
                               RelationGetRelationName(relation))));
    return number;
}

StatisticsColumn describe_column(Relation relation, AttrNumber number)
{
    const FormData_pg_attribute* attribute =
        TupleDescAttr(RelationGetDescr(relation), number - 1);
    if (relation->rd_rel->relkind != RELKIND_INDEX)
        return {number, attribute->atttypid, attribute->atttypmod, attribute->attcollation};
    // An index may store something else than the expression's value: a tsvector's lexemes.
    Node* expression = index_expression(relation, number);
    if (!expression)
        ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                        errmsg("column \"%s\" of index \"%s\" is not an expression",
                               NameStr(attribute->attname), RelationGetRelationName(relation))));
    const Oid collation = relation->rd_indcollation[number - 1];
    return {number, exprType(expression), exprTypmod(expression),
            OidIsValid(collation) ? collation : exprCollation(expression)};
}

void require_kind(Relation relation, bool may_be_index)
{
    const char kind = relation->rd_rel->relkind;
    if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE &&
        !(may_be_index && kind == RELKIND_INDEX))
        ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                        errmsg("\"%s\" is not a table", RelationGetRelationName(relation))));
}

char* text_argument(FunctionCallInfo fcinfo, int number)
{
    return PG_ARGISNULL(number) ? nullptr : text_to_cstring(PG_GETARG_TEXT_PP(number));
}

ArrayType* array_argument(FunctionCallInfo fcinfo, int number)
{
    return PG_ARGISNULL(number) ? nullptr : PG_GETARG_ARRAYTYPE_P(number);
}

void require_both(const void* one, const void* other, const char* names)
{
    if ((one == nullptr) != (other == nullptr))
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("arguments %s need each other", names)));
}

bool restore_column(FunctionCallInfo fcinfo, Relation relation)
{
    const bool inherited = PG_GETARG_BOOL(inherited_argument);
    if (!inherited && relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("argument \"inherited\" must be true for a partitioned table")));
    const StatisticsColumn column = describe_column(relation, column_number(fcinfo, relation));
    StatisticsRow row(RelationGetRelid(relation), column, inherited);
    row.set_basics(PG_GETARG_FLOAT4(null_frac_argument), PG_GETARG_INT32(avg_width_argument),
                   PG_GETARG_FLOAT4(n_distinct_argument));
    const char* common = text_argument(fcinfo, most_common_vals_argument);
    ArrayType* frequencies = array_argument(fcinfo, most_common_freqs_argument);
    require_both(common, frequencies, "\"most_common_vals\" and \"most_common_freqs\"");
    if (common)
        row.add_common_values(common, frequencies);
    if (const char* bounds = text_argument(fcinfo, histogram_bounds_argument))
        row.add_histogram(bounds);
    if (!PG_ARGISNULL(correlation_argument))
        row.add_correlation(PG_GETARG_FLOAT4(correlation_argument));
    const char* elements = text_argument(fcinfo, most_common_elems_argument);
    ArrayType* element_frequencies = array_argument(fcinfo, most_common_elem_freqs_argument);
    require_both(elements, element_frequencies,
                 "\"most_common_elems\" and \"most_common_elem_freqs\"");
    if (elements)
        row.add_common_elements(elements, element_frequencies);
    if (ArrayType* counts = array_argument(fcinfo, elem_count_histogram_argument))
        row.add_element_counts(counts);
    if (row.can_be_stored())
        row.store();
    return row.can_be_stored();
}

// Code of the column's type runs as ANALYZE would run it: as the table's owner, who may be anybody,
// and finds nothing but what the server has by itself. (An error undoes both.)
bool restore_column_as_owner(FunctionCallInfo fcinfo, Relation relation)
{
    Oid caller = InvalidOid;
    int security_context = 0;
    GetUserIdAndSecContext(&caller, &security_context);
    SetUserIdAndSecContext(relation->rd_rel->relowner,
                           security_context | SECURITY_RESTRICTED_OPERATION);
    const int settings_level = NewGUCNestLevel();
    set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
                      GUC_ACTION_SAVE, true, 0, false);
    const bool is_restored = restore_column(fcinfo, relation);
    AtEOXact_GUC(false, settings_level);
    SetUserIdAndSecContext(caller, security_context);
    return is_restored;
}

} // namespace

} // namespace pgclone

using namespace pgclone;

Datum pgclone_restore_statistics(PG_FUNCTION_ARGS)
{
    require_argument(fcinfo, relation_argument, "relation");
    require_argument(fcinfo, inherited_argument, "inherited");
    require_argument(fcinfo, null_frac_argument, "null_frac");
    require_argument(fcinfo, avg_width_argument, "avg_width");
    require_argument(fcinfo, n_distinct_argument, "n_distinct");
    Relation relation = open_for_statistics(PG_GETARG_OID(relation_argument));
    require_kind(relation, true);
    const bool is_restored = restore_column_as_owner(fcinfo, relation);
    relation_close(relation, AccessShareLock);
    PG_RETURN_BOOL(is_restored);
}

// Whoever has counted the rows of this very table (CREATE INDEX does) knows better.
Datum pgclone_restore_row_count(PG_FUNCTION_ARGS)
{
    require_argument(fcinfo, 0, "relation");
    require_argument(fcinfo, 1, "row_count");
    const float4 rows = PG_GETARG_FLOAT4(1);
    if (!(rows >= 0 && std::isfinite(rows)))
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("argument \"row_count\" must be a number from 0 on")));
    Relation relation = open_for_statistics(PG_GETARG_OID(0));
    require_kind(relation, false);
    if (relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE) {
        update_relation_counts(relation, InvalidBlockNumber, rows, 0, 0);
    } else if (relation->rd_rel->reltuples < 0) {
        BlockNumber visible = 0;
        BlockNumber frozen = 0;
        visibilitymap_count(relation, &visible, &frozen);
        update_relation_counts(relation, RelationGetNumberOfBlocks(relation), rows, visible, frozen);
    }
    relation_close(relation, AccessShareLock);
    PG_RETURN_VOID();
}
