#include "worker/table_tasks.hpp"

#include <algorithm>

#include "worker/copy_format.hpp"
#include "worker/table_ddl.hpp"
#include "worker/table_finish.hpp"

namespace pgclone {

namespace {

constexpr int first_version_with_named_not_null = 180000;

class TablePlanner {
  public:
    TablePlanner(const TableDefinition& definition, const TargetState& state,
                 const TargetNaming& naming, const CloneOptions& options,
                 const SplitRules& split)
        : definition_(definition), state_(state), options_(options), split_(split),
          selection_(definition, options),
          names_(choose_names(definition, selection_, state, naming, options)),
          table_(quote_qualified(names_.working)), plan_(naming.final_name.schema)
    {
    }

    std::vector<CloneTask> plan()
    {
        plan_.start_stage(JobPhase::schema);
        add_schema();
        plan_.start_stage(JobPhase::schema);
        add_sequences();
        plan_.start_stage(JobPhase::schema);
        add_table();
        plan_.start_stage(JobPhase::data);
        add_data();
        plan_.start_stage(JobPhase::indexes);
        add_indexes();
        plan_.start_stage(JobPhase::constraints);
        add_keys_and_checks();
        plan_.start_stage(JobPhase::constraints);
        add_index_marks();
        add_statistics();
        plan_.start_stage(JobPhase::constraints);
        add_foreign_keys();
        plan_.start_stage(JobPhase::constraints);
        add_triggers();
        FinishContext context{definition_, state_, options_, selection_, names_, created_, plan_};
        add_finishing_tasks(context);
        std::vector<CloneTask> tasks = plan_.take();
        tasks.back().completes_table = true; // publish
        return tasks;
    }

  private:
    // A part whose definition holds the table's name can be made only once the clone has that
    // name: in the last transaction, and not at all if it never gets it.
    bool waits_for_name(bool has_whole_row, TaskKind kind, const std::string& name)
    {
        if (has_whole_row && names_.final.name != definition_.name.name)
            plan_.skip(kind, name,
                       "its definition refers to whole rows by the table's name, and the clone "
                       "has another");
        return has_whole_row;
    }

    bool can_have_name() const { return names_.final.name == definition_.name.name; }

    void add_schema()
    {
        const std::string& schema = names_.final.schema;
        if (!state_.schema_exists)
            plan_.add(TaskKind::schema, schema,
                      {"CREATE SCHEMA IF NOT EXISTS " + quote_identifier(schema)});
    }

    void add_sequences()
    {
        for (const SequenceDefinition& sequence : definition_.sequences) {
            if (sequence.is_identity || !selection_.takes("sequence", sequence.name))
                continue;
            const PartNames& own = names_.sequences.at(sequence.name);
            plan_.add(TaskKind::sequence, own.final, create_sequence_ddl(sequence, own));
        }
    }

    void add_table()
    {
        std::vector<const ConstraintDefinition*> checks;
        for (const ConstraintDefinition& constraint : definition_.constraints)
            if (constraint.type == "c" && constraint.is_valid && !constraint.has_whole_row &&
                selection_.takes("constraint", constraint.name))
                checks.push_back(&constraint);
        Statements statements =
            create_table_ddl(definition_, selection_, names_, state_.server_version, checks);
        // From the start, so that nobody but the owner can read rows through privileges that
        // come before the policies.
        if (definition_.row_security)
            statements.push_back("ALTER TABLE " + table_ + " ENABLE ROW LEVEL SECURITY");
        plan_.add(TaskKind::table, names_.final.name, std::move(statements));
        for (const ColumnDefinition& column : definition_.columns)
            plan_.skip_if(TaskKind::table, "column " + column.name,
                          selection_.reason("column", column.name));
        for (const Leftover& leftover : definition_.leftovers)
            plan_.skip(leftover.kind == "rule" ? TaskKind::trigger : TaskKind::table,
                       leftover.kind + " " + leftover.name, leftover.reason);
    }

