// A small table, a target without one, and ways to look at a plan: for the tests of the planner.
#pragma once

#include <algorithm>

#include "test/unit/expect_error.hpp"
#include "worker/copy_format.hpp"
#include "worker/table_ddl.hpp"
#include "worker/table_names.hpp"
#include "worker/table_tasks.hpp"

namespace pgclone::test {

inline const TargetNaming naming{{"shop", "orders"}, "7_ab12"};

inline ColumnDefinition column(const std::string& name, const std::string& type,
                               bool binary_safe = true)
{
    ColumnDefinition result;
    result.name = name;
    result.type = type;
    result.type_name = type;
    result.binary_safe = binary_safe;
    return result;
}

inline SequenceDefinition sequence(const std::string& name, const std::string& of, bool identity)
{
    SequenceDefinition result;
    result.name = name;
    result.regclass_text = "shop." + name;
    result.column = of;
    result.is_identity = identity;
    result.type = "bigint";
    result.start_value = "1";
    result.increment = "1";
    result.minimum = "1";
    result.maximum = "100";
    result.cache = "1";
    result.last_value = "42";
    result.is_called = true;
    return result;
}

inline ConstraintDefinition constraint(const std::string& name, const std::string& type,
                                       const std::string& definition, NameList needs)
{
    ConstraintDefinition result;
    result.name = name;
    result.type = type;
    result.definition = definition;
    result.needs = std::move(needs);
    return result;
}

inline IndexDefinition index(const std::string& name, const std::string& tail, NameList needs)
{
    IndexDefinition result;
    result.name = name;
    result.definition_tail = tail;
    result.needs = std::move(needs);
    return result;
}

// shop.orders (id serial primary key, customer int, total numeric, twice generated)
inline TableDefinition orders()
{
    TableDefinition table;
    table.name = {"shop", "orders"};
    table.oid = 4711;
    table.server_version = 150000;
    table.server_encoding = "UTF8";
    table.owner = "boss";
    table.access_method = "heap";

    ColumnDefinition id = column("id", "bigint");
    id.not_null = true;
    id.default_expression = "nextval('shop.orders_id_seq'::regclass)";
    id.default_sequences = {"shop.orders_id_seq"};
    ColumnDefinition twice = column("twice", "numeric");
    twice.generated = "s";
    twice.default_expression = "(total * (2)::numeric)";
    twice.needs = {"total"};
    table.columns = {id, column("customer", "integer"), column("total", "numeric"), twice};
    table.sequences = {sequence("orders_id_seq", "id", false)};

    IndexDefinition key = index("orders_pkey", "USING btree (id)", {"id"});
    key.is_unique = true;
    key.constraint_name = "orders_pkey";
    table.indexes = {key, index("orders_total", "USING btree (total)", {"total"})};

    ConstraintDefinition primary = constraint("orders_pkey", "p", "PRIMARY KEY (id)", {"id"});
    primary.index_name = "orders_pkey";
    ConstraintDefinition foreign = constraint("to_customer", "f", "", {"customer"});
    foreign.referenced_table = "shop.customers";
    foreign.foreign_head = "FOREIGN KEY (customer)";
    foreign.foreign_tail = "(id) ON DELETE CASCADE";
    table.constraints = {primary, constraint("positive", "c", "CHECK ((total > 0))", {"total"}),
                         foreign};
    return table;
}

inline TargetState empty_target()
{
    TargetState state;
    state.server_version = 150000;
    state.server_encoding = "UTF8";
    state.role = "submitter";
    return state;
}

inline std::vector<CloneTask> plan(const TableDefinition& table, const CloneOptions& options = {},
                                   const TargetState& state = empty_target(),
                                   const TargetNaming& names = naming)
{
    return plan_table_tasks(table, state, names, options);
}

inline const CloneTask& find(const std::vector<CloneTask>& tasks, TaskKind kind,
                             const std::string& object = {})
{
    for (const CloneTask& task : tasks)
        if (task.kind == kind && (object.empty() || task.object_name == object))
            return task;
    FAIL("no such task: " << to_text(kind) << " " << object);
    return tasks.front();
}

inline bool has(const std::vector<CloneTask>& tasks, TaskKind kind, const std::string& object = {})
{
    return std::any_of(tasks.begin(), tasks.end(), [&](const CloneTask& task) {
        return task.kind == kind && (object.empty() || task.object_name == object);
    });
}

inline bool says(const Statements& statements, const std::string& text)
{
    return std::any_of(statements.begin(), statements.end(), [&](const std::string& statement) {
        return statement.find(text) != std::string::npos;
    });
}

std::size_t position(const Statements& statements, const std::string& text)
{
    for (std::size_t i = 0; i < statements.size(); i++)
        if (statements[i].find(text) != std::string::npos)
            return i;
    FAIL("no statement has " << text);
    return 0;
}

} // namespace pgclone::test
