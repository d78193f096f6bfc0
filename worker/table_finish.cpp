#include "worker/table_finish.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "shared/error_types.hpp"

namespace pgclone {

namespace {

constexpr int first_version_with_maintain = 170000;

const ConstraintDefinition* find_constraint(const TableDefinition& definition,
                                            const std::string& name)
{
    for (const ConstraintDefinition& constraint : definition.constraints)
        if (constraint.name == name)
            return &constraint;
    return nullptr;
}

// --- comments

// What a comment is on, in the words of COMMENT ON, under final or working names; empty if the
// clone does not have it.
std::string comment_object(const FinishContext& context, const CommentDefinition& comment,
                           bool is_final)
{
    const TableNames& names = context.names;
    const std::string table = quote_qualified(is_final ? names.final : names.working);
    const auto own_name = [&](const PartNames& own) {
        return quote_qualified({own.schema, is_final ? own.final : own.working});
    };
    const std::string& kind = comment.kind;
    if (kind == "table")
        return "TABLE " + table;
    if (kind == "column")
        return context.selection.has_column(comment.name)
                   ? "COLUMN " + table + "." + quote_identifier(comment.name)
                   : "";
    if (kind == "sequence") {
        const auto own = names.sequences.find(comment.name);
        return own == names.sequences.end() ? "" : "SEQUENCE " + own_name(own->second);
    }
    if (kind == "constraint") {
        const ConstraintDefinition* constraint = find_constraint(context.definition, comment.name);
        // one that is not in the list is a NOT NULL constraint (18)
        if (constraint == nullptr) {
            const auto& columns = context.definition.columns;
            const bool has_it =
                context.state.server_version >= 180000 &&
                std::any_of(columns.begin(), columns.end(), [&](const ColumnDefinition& column) {
                    return column.not_null_name == comment.name &&
                           context.selection.has_column(column.name);
                });
            if (!has_it)
                return "";
        }
        std::string name = comment.name;
        if (constraint != nullptr && !constraint->index_name.empty()) {
            const auto own = names.indexes.find(constraint->index_name);
            if (own == names.indexes.end())
                return "";
            name = is_final ? own->second.final : own->second.working;
        }
        return "CONSTRAINT " + quote_identifier(name) + " ON " + table;
    }
    if (kind == "index") {
        const auto own = names.indexes.find(comment.name);
        return own == names.indexes.end() ? "" : "INDEX " + own_name(own->second);
    }
    if (kind == "statistics") {
        const auto own = names.statistics.find(comment.name);
        return own == names.statistics.end() ? "" : "STATISTICS " + own_name(own->second);
    }
    if (kind == "trigger")
        return "TRIGGER " + quote_identifier(comment.name) + " ON " + table;
    if (kind == "policy")
        return "POLICY " + quote_identifier(comment.name) + " ON " + table;
    throw PgError(sqlstate::internal_error, "unexpected kind of comment: \"" + kind + "\"");
}

// Comments on what there is before the last transaction (is_final false), or only in it.
Statements comment_statements(const FinishContext& context, bool is_final)
{
    Statements statements;
    if (!context.options.comments)
        return statements;
    for (const CommentDefinition& comment : context.definition.comments) {
        const bool is_not_null = comment.kind == "constraint" &&
                                 find_constraint(context.definition, comment.name) == nullptr;
        const bool comes_with_table = comment.kind == "table" || comment.kind == "column" ||
                                      comment.kind == "sequence" || is_not_null;
        const bool exists_before =
            comes_with_table || context.created.has_before_publish(comment.kind, comment.name);
        const bool exists = exists_before || context.created.has(comment.kind, comment.name);
        if (!exists || exists_before == is_final)
            continue;
        const std::string object = comment_object(context, comment, is_final);
        if (!object.empty())
            statements.push_back("COMMENT ON " + object + " IS " + quote_literal(comment.comment));
    }
    return statements;
}

// --- sequence values

void add_sequence_values(FinishContext& context)
{
    for (const SequenceDefinition& sequence : context.definition.sequences) {
        const auto own = context.names.sequences.find(sequence.name);
        if (own == context.names.sequences.end() || sequence.last_value.empty())
            continue;
        const std::string name = quote_qualified({own->second.schema, own->second.working});
        context.plan.add(TaskKind::sequence_value, own->second.final,
                         {"SELECT pg_catalog.setval(" + quote_literal(name) +
                          "::pg_catalog.regclass, " + sequence.last_value + ", " +
                          (sequence.is_called ? "true" : "false") + ")"});
    }
}

// --- privileges

// "TABLE x" or "SEQUENCE x" that a privilege is on; empty if the clone does not have it.
std::string privilege_object(const FinishContext& context, const PrivilegeDefinition& privilege)
{
    if (privilege.kind != "sequence")
        return privilege.kind == "column" && !context.selection.has_column(privilege.name)
                   ? ""
                   : "TABLE " + quote_qualified(context.names.working);
    const auto own = context.names.sequences.find(privilege.name);
    return own == context.names.sequences.end()
               ? ""
               : "SEQUENCE " + quote_qualified({own->second.schema, own->second.working});
}

// As GRANT has it. The source's owner stands for the clone's: the submitter now, and when the
// owner changes in the end, privileges go along.
std::string grantee_text(const FinishContext& context, const std::optional<std::string>& grantee)
{
    if (!grantee)
        return "PUBLIC";
    if (*grantee == context.definition.owner)
        return "CURRENT_USER";
    return quote_identifier(map_role(context.options, *grantee));
}

void add_privileges(FinishContext& context)
{
    if (!context.options.acls)
        return;
    Statements statements;
    for (const auto& [kind, grantee] : context.state.default_grantees) {
        const std::string from =
            " FROM " + (grantee ? quote_identifier(*grantee) : std::string("PUBLIC"));
        if (kind == "table")
            statements.push_back("REVOKE ALL ON TABLE " + quote_qualified(context.names.working) +
                                 from);
        else
            for (const auto& [name, own] : context.names.sequences)
                statements.push_back("REVOKE ALL ON SEQUENCE " +
                                     quote_qualified({own.schema, own.working}) + from);
    }
    // One statement for all privileges that a grantee has on an object in the same way.
    using Key = std::tuple<std::string, std::string, std::string, bool>;
    std::map<Key, std::string> lists;
    std::vector<Key> order;
    bool skips_maintain = false;
    for (const PrivilegeDefinition& privilege : context.definition.privileges) {
        const std::string object = privilege_object(context, privilege);
        if (object.empty())
            continue;
        if (privilege.privilege == "MAINTAIN" &&
            context.state.server_version < first_version_with_maintain) {
            skips_maintain = skips_maintain || privilege.action == "grant";
            continue;
        }
        const Key key(privilege.action, object, grantee_text(context, privilege.grantee),
                      privilege.is_grantable);
        std::string& list = lists[key];
        if (list.empty())
            order.push_back(key);
        list += (list.empty() ? "" : ", ") + privilege.privilege;
        if (privilege.kind == "column")
            list += " (" + quote_identifier(privilege.name) + ")";
    }
    for (const Key& key : order) {
        const auto& [action, object, grantee, is_grantable] = key;
        if (action == "revoke")
            statements.push_back("REVOKE " + lists[key] + " ON " + object + " FROM " + grantee);
        else
            statements.push_back("GRANT " + lists[key] + " ON " + object + " TO " + grantee +
                                 (is_grantable ? " WITH GRANT OPTION" : ""));
    }
    if (skips_maintain)
        context.plan.skip(TaskKind::acl, context.names.final.name,
                          "privilege MAINTAIN needs PostgreSQL 17");
    if (!statements.empty())
        context.plan.add(TaskKind::acl, context.names.final.name, std::move(statements));
}

void add_owner(FinishContext& context)
{
    if (!context.options.owners)
        return;
    Statements statements;
    const std::string owner = map_role(context.options, context.definition.owner);
    if (owner != context.state.role)
        statements.push_back("ALTER TABLE " + quote_qualified(context.names.working) +
                             " OWNER TO " + quote_identifier(owner));
    for (const StatisticsDefinition& object : context.definition.statistics) {
        const std::string object_owner = map_role(context.options, object.owner);
        if (!context.created.has_before_publish("statistics", object.name) ||
            object_owner == context.state.role)
            continue;
        const PartNames& own = context.names.statistics.at(object.name);
        statements.push_back("ALTER STATISTICS " + quote_qualified({own.schema, own.working}) +
                             " OWNER TO " + quote_identifier(object_owner));
    }
    if (!statements.empty())
        context.plan.add(TaskKind::owner, context.names.final.name, std::move(statements));
}

// --- row-level security

void add_policies(FinishContext& context)
{
    const bool has_name = context.names.final == context.definition.name;
    std::map<std::string, std::string> reasons;
    bool lacks_restrictive = false;
    for (const PolicyDefinition& policy : context.definition.policies) {
        std::string reason = context.selection.reason("policy", policy.name);
        if (reason.empty())
            reason = missing_dependencies(context.definition, context.state, "policy", policy.name);
        for (const std::string& role : policy.roles) {
            const std::string mapped = map_role(context.options, role);
            if (reason.empty() && context.state.missing.contains({"role", mapped}))
                reason = "role " + quote_identifier(mapped) + " does not exist on the target";
        }
        if (reason.empty() && policy.names_table && !has_name)
            reason = "its expressions may refer to the table by name, and the clone has another";
        reasons[policy.name] = reason;
        lacks_restrictive = lacks_restrictive || (!reason.empty() && !policy.is_permissive);
    }
    for (const PolicyDefinition& policy : context.definition.policies) {
        std::string reason = reasons[policy.name];
        // Without a restrictive policy the permissive ones would show more than on the source;
        // without any, nobody but the owner sees a row.
        if (reason.empty() && lacks_restrictive)
            reason = "a restrictive policy of the table cannot be cloned";
        if (!reason.empty())
            context.plan.skip(TaskKind::acl, "policy " + policy.name, reason);
        else
            context.created.in_publish(
                "policy", policy.name,
                {create_policy_ddl(policy, context.names.final, context.options)});
    }
    if (context.definition.force_row_security)
        context.created.in_publish(
            "row security", "force",
            {"ALTER TABLE " + quote_qualified(context.names.final) + " FORCE ROW LEVEL SECURITY"});
}

// --- the last transaction

std::string rename_statement(const std::string& kind, const QualifiedName& from,
                             const std::string& to)
{
    return "ALTER " + kind + " " + quote_qualified(from) + " RENAME TO " + quote_identifier(to);
}

void add_publish(FinishContext& context)
{
    const TableNames& names = context.names;
    Statements statements;
    if (context.state.old_table != 0) {
        const std::string old_table = quote_qualified(names.final);
        statements.push_back("LOCK TABLE " + old_table + " IN ACCESS EXCLUSIVE MODE");
        if (context.options.conflict == ConflictAction::replace)
            statements.push_back("DROP TABLE " + old_table + " RESTRICT");
        // The table itself is the first of these.
        for (const OldName& old : names.old_names)
            statements.push_back(rename_statement(old.kind, old.from, old.to));
    }
    statements.push_back(rename_statement("TABLE", names.working, names.final.name));
    for (const auto& [name, own] : names.sequences)
        statements.push_back(rename_statement("SEQUENCE", {own.schema, own.working}, own.final));
    for (const auto& [name, own] : names.indexes)
        if (context.created.has_before_publish("index", name))
            statements.push_back(rename_statement("INDEX", {own.schema, own.working}, own.final));
    for (const auto& [name, own] : names.statistics)
        if (context.created.has_before_publish("statistics", name))
            statements.push_back(
                rename_statement("STATISTICS", {own.schema, own.working}, own.final));
    const Statements& made = context.created.publish_statements();
    statements.insert(statements.end(), made.begin(), made.end());
    const Statements comments = comment_statements(context, true);
    statements.insert(statements.end(), comments.begin(), comments.end());
    context.plan.add(TaskKind::publish, names.final.name, std::move(statements));
}

} // namespace

void TaskList::start_stage(JobPhase phase)
{
    phase_ = phase;
    stage_is_empty_ = true;
}

CloneTask& TaskList::add(TaskKind kind, const std::string& object, Statements statements)
{
    if (stage_is_empty_)
        stage_++;
    stage_is_empty_ = false;
    CloneTask& task = tasks_.emplace_back();
    task.task_id = static_cast<std::int32_t>(tasks_.size());
    task.stage = stage_;
    task.kind = kind;
    task.phase = phase_;
    task.schema_name = schema_;
    task.object_name = object;
    task.statements = std::move(statements);
    return task;
}

void TaskList::skip(TaskKind kind, const std::string& object, const std::string& reason)
{
    add(kind, object, {}).skip_reason = reason;
}

void TaskList::skip_if(TaskKind kind, const std::string& object, const std::string& reason)
{
    if (!reason.empty())
        skip(kind, object, reason);
}

std::string missing_dependencies(const TableDefinition& definition, const TargetState& state,
                                 std::string_view kind, const std::string& name)
{
    std::string missing;
    for (const Dependency& dependency : definition.dependencies)
        if (dependency.part_kind == kind && dependency.part_name == name &&
            state.missing.contains({dependency.kind, dependency.name}))
            missing += (missing.empty() ? "" : ", ") + dependency.kind + " " + dependency.name;
    return missing.empty() ? missing : "missing on the target, or closed to the role: " + missing;
}

Statements create_statistics_ddl(const StatisticsDefinition& object, const QualifiedName& table,
                                 const QualifiedName& name)
{
    if (!object.definition_middle)
        throw PgError(sqlstate::internal_error,
                      "cannot take apart the definition of statistics object " + object.name);
    Statements statements = {"CREATE STATISTICS " + quote_qualified(name) + " " +
                             *object.definition_middle + " FROM " + quote_qualified(table)};
    if (!object.statistics_target.empty())
        statements.push_back("ALTER STATISTICS " + quote_qualified(name) + " SET STATISTICS " +
                             object.statistics_target);
    return statements;
}

void add_finishing_tasks(FinishContext& context)
{
    context.plan.start_stage(JobPhase::constraints);
    Statements comments = comment_statements(context, false);
    if (!comments.empty())
        context.plan.add(TaskKind::comment, context.names.final.name, std::move(comments));
    context.plan.start_stage(JobPhase::constraints);
    add_sequence_values(context);
    context.plan.start_stage(JobPhase::constraints);
    add_privileges(context);
    add_policies(context);
    context.plan.start_stage(JobPhase::constraints);
    add_owner(context);
    context.plan.start_stage(JobPhase::finishing);
    add_publish(context);
}

} // namespace pgclone
