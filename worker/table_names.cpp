#include "worker/table_names.hpp"

#include <functional>

namespace pgclone {

namespace {

constexpr std::size_t max_name_bytes = 63;

std::string_view cut(std::string_view text, std::size_t bytes)
{
    if (text.size() <= bytes)
        return text;
    // not in the middle of a character: the bytes after its first are 10xxxxxx
    while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80)
        bytes--;
    return text.substr(0, bytes);
}

using IsTaken = std::function<bool(const std::string&)>;

std::string first_free(const std::string& base, const std::string& first_suffix,
                       const IsTaken& is_taken)
{
    std::string name = fit_name(base, first_suffix);
    for (int n = first_suffix.empty() ? 1 : 2; is_taken(name); n++)
        name = fit_name(base, first_suffix + "_" + std::to_string(n));
    return name;
}

// The name with the table's, at its start, replaced by the clone's: orders_pkey -> copy_pkey.
std::string follow_table(const std::string& name, const std::string& source_table,
                         const std::string& final_table)
{
    if (!name.starts_with(source_table))
        return name;
    return fit_name(final_table, name.substr(source_table.size()));
}

class NameChooser {
  public:
    NameChooser(const TableDefinition& definition, const TargetState& state,
                const TargetNaming& naming)
        : source_table_(definition.name.name), final_table_(naming.final_name.name),
          relations_(state.taken_relations), statistics_(state.taken_statistics)
    {
        // The old table and its parts will have gone, or have other names.
        if (state.old_table != 0)
            relations_.erase(final_table_);
        for (const TablePart& part : state.old_parts) {
            if (part.kind == "STATISTICS")
                statistics_.erase({part.name.schema, part.name.name});
            else
                relations_.erase(part.name.name);
        }
        relations_.insert(final_table_);
    }

    std::string choose_relation(const std::string& wanted)
    {
        return choose(
            wanted, [&](const std::string& name) { return relations_.contains(name); },
            [&](const std::string& name) { relations_.insert(name); });
    }

    std::string choose_statistics(const std::string& schema, const std::string& wanted)
    {
        return choose(
            wanted,
            [&](const std::string& name) {
                return statistics_.contains({schema, name});
            },
            [&](const std::string& name) { statistics_.emplace(schema, name); });
    }

    const std::set<std::string>& relations() const { return relations_; }
    const std::set<std::pair<std::string, std::string>>& statistics() const { return statistics_; }

  private:
    std::string choose(const std::string& wanted, const IsTaken& is_taken,
                       const std::function<void(const std::string&)>& take) const
    {
        // Under another table name the parts follow it even if their own names are free: they
        // would not be for the next clone, or for one that runs at the same time.
        std::string name =
            first_free(follow_table(wanted, source_table_, final_table_), "", is_taken);
        take(name);
        return name;
    }

    std::string source_table_;
    std::string final_table_;
    std::set<std::string> relations_;
    std::set<std::pair<std::string, std::string>> statistics_;
};

// New names for the old table and its parts: name_old, name_old_2, ...
std::vector<OldName> choose_old_names(const TargetState& state, const TargetNaming& naming,
                                      const NameChooser& chooser)
{
    std::set<std::string> relations = chooser.relations();
    std::set<std::pair<std::string, std::string>> statistics = chooser.statistics();
    relations.insert(state.taken_relations.begin(), state.taken_relations.end());
    statistics.insert(state.taken_statistics.begin(), state.taken_statistics.end());

    std::vector<OldName> old_names;
    const auto rename_relation = [&](const std::string& kind, const QualifiedName& name) {
        const std::string to = first_free(
            name.name, "_old", [&](const std::string& n) { return relations.contains(n); });
        relations.insert(to);
        old_names.push_back({kind, name, to});
    };
    rename_relation("TABLE", naming.final_name);
    for (const TablePart& part : state.old_parts) {
        if (part.kind != "STATISTICS") {
            rename_relation(part.kind, part.name);
            continue;
        }
        const std::string to = first_free(part.name.name, "_old", [&](const std::string& n) {
            return statistics.contains({part.name.schema, n});
        });
        statistics.emplace(part.name.schema, to);
        old_names.push_back({part.kind, part.name, to});
    }
    return old_names;
}

} // namespace

std::string working_name(const TargetNaming& naming, int number)
{
    return "pgclone_" + naming.tag + "_" + std::to_string(number);
}

std::string fit_name(std::string_view name, std::string_view suffix)
{
    suffix = cut(suffix, max_name_bytes);
    return std::string(cut(name, max_name_bytes - suffix.size())) + std::string(suffix);
}

std::string default_name(std::string_view table, std::string_view column, std::string_view label)
{
    const std::size_t room = max_name_bytes - label.size() - 2;
    std::size_t table_bytes = table.size();
    std::size_t column_bytes = column.size();
    while (table_bytes + column_bytes > room) {
        if (table_bytes > column_bytes)
            table_bytes--;
        else
            column_bytes--;
    }
    return std::string(cut(table, table_bytes)) + "_" + std::string(cut(column, column_bytes)) +
           "_" + std::string(label);
}

std::vector<std::string> name_candidates(const TableDefinition& definition,
                                         const TargetState& state, const std::string& final_name)
{
    std::vector<std::string> names = {final_name};
    const auto add = [&](const std::string& name) {
        names.push_back(name);
        names.push_back(follow_table(name, definition.name.name, final_name));
    };
    for (const SequenceDefinition& sequence : definition.sequences)
        add(sequence.name);
    for (const IndexDefinition& index : definition.indexes)
        add(index.name);
    for (const StatisticsDefinition& object : definition.statistics)
        add(object.object_name);
    for (const TablePart& part : state.old_parts)
        names.push_back(part.name.name);
    return names;
}

TableNames choose_names(const TableDefinition& definition, const TableSelection& selection,
                        const TargetState& state, const TargetNaming& naming,
                        const CloneOptions& options)
{
    NameChooser chooser(definition, state, naming);
    TableNames names;
    const std::string& schema = naming.final_name.schema;
    int number = 1;
    names.working = {schema, working_name(naming, number++)};
    names.final = naming.final_name;
    // Serial sequences come first: cleanup_statements() counts on it.
    for (const bool identity : {false, true})
        for (const SequenceDefinition& sequence : definition.sequences)
            if (sequence.is_identity == identity && selection.takes("sequence", sequence.name))
                names.sequences[sequence.name] = {schema, working_name(naming, number++),
                                                  chooser.choose_relation(sequence.name)};
    for (const IndexDefinition& index : definition.indexes)
        if (selection.takes("index", index.name))
            names.indexes[index.name] = {schema, working_name(naming, number++),
                                         chooser.choose_relation(index.name)};
    for (const StatisticsDefinition& object : definition.statistics) {
        if (!selection.takes("statistics", object.name))
            continue;
        const std::string& home = object.in_schema_of_table ? schema : object.schema;
        names.statistics[object.name] = {home, working_name(naming, number++),
                                         chooser.choose_statistics(home, object.object_name)};
    }
    if (state.old_table != 0 && options.conflict == ConflictAction::rename)
        names.old_names = choose_old_names(state, naming, chooser);
    return names;
}

} // namespace pgclone