    void add_data()
    {
        if (!options_.data)
            return;
        CopySource source{definition_.name, {}, ""};
        bool binary =
            state_.server_encoding != "SQL_ASCII" && definition_.server_encoding != "SQL_ASCII";
        for (const ColumnDefinition& column : definition_.columns) {
            if (!selection_.has_column(column.name) || !column.generated.empty())
                continue;
            source.columns.push_back(column.name);
            if (column.is_padded)
                source.padded.push_back(column.name);
            binary = binary && column.binary_safe;
        }
        const TableExtent extent{definition_.server_version,
                                 definition_.access_method == "heap", definition_.heap_pages,
                                 definition_.size_bytes, definition_.estimated_rows};
        const std::vector<PageRange> ranges = split_table(extent, split_);
        if (ranges.empty()) {
            CloneTask& task = add_copy(source, binary, "");
            task.estimated_rows = definition_.estimated_rows;
            task.estimated_bytes = definition_.size_bytes;
        }
        std::int32_t part = 1;
        for (const PageRange& range : ranges) {
            CloneTask& task = add_copy(source, binary, range_predicate(range));
            task.part = part++;
            task.parts = static_cast<std::int32_t>(ranges.size());
            task.estimated_rows = range.rows;
            task.estimated_bytes = range.bytes;
        }
    }

    // `range`: condition for the rows of a piece; empty = the whole table, which may be truncated
    // for that.
    CloneTask& add_copy(CopySource source, bool binary, const std::string& range)
    {
        const bool alone = range.empty();
        source.where = both_predicates(options_.where.value_or(""), range);
        const CopyPlan copy = plan_copy(source, names_.working, binary, alone);
        CloneTask& task = plan_.add(TaskKind::data, names_.final.name, {});
        task.in_table_worker = true;
        task.source_copy = copy.source_copy;
        task.target_copy = copy.target_copy;
        if (alone)
            task.truncate = "TRUNCATE TABLE " + table_;
        task.filled_table = table_;
        task.format = copy.format;
        task.column_list = source.columns;
        task.predicate = source.where;
        task.unlogged = definition_.persistence == "u";
        task.source_oid = definition_.oid;
        task.source_schema = definition_.name.schema;
        task.source_table = definition_.name.name;
        return task;
    }

    // Constraints that come as an index of their own kind, not as a unique index made first.
    static bool builds_own_index(const ConstraintDefinition& constraint)
    {
        return constraint.type == "x" || constraint.has_period;
    }

    const IndexDefinition* index_of(const ConstraintDefinition& constraint) const
    {
        for (const IndexDefinition& index : definition_.indexes)
            if (index.constraint_name == constraint.name)
                return &index;
        return nullptr;
    }

    void add_indexes()
    {
        for (const IndexDefinition& index : definition_.indexes) {
            plan_.skip_if(TaskKind::index, index.name, selection_.reason("index", index.name));
            if (!selection_.takes("index", index.name))
                continue;
            const PartNames& own = names_.indexes.at(index.name);
            const ConstraintDefinition* constraint = constraint_of(index);
            const bool is_own = constraint != nullptr && builds_own_index(*constraint);
            const TaskKind kind = is_own ? TaskKind::constraint : TaskKind::index;
            const auto make = [&](const QualifiedName& table, const std::string& name) {
                return is_own ? add_constraint_ddl(*constraint, index, table, name)
                              : create_index_ddl(index, table, name);
            };
            if (waits_for_name(index.has_whole_row, kind, own.final)) {
                if (can_have_name())
                    created_.in_publish("index", index.name, make(names_.final, own.final));
                if (can_have_name() && is_own)
                    created_.in_publish("constraint", constraint->name, {});
                continue;
            }
            CloneTask& task = plan_.add(kind, own.final, make(names_.working, own.working));
            task.in_table_worker = true;
            created_.before_publish("index", index.name);
            if (is_own)
                created_.before_publish("constraint", constraint->name);
        }
    }

    const ConstraintDefinition* constraint_of(const IndexDefinition& index) const
    {
        for (const ConstraintDefinition& constraint : definition_.constraints)
            if (!index.constraint_name.empty() && constraint.name == index.constraint_name)
                return &constraint;
        return nullptr;
    }

    static Statements add_constraint_ddl(const ConstraintDefinition& constraint,
                                         const IndexDefinition& index, const QualifiedName& table,
                                         const std::string& name)
    {
        return {set_tablespace(index.tablespace), "ALTER TABLE " + quote_qualified(table) +
                                                      " ADD CONSTRAINT " + quote_identifier(name) +
                                                      " " + constraint.definition};
    }

