#include "sql_api/where_syntax_pg.hpp"

#include "shared/boundary_pg.hpp"

extern "C" {
#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "parser/parser.h"
}

namespace pgclone {

namespace {

struct ParseRequest {
    const char* query;
    List* statements;
};

void parse(void* argument)
{
    auto* request = static_cast<ParseRequest*>(argument);
    request->statements = raw_parser(request->query, RAW_PARSE_DEFAULT);
}

// The grammar's view of `query`; false with `error` filled if it has none.
bool parse_standard_strings(ParseRequest& request, ErrorRecord& error)
{
#if PG_VERSION_NUM < 190000
    const bool caller_setting = standard_conforming_strings;
    standard_conforming_strings = true;
    const bool parsed = run_guarded(parse, &request, &error);
    standard_conforming_strings = caller_setting;
    return parsed;
#else
    return run_guarded(parse, &request, &error);
#endif
}

// True if the statements are one SELECT with one target and a WHERE clause, and nothing else.
bool is_bare_where(List* statements)
{
    if (list_length(statements) != 1)
        return false;
    Node* const node = linitial_node(RawStmt, statements)->stmt;
    if (!node || !IsA(node, SelectStmt))
        return false;
    const auto* select = reinterpret_cast<SelectStmt*>(node);
    return select->whereClause && list_length(select->targetList) == 1 &&
           select->op == SETOP_NONE && select->distinctClause == NIL && !select->intoClause &&
           select->fromClause == NIL && select->groupClause == NIL && !select->havingClause &&
           select->windowClause == NIL && select->valuesLists == NIL && select->sortClause == NIL &&
           !select->limitOffset && !select->limitCount && select->lockingClause == NIL &&
           !select->withClause;
}

[[noreturn]] void raise_parse_error(const ErrorRecord& error)
{
    // 42: syntax, 22: strings and numbers, 0A: what the grammar knows and does not do. Anything
    // else (a cancel, no memory) is not about the option.
    const bool about_text = strncmp(error.sqlstate, "42", 2) == 0 ||
                            strncmp(error.sqlstate, "22", 2) == 0 ||
                            strncmp(error.sqlstate, "0A", 2) == 0;
    if (!about_text)
        raise_error(error);
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("option \"where\" is not a valid expression"),
                    errdetail("The parser says: %s.", error.message)));
    pg_unreachable();
}

void check_query(const char* query)
{
    ParseRequest request = {query, NIL};
    ErrorRecord error;
    if (!parse_standard_strings(request, error))
        raise_parse_error(error);
    if (!is_bare_where(request.statements))
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("option \"where\" is not a single expression"),
                        errdetail("Further clauses, statements and semicolons are not allowed.")));
}

} // namespace

void check_where_syntax(const char* text)
{
    // Alone, so that it cannot close a parenthesis that it did not open; and as it will be sent,
    // so that what is harmless alone (a trailing semicolon) is refused, too.
    StringInfoData query;
    initStringInfo(&query);
    appendStringInfo(&query, "SELECT 1 WHERE %s", text);
    check_query(query.data);
    resetStringInfo(&query);
    appendStringInfo(&query, "SELECT 1 WHERE (\n%s\n)", text);
    check_query(query.data);
    pfree(query.data);
}

} // namespace pgclone