    void add_keys_and_checks()
    {
        for (const ConstraintDefinition& constraint : definition_.constraints) {
            if (constraint.type == "f")
                continue;
            plan_.skip_if(TaskKind::constraint, constraint.name,
                          selection_.reason("constraint", constraint.name));
            if (!selection_.takes("constraint", constraint.name))
                continue;
            if (constraint.type == "c")
                add_check(constraint);
            else if (!builds_own_index(constraint))
                add_key(constraint);
        }
        for (const ColumnDefinition& column : definition_.columns)
            if (selection_.has_column(column.name) && column.not_null && !column.not_null_valid)
                add_late_not_null(column);
    }

    void add_check(const ConstraintDefinition& constraint)
    {
        const std::string add =
            " ADD CONSTRAINT " + quote_identifier(constraint.name) + " " + constraint.definition;
        if (waits_for_name(constraint.has_whole_row, TaskKind::constraint, constraint.name)) {
            if (can_have_name())
                created_.in_publish("constraint", constraint.name,
                                    {"ALTER TABLE " + quote_qualified(names_.final) + add});
            return;
        }
        created_.before_publish("constraint", constraint.name);
        // Its definition ends with NOT VALID (or NOT ENFORCED); the others came with the table.
        if (!constraint.is_valid)
            plan_.add(TaskKind::constraint, constraint.name, {"ALTER TABLE " + table_ + add});
    }

    void add_key(const ConstraintDefinition& constraint)
    {
        const IndexDefinition* index = index_of(constraint);
        if (index == nullptr || !created_.has_before_publish("index", index->name)) {
            plan_.skip(TaskKind::constraint, constraint.name, "its index cannot be cloned");
            return;
        }
        const PartNames& own = names_.indexes.at(index->name);
        // Under another name than its index's it would rename the index.
        const std::string name = quote_identifier(own.working);
        std::string add = "ALTER TABLE " + table_ + " ADD CONSTRAINT " + name +
                          (constraint.type == "p" ? " PRIMARY KEY" : " UNIQUE") + " USING INDEX " +
                          name;
        if (constraint.is_deferrable)
            add += constraint.is_deferred ? " DEFERRABLE INITIALLY DEFERRED" : " DEFERRABLE";
        plan_.add(TaskKind::constraint, own.final, {add});
        created_.before_publish("constraint", constraint.name);
    }

    void add_late_not_null(const ColumnDefinition& column)
    {
        if (state_.server_version < first_version_with_named_not_null) {
            plan_.skip(TaskKind::constraint, column.not_null_name,
                       "NOT NULL constraints that are not valid need PostgreSQL 18");
            return;
        }
        plan_.add(TaskKind::constraint, column.not_null_name,
                  {"ALTER TABLE " + table_ + " ADD CONSTRAINT " +
                   quote_identifier(column.not_null_name) + " NOT NULL " +
                   quote_identifier(column.name) +
                   (column.not_null_no_inherit ? " NO INHERIT" : "") + " NOT VALID"});
    }

    // Which index the table is clustered on, and which identifies rows for replication.
    void add_index_marks()
    {
        const std::string& identity = definition_.replica_identity;
        if (identity == "f" || identity == "n")
            plan_.add(TaskKind::table, "replica identity",
                      {"ALTER TABLE " + table_ + " REPLICA IDENTITY " +
                       (identity == "f" ? "FULL" : "NOTHING")});
        for (const IndexDefinition& index : definition_.indexes) {
            if (index.is_clustered)
                add_index_mark(index, "cluster mark", "CLUSTER ON ");
            if (index.is_replica_identity && identity == "i")
                add_index_mark(index, "replica identity", "REPLICA IDENTITY USING INDEX ");
        }
    }

    void add_index_mark(const IndexDefinition& index, const std::string& what,
                        const std::string& words)
    {
        const auto own = names_.indexes.find(index.name);
        if (created_.has_before_publish("index", index.name))
            plan_.add(
                TaskKind::table, what,
                {"ALTER TABLE " + table_ + " " + words + quote_identifier(own->second.working)});
        else if (created_.has("index", index.name))
            created_.in_publish("mark", what,
                                {"ALTER TABLE " + quote_qualified(names_.final) + " " + words +
                                 quote_identifier(own->second.final)});
        else
            plan_.skip(TaskKind::table, what,
                       "index " + quote_identifier(index.name) + " is not cloned");
    }

    void add_statistics()
    {
        for (const StatisticsDefinition& object : definition_.statistics) {
            const std::string shown = "statistics object " + object.object_name;
            plan_.skip_if(TaskKind::index, shown, selection_.reason("statistics", object.name));
            if (!selection_.takes("statistics", object.name))
                continue;
            const std::string missing = missing_for("statistics", object.name);
            const bool lacks_schema =
                !object.in_schema_of_table && state_.missing.contains({"schema", object.schema});
            if (!missing.empty() || lacks_schema) {
                plan_.skip(TaskKind::index, shown,
                           lacks_schema
                               ? "its schema does not exist on the target, or is closed to the role"
                               : missing);
                continue;
            }
            const PartNames& own = names_.statistics.at(object.name);
            if (waits_for_name(object.has_whole_row, TaskKind::index, shown)) {
                if (can_have_name())
                    created_.in_publish(
                        "statistics", object.name,
                        create_statistics_ddl(object, names_.final, {own.schema, own.final}));
                continue;
            }
            plan_.add(TaskKind::index, shown,
                      create_statistics_ddl(object, names_.working, {own.schema, own.working}));
            created_.before_publish("statistics", object.name);
        }
    }

    void add_foreign_keys()
    {
        for (const ConstraintDefinition& constraint : definition_.constraints) {
            if (constraint.type != "f" || !options_.constraints)
                continue;
            std::string reason = selection_.reason("constraint", constraint.name);
            if (const auto found = state_.unusable_foreign_keys.find(constraint.name);
                reason.empty() && found != state_.unusable_foreign_keys.end())
                reason = found->second;
            if (reason.empty() && constraint.is_self_reference &&
                !created_.has_before_publish("index", constraint.referenced_index))
                reason = "the unique index that it refers to is not cloned";
            plan_.skip_if(TaskKind::foreign_key, constraint.name, reason);
            if (!reason.empty())
                continue;
            const std::string name = quote_identifier(constraint.name);
            // What the source has not validated says so at the end of its definition.
            const std::string text = foreign_key_text(constraint, names_.working);
            Statements statements = {"ALTER TABLE " + table_ + " ADD CONSTRAINT " + name + " " +
                                     text + (constraint.is_valid ? " NOT VALID" : "")};
            if (constraint.is_valid)
                statements.push_back("ALTER TABLE " + table_ + " VALIDATE CONSTRAINT " + name);
            plan_.add(TaskKind::foreign_key, constraint.name, std::move(statements));
            created_.before_publish("constraint", constraint.name);
        }
    }

    void add_triggers()
    {
        for (const TriggerDefinition& trigger : definition_.triggers) {
            std::string reason = selection_.reason("trigger", trigger.name);
            if (reason.empty() && selection_.takes("trigger", trigger.name))
                reason = missing_for("trigger", trigger.name);
            plan_.skip_if(TaskKind::trigger, trigger.name, reason);
            if (!reason.empty() || !selection_.takes("trigger", trigger.name))
                continue;
            plan_.add(TaskKind::trigger, trigger.name, create_trigger_ddl(trigger, names_.working));
            created_.before_publish("trigger", trigger.name);
        }
    }

    std::string missing_for(std::string_view kind, const std::string& name) const
    {
        return missing_dependencies(definition_, state_, kind, name);
    }

    const TableDefinition& definition_;
    const TargetState& state_;
    const CloneOptions& options_;
    SplitRules split_;
    TableSelection selection_;
    TableNames names_;
    std::string table_; // its working name, quoted
    CreatedParts created_;
    TaskList plan_;
};

} // namespace

std::vector<CloneTask> plan_table_tasks(const TableDefinition& definition, const TargetState& state,
                                        const TargetNaming& naming, const CloneOptions& options,
                                        const SplitRules& split)
{
    if (state.skip)
        return {};
    TablePlanner planner(definition, state, naming, options, split);
    return planner.plan();
}

std::vector<std::string> cleanup_statements(const std::vector<CloneTask>& tasks,
                                            const TargetNaming& naming)
{
    // What belongs to the table goes with it. Its serial sequences, whose working names follow
    // the table's, stand alone as long as there is no table.
    const std::string& schema = naming.final_name.schema;
    int number = 1;
    std::vector<std::string> statements = {
        "DROP TABLE IF EXISTS " + quote_qualified({schema, working_name(naming, number++)})};
    for (const CloneTask& task : tasks)
        if (task.kind == TaskKind::sequence)
            statements.push_back("DROP SEQUENCE IF EXISTS " +
                                 quote_qualified({schema, working_name(naming, number++)}));
    return statements;
}

} // namespace pgclone
